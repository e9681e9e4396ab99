"""flowtui itself: its versions, its files, its settings, the environment it reads."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from flowtui import __version__, config, paths, preferences, private_files
from flowtui.credentials import credentials_file
from flowtui.deploy.history import History
from flowtui.doctor.checks import Check, State
from flowtui.doctor.subject import Subject
from flowtui.errors import FlowtuiError
from flowtui.quantities import size

_PARTS = ("textual", "httpx", "keyring", "docker", "watchfiles", "sqlalchemy")
_LEAST_ROOM = 200_000_000
"""Bytes free below which the history and Local storage are about to fail."""

_SHOWN = (
    "FLOWTUI_PROFILE",
    "FLOWTUI_API_URL",
    "FLOWTUI_API_KEY_FILE",
    "FLOWTUI_HOME",
    "FLOWTUI_DEBUG",
    "FLOWTUI_PLAIN_OUTPUT",
    *preferences.VARIABLES.values(),
    "FLOWTUI_ALLOW_PLAINTEXT_TOKEN",
    "FLOWTUI_SERVER_SILENT_AFTER",
    "FLOWTUI_SERVER_CHECK_EVERY",
    "FLOWTUI_SERVER_RESURRECTIONS",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "NO_COLOR",
    "TEXTUAL_THEME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "PREFECT_API_URL",
    "PREFECT_CLOUD_API_URL",
    "PREFECT_HOME",
    "PREFECT_PROFILE",
    "PREFECT_PROFILES_PATH",
    "PREFECT__CLOUD__API",
    "PREFECT__CLOUD__GRAPHQL",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
)
_NAMED_ONLY = (
    "FLOWTUI_API_KEY",
    "FLOWTUI_SERVER_TOKEN",
    "FLOWTUI_SERVER_DATABASE",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_KEY",
    "PREFECT__CLOUD__API_KEY",
    "PREFECT__CLOUD__AUTH_TOKEN",
    "https_proxy",
    "http_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)
"""Their values are secrets, or may hold one."""
_PREFIXES = ("FLOWTUI_", "DOCKER_", "PREFECT_")
"""What else starts like this is named, and not shown."""


async def versions() -> Sequence[Check]:
    def read() -> str:
        found = [f"{name} {_version(name)}" for name in _PARTS]
        return ", ".join(found)

    parts = await asyncio.to_thread(read)
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return (
        Check("version", State.OK, f"flowtui {__version__} on Python {platform.python_version()}"),
        Check("parts", State.OK, parts),
        Check("system", State.OK, system),
        Check("installed at", State.OK, f"{Path(__file__).parents[1]}, run by {sys.executable}"),
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


async def folders() -> Sequence[Check]:
    def look() -> tuple[Check, ...]:
        return (
            _folder("configuration", paths.config_dir()),
            _folder("data", paths.data_dir()),
            _folder("cache", paths.cache_dir()),
        )

    return await asyncio.to_thread(look)


def _folder(name: str, folder: Path) -> Check:
    nearest = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    fix = "make the folder yours, or set FLOWTUI_HOME to one that is"
    if not nearest.is_dir():
        return Check(name, State.BAD, f"{folder}: {nearest} is not a folder", fix)
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Check(name, State.BAD, f"{folder}: not writable", fix)
    free = shutil.disk_usage(nearest).free
    made = "" if nearest == folder else ", made when it is needed"
    value = f"{folder}, {size(free)} free{made}"
    if free < _LEAST_ROOM:
        return Check(name, State.BAD, value, "make room there, or set FLOWTUI_HOME to another disk")
    return Check(name, State.OK, value)


async def history() -> Sequence[Check]:
    def look() -> Check:
        past = History()
        if not past.path.exists():
            return Check("history", State.OK, f"{past.path}, made by the first deploy")
        return Check(
            "history",
            State.OK,
            f"{past.path}, {past.count()} deploys, {size(past.path.stat().st_size)}",
        )

    return (await asyncio.to_thread(look),)


async def files() -> Sequence[Check]:
    def look() -> tuple[Check, ...]:
        return (
            _file("server database", paths.server_database(), "none: no server ran here yet"),
            *(
                _file(f"log {file.name}", file, "")
                for file in sorted(paths.logs_dir().glob("*.log"))
            ),
        )

    return await asyncio.to_thread(look)


def _file(name: str, file: Path, absent: str) -> Check:
    try:
        return Check(name, State.OK, f"{file}, {size(file.stat().st_size)}")
    except FileNotFoundError:
        return Check(name, State.OK, f"{file}, {absent}")


async def settings(subject: Subject) -> Sequence[Check]:
    return (
        await asyncio.to_thread(_user_settings),
        await asyncio.to_thread(_looks, subject.environ),
        await asyncio.to_thread(_kept_tokens),
        await _project_settings(subject),
    )


def _user_settings() -> Check:
    file = config.user_file()
    try:
        user = config.load_user()
    except FlowtuiError as error:
        return Check(
            "user settings",
            State.BAD,
            f"{error.problem.what} ({error.problem.where or file})",
            error.problem.fix or f"correct {file}",
        )
    if not file.exists():
        return Check("user settings", State.OK, f"{file}, none yet")
    names = ", ".join(user.profiles)
    return Check("user settings", State.OK, f"{file}, profiles: {names}")


def _looks(environ: Mapping[str, str]) -> Check:
    """The tables [ui] and [keys], with the variables that beat them."""
    problems = preferences.load(environ).problems
    if not problems:
        return Check("looks and keys", State.OK, "as set, or as they come")
    told = "\n".join(f"{each.what} ({each.where})" for each in problems)
    fixes = "; ".join(dict.fromkeys(each.fix for each in problems if each.fix))
    return Check("looks and keys", State.WARNING, told, fixes or "correct it; the default counts")


def _kept_tokens() -> Check:
    """Whether flowtui's own file of tokens is there and may be used; nothing of it is shown."""
    file = credentials_file()
    try:
        there = private_files.read(file) is not None
    except private_files.NotPrivate as finding:
        fix = f"if you trust what is in it: chmod 600 {file}; else delete it and log in again"
        return Check("token file", State.BAD, f"{file} is not used: {finding}", fix)
    except (OSError, UnicodeDecodeError) as error:
        words = f"{file} cannot be read ({type(error).__name__})"
        return Check("token file", State.BAD, words, "delete it and log in again")
    return Check("token file", State.OK, f"{file}, private" if there else "none")


async def _project_settings(subject: Subject) -> Check:
    try:
        workspace = await subject.open()
    except FlowtuiError as error:
        return Check(
            "project settings",
            State.BAD,
            f"{error.problem.what} ({error.problem.where or subject.path})",
            error.problem.fix or "correct the project file",
        )
    file = workspace.config.file
    value = str(file) if file is not None else f"{workspace.root}, no project file"
    return Check("project settings", State.OK, value)


async def environment(environ: Mapping[str, str]) -> Sequence[Check]:
    """Names of the variables that are set; values only of those that hold no secret."""
    shown = [f"{name}={environ[name]}" for name in _SHOWN if environ.get(name)]
    others = sorted(n for n in environ if n.startswith(_PREFIXES) and n not in _SHOWN)
    named = [
        f"{name} is set" for name in dict.fromkeys((*_NAMED_ONLY, *others)) if environ.get(name)
    ]
    value = "\n".join([*shown, *named])
    return (Check("environment", State.OK, value or "none of flowtui's variables is set"),)
