"""What a Prefect REST API wants to see of a person: nothing, `user:password`, or an API key."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from flowtui.credentials import Secret, TokenKind
from flowtui.errors import CredentialsError


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and how it is sent: with a colon in it by HTTP Basic, as `prefect server` wants it
    (`PREFECT_SERVER_API_AUTH_STRING`); else as Bearer, as Prefect Cloud wants its API keys."""

    secret: Secret | None
    is_cloud: bool

    @property
    def is_basic(self) -> bool:
        return self.secret is not None and ":" in self.secret.reveal()

    @property
    def kind(self) -> TokenKind:
        """What was given."""
        return TokenKind.PASSWORD if self.is_basic else TokenKind.API_KEY

    @property
    def wanted(self) -> TokenKind:
        return TokenKind.API_KEY if self.is_cloud else TokenKind.PASSWORD

    def header(self) -> str:
        """The value of the header `Authorization`."""
        assert self.secret is not None
        if self.is_basic:
            return f"Basic {base64.b64encode(self.secret.reveal().encode()).decode()}"
        return f"Bearer {self.secret.reveal()}"

    def refused(self, where: str) -> CredentialsError:
        """Why a 401 came, as far as it can be told from what was sent."""
        wanted = self.wanted
        server = "Prefect Cloud" if self.is_cloud else "the control plane"
        store = f"store {wanted.one} ({wanted.form}) with `flowtui login`, or set FLOWTUI_API_KEY"
        if self.secret is None:
            what = f"{server} asks for {wanted.one}, and there is none"
            return CredentialsError(what, where=where, fix=store)
        if self.kind is not wanted:
            what = f"{server} wants {wanted.one}, and was sent {self.kind.one}"
            return CredentialsError(what, where=where, fix=store)
        if self.is_cloud:
            return CredentialsError(
                f"{server} does not accept this API key: it is wrong, expired or revoked",
                where=where,
                fix="make a new one in Cloud's UI and store it with `flowtui login`",
            )
        return CredentialsError(
            f"{server} does not accept this user and password",
            where=where,
            fix="the server's PREFECT_SERVER_API_AUTH_STRING says which; store them with "
            "`flowtui login`",
        )
