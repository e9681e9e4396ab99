"""Where a token lives: environment, this session, the OS keyring, an opt-in private file.

A token is bound to the API address it was stored for and never sent to another one. A person's key
for Prefect Cloud is good for all its workspaces and bound to Cloud's address, a service account's
to its workspace. Every token found or stored is made known to the redactor.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn, cast

from flowtui import addresses, keyring_index, os_keyring, paths, private_files
from flowtui.errors import CredentialsError, UsageError
from flowtui.os_keyring import KeyringError, KeyringStatus, OsKeyring
from flowtui.text import MASK, redact

_LARGEST = 65_536
"""Characters; a longer "token" is a wrong file."""

_PREFECT_CLOUD_1 = "https://api.prefect.io"
_SERVICE_ACCOUNT = "pnb_"
"""How Prefect Cloud's keys of service accounts begin."""


class Secret:
    """A token that no repr, format, log record or traceback shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        redact.add(text)
        _, colon, password = text.partition(":")
        if colon:  # user:password: the second half alone, and how it travels
            redact.add(password)
            redact.add(base64.b64encode(text.encode()).decode())

    def reveal(self) -> str:
        """The token itself: call it where it is sent, and keep it in no variable."""
        return self._text

    @property
    def hint(self) -> str:
        """For a person to recognise it: the last four characters of a long one."""
        return f"{MASK}{self._text[-4:]}" if len(self._text) >= 16 else MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


class TokenKind(StrEnum):
    """What a control plane takes as a token, in words."""

    TOKEN = "token"
    """Prefect 0.6 to 1.4, `flowtui server`."""
    PASSWORD = "user and password"
    """`prefect server` of Prefect 2 and 3: `user:password`."""
    API_KEY = "API key"
    """Prefect Cloud of today."""

    @property
    def one(self) -> str:
        """With its article."""
        return f"an {self}" if self is TokenKind.API_KEY else f"a {self}"

    @property
    def form(self) -> str:
        """How it looks; empty where it may look like anything."""
        forms = {TokenKind.PASSWORD: "user:password", TokenKind.API_KEY: "pnu_… or pnb_…"}
        return forms.get(self, "")


class Source(StrEnum):
    """Where a token was found."""

    ENVIRONMENT = "environment"
    SESSION = "this session"
    KEYRING = "keyring"
    FILE = "file"
    PREFECT = "Prefect's environment"


class Where(StrEnum):
    """Where a token can be stored."""

    KEYRING = "keyring"
    FILE = "file"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and where it came from."""

    secret: Secret
    source: Source
    detail: str = ""
    """The variable, the keyring's name, or the file."""

    @property
    def origin(self) -> str:
        """In words for a person: `keyring (SecretService)`."""
        return f"{self.source} ({self.detail})" if self.detail else str(self.source)


def token(text: str, *, where: str = "") -> Secret:
    """A token as typed, piped or read: surrounding blanks removed, checked.

    Raises CredentialsError, which never repeats it.
    """
    text = text.strip()
    problem = ""
    if not text:
        problem = "the token is empty"
    elif len(text) > _LARGEST:
        problem = f"the token is longer than {_LARGEST} characters"
    elif not text.isprintable() or (":" not in text and (" " in text or not text.isascii())):
        # A password, after a colon, may have what no token has.
        problem = "the token has blanks, line breaks or other characters no token has"
    if problem:
        raise CredentialsError(problem, where=where, fix="copy it again, whole and alone")
    return Secret(text)


def credentials_file() -> Path:
    """flowtui's own file of tokens; it exists only when a person chose to store one there."""
    return paths.config_dir() / "credentials.json"


class CredentialStore:
    """Finds, stores and forgets tokens. Keeps session tokens in memory."""

    def __init__(
        self, environ: Mapping[str, str] | None = None, keyring: OsKeyring | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._keyring = keyring or os_keyring.shared
        self._session: dict[str, Secret] = {}
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What went wrong in the last call without stopping it, in words for a person."""
        return tuple(self._notes)

    async def find(self, api_url: str, *, everywhere: bool = False) -> Credential | None:
        """The token for this address, None if there is none.

        The keyring is asked where a token was put into it from here, or nothing is known of that;
        `everywhere`: in any case.

        Order: FLOWTUI_API_KEY, FLOWTUI_API_KEY_FILE, this session, keyring, file, and last, read
        only, the variables of Prefect itself where they belong to this address. Raises
        CredentialsError for a variable whose value cannot be a token.
        """
        self._notes.clear()
        address = addresses.normalise(api_url)
        found = await asyncio.to_thread(self._from_environment, address)
        homes = _homes(address)
        found = found or _first(self._from_session(home) for home in homes)
        for home in homes:
            found = found or await self._from_keyring(home, everywhere=everywhere)
        for home in homes:
            found = found or await asyncio.to_thread(self._from_file, home)
        return found or self._from_prefect(address)

    async def store(self, api_url: str, secret: Secret, where: Where) -> str:
        """Store the token for this address; returns the place, in words.

        Older tokens for the address are removed from the other places, so that none of them is
        used instead. Raises CredentialsError when the place cannot be used.
        """
        self._notes.clear()
        address = addresses.normalise(api_url)
        service = secret.reveal().startswith(_SERVICE_ACCOUNT)
        home = address if service else addresses.cloud_of(address)
        if where is Where.SESSION:
            self._session.pop(address, None)
            self._session[home] = secret
            return "this session only; it is forgotten when flowtui ends"
        if where is Where.FILE:
            await asyncio.to_thread(self._write_file, home, secret)
            await self._forget_in_keyring(home)
            place = f"{credentials_file()}, as plain text that only you can read"
        else:
            place = await self._write_keyring(home, secret)
            await asyncio.to_thread(self._forget_in_file, home)
        self._session.pop(home, None)
        if home != address:
            await self._forget_at(address)
        return place

    async def forget(self, api_url: str) -> tuple[str, ...]:
        """Delete this address's token from every store that holds it; returns the places."""
        self._notes.clear()
        places = [
            place
            for home in _homes(addresses.normalise(api_url))
            for place in await self._forget_at(home)
        ]
        for name in ("FLOWTUI_API_KEY", "FLOWTUI_API_KEY_FILE"):
            if self._environ.get(name):
                self._notes.append(f"{name} is still set in the environment and will be used")
        return tuple(dict.fromkeys(places))

    async def _forget_at(self, home: str) -> tuple[str, ...]:
        places = (
            str(Source.SESSION) if self._session.pop(home, None) else None,
            await self._forget_in_keyring(home),
            await asyncio.to_thread(self._forget_in_file, home),
        )
        return tuple(place for place in places if place)

    async def kept(self, api_urls: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """For each of these addresses the places that hold a token, in words.

        Nothing is unlocked: of the keyring it tells what was put there from here.
        """
        return await asyncio.to_thread(self._kept, tuple(api_urls))

    def _kept(self, api_urls: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        in_keyring = keyring_index.read() or frozenset[str]()
        try:
            in_file = frozenset(_read_file())
        except CredentialsError:
            in_file = frozenset[str]()
        found: dict[str, tuple[str, ...]] = {}
        for api_url in api_urls:
            address = _normalised(api_url)
            homes = frozenset(_homes(address))
            variable = self._variable_for(address)
            places = (
                f"{Source.ENVIRONMENT} ({variable})" if variable else "",
                str(Source.SESSION) if not homes.isdisjoint(self._session) else "",
                str(Source.KEYRING) if not homes.isdisjoint(in_keyring) else "",
                str(Source.FILE) if not homes.isdisjoint(in_file) else "",
            )
            found[api_url] = tuple(place for place in places if place)
        return found

    def _variable_for(self, address: str) -> str:
        """The variable with a token for this address alone; one for every address is no news."""
        bound = self._environ.get("FLOWTUI_API_URL")
        if not bound or _normalised(bound) != address:
            return ""
        names = ("FLOWTUI_API_KEY", "FLOWTUI_API_KEY_FILE")
        return next((name for name in names if self._environ.get(name)), "")

    async def keyring_status(self) -> KeyringStatus:
        """Which keyring answers and whether it is safe to write to. Reads and writes nothing."""
        return await self._keyring.status()

    async def wait_for_keyring(self, seconds: float = 30) -> bool:
        """Wait for a person to unlock the keyring; True when it is worth asking again."""
        return await self._keyring.wait(seconds)

    # ------------------------------------------------------------------------------ environment

    def _from_environment(self, address: str) -> Credential | None:
        found = self._environ.get("FLOWTUI_API_KEY")
        named = self._environ.get("FLOWTUI_API_KEY_FILE")
        if not found and not named:
            return None
        variable = "FLOWTUI_API_KEY" if found else "FLOWTUI_API_KEY_FILE"
        bound = self._environ.get("FLOWTUI_API_URL")
        if bound and _normalised(bound) != address:
            self._notes.append(
                f"{variable} belongs to FLOWTUI_API_URL and is not sent to {address}"
            )
            return None
        if found:
            return Credential(token(found, where=variable), Source.ENVIRONMENT, variable)
        return Credential(_token_in(Path(str(named))), Source.ENVIRONMENT, f"{variable} {named}")

    def _from_prefect(self, address: str) -> Credential | None:
        environ = self._environ
        cloud_1 = (environ.get("PREFECT__CLOUD__GRAPHQL"), environ.get("PREFECT__CLOUD__API"))
        homes = {
            # In the order in which Prefect itself prefers them.
            "PREFECT_API_AUTH_STRING": (environ.get("PREFECT_API_URL"),),
            "PREFECT_API_KEY": (environ.get("PREFECT_API_URL") or addresses.CLOUD,),
            "PREFECT__CLOUD__API_KEY": cloud_1 if any(cloud_1) else (_PREFECT_CLOUD_1,),
            "PREFECT__CLOUD__AUTH_TOKEN": cloud_1 if any(cloud_1) else (_PREFECT_CLOUD_1,),
        }
        for variable, candidates in homes.items():
            if not environ.get(variable):
                continue
            known = {addresses.origin(_normalised(home)) for home in candidates if home}
            if addresses.origin(address) in known:
                secret = token(environ[variable], where=variable)
                return Credential(secret, Source.PREFECT, variable)
        return None

    # ---------------------------------------------------------------------- session and keyring

    def _from_session(self, address: str) -> Credential | None:
        secret = self._session.get(address)
        return Credential(secret, Source.SESSION) if secret else None

    async def _from_keyring(self, address: str, *, everywhere: bool) -> Credential | None:
        noted = await asyncio.to_thread(keyring_index.read)
        if noted is not None and address not in noted and not everywhere:
            return None
        try:
            found, name = await self._keyring.get(address)
        except KeyringError as error:
            self._notes.append(str(error))
            return None
        await self._note_keyring(address, kept=bool(found))
        return Credential(Secret(found), Source.KEYRING, name) if found else None

    async def _note_keyring(self, address: str, *, kept: bool) -> None:
        try:
            await asyncio.to_thread(keyring_index.note, address, kept=kept)
        except OSError as error:
            self._notes.append(f"what is in the keyring cannot be noted: {error.strerror}")

    async def _write_keyring(self, address: str, secret: Secret) -> str:
        try:
            name = await self._keyring.set(address, secret.reveal)
        except KeyringError as error:
            raise CredentialsError(
                f"the token was not saved: {error}",
                fix=f"choose where it goes: --save file keeps it in {credentials_file()} as plain "
                "text that only you can read; or save nothing and set FLOWTUI_API_KEY or "
                "FLOWTUI_API_KEY_FILE",
            ) from None
        await self._note_keyring(address, kept=True)
        return f"keyring ({name})"

    async def _forget_in_keyring(self, address: str) -> str | None:
        try:
            name = await self._keyring.delete(address)
        except KeyringError as error:
            self._notes.append(f"{error}: a token that it holds was not deleted")
            return None
        await self._note_keyring(address, kept=False)
        return f"keyring ({name})" if name else None

    # ------------------------------------------------------------------------------------- file

    def _from_file(self, address: str) -> Credential | None:
        try:
            found = _read_file().get(address)
        except CredentialsError as error:
            self._notes.append(str(error))
            return None
        return Credential(Secret(found), Source.FILE, str(credentials_file())) if found else None

    def _write_file(self, address: str, secret: Secret) -> None:
        _rewrite_file(lambda tokens: {**tokens, address: secret.reveal()})

    def _forget_in_file(self, address: str) -> str | None:
        try:
            if address not in _read_file():
                return None
            _rewrite_file(lambda tokens: {key: tokens[key] for key in tokens if key != address})
        except CredentialsError as error:
            self._notes.append(str(error))
            return None
        return f"file ({credentials_file()})"


def _homes(address: str) -> tuple[str, ...]:
    """What a token for this address may be bound to, the narrower first."""
    return tuple(dict.fromkeys((address, addresses.cloud_of(address))))


def _first(found: Iterable[Credential | None]) -> Credential | None:
    return next((each for each in found if each is not None), None)


def _normalised(address: str) -> str:
    try:
        return addresses.normalise(address)
    except UsageError:
        return ""


def _token_in(file: Path) -> Secret:
    where = f"FLOWTUI_API_KEY_FILE={file}"
    try:
        with file.open(encoding="utf-8") as stream:
            return token(stream.read(_LARGEST + 2), where=where)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CredentialsError(f"the token file cannot be read: {reason}", where=where) from None


def _read_file() -> dict[str, str]:
    file = credentials_file()
    try:
        text = private_files.read(file)
    except private_files.NotPrivate as finding:
        raise CredentialsError(
            f"the credentials file is not used: {finding}",
            where=str(file),
            fix=f"if you trust what is in it: chmod 600 {file}; else delete it and log in again",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(
            f"the credentials file cannot be read ({type(error).__name__})", where=str(file)
        ) from None
    if text is None:
        return {}
    try:
        content: Any = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict) or not all(
        isinstance(value, str) for value in cast("dict[str, Any]", content).values()
    ):
        # The text of a JSON error would quote the file.
        raise CredentialsError(
            "the credentials file is damaged", where=str(file), fix="delete it and log in again"
        ) from None
    return cast("dict[str, str]", content)


def _rewrite_file(change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    file = credentials_file()
    try:
        with private_files.locked(file.parent):
            tokens = change(_read_file())
            if tokens:
                private_files.write(file, json.dumps(tokens, indent=1) + "\n")
            else:
                file.unlink()
    except OSError as error:
        raise CredentialsError(
            f"the credentials file cannot be written: {error.strerror}", where=str(file)
        ) from None
