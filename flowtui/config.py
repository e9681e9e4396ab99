"""The project file and the user's profiles. No network, no keyring.

The project file is `flowtui.toml`, or the table `[tool.flowtui]` of `pyproject.toml`. The user's
file is `config.toml` in flowtui's configuration folder; a change of it keeps what else is in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import tomllib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from flowtui import addresses, config_keys, paths, private_files, user_document
from flowtui.config_keys import nearest
from flowtui.errors import UsageError
from flowtui.models import (
    DeploymentOptions,
    DeployTable,
    ExecutionOptions,
    JsonObject,
    Origin,
    Profile,
    StorageKind,
    StorageOptions,
)
from flowtui.user_document import UserDocument

PROJECT_FILE = "flowtui.toml"
PYPROJECT = "pyproject.toml"
_MARKS = ("prefect.yaml", ".venv/pyvenv.cfg")
EMBEDDED_PROFILE = "embedded"
"""The profile that is always there: the address `flowtui server` listens on by default."""

_NO_SETTINGS = DeployTable()
_NO_FLOWS: Mapping[str, DeployTable] = {}


@dataclass(frozen=True, slots=True)
class DeployHabits:
    """How deploys of this project go."""

    show_plan: bool | None = None
    """Show the plan before a deploy; None leaves that to the user."""
    at_once: int = 1
    """Hot flows that may be deployed at the same time."""


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What the project file says; defaults where it says nothing."""

    root: Path
    file: Path | None = None
    """None when the folder has no project file."""
    profile: str | None = None
    python: str | None = None
    """As written: relative to the root, or absolute."""
    table: DeployTable = _NO_SETTINGS
    flows: Mapping[str, DeployTable] = field(default_factory=lambda: _NO_FLOWS)
    exclude: tuple[str, ...] = ()
    load_timeout: float = 60
    """Seconds."""
    health_timeout: float = 120
    """Seconds."""
    habits: DeployHabits = DeployHabits()

    def tables_of(
        self, flow_name: str | None, deployment: str = ""
    ) -> tuple[tuple[str, DeployTable], ...]:
        """The flow's own tables by name, strongest first: `flow/deployment`, then `flow`."""
        if flow_name is None:
            return ()
        names = (*((f"{flow_name}/{deployment}",) if deployment else ()), flow_name)
        return tuple((name, self.flows[name]) for name in names if name in self.flows)

    def project_of(self, flow_name: str | None, deployment: str = "") -> str | None:
        """The project that this file says a flow goes to."""
        own = (table.project for _, table in self.tables_of(flow_name, deployment))
        return next((name for name in own if name), self.table.project)


@dataclass(frozen=True, slots=True)
class UserConfig:
    """The user's profiles, `embedded` among them, and which one is active."""

    profiles: Mapping[str, Profile]
    active: str | None = None


# ------------------------------------------------------------------------------ the project file


def find_root(path: Path) -> Path:
    """The project folder that a file or folder belongs to.

    The nearest folder upwards with a project file; without one the nearest that has a mark of a
    project (a prefect.yaml, a virtual environment); without either the folder itself. Raises
    UsageError when the path does not exist.
    """
    try:
        path = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            "there is no such file or folder", where=str(path), fix="check the path"
        ) from error
    start = path if path.is_dir() else path.parent
    folders = (start, *start.parents)
    chosen = next((folder for folder in folders if _has_settings(folder)), None)
    return chosen or next((folder for folder in folders if _is_marked(folder)), start)


def is_project(folder: Path) -> bool:
    """Whether something in this very folder says that it is a project's."""
    return _has_settings(folder) or _is_marked(folder)


def load_project(root: Path) -> ProjectConfig:
    """Read and check the project file of this folder. Raises UsageError for a bad one."""
    file, table = read_project_table(root)
    return ProjectConfig(root=root) if file is None else _project(root, file, table)


def read_project_table(root: Path) -> tuple[Path | None, dict[str, Any]]:
    """The project file of this folder and what it says, unchecked; (None, {}) without one.

    Raises UsageError for what is not TOML, and where two files have settings.
    """
    own = root / PROJECT_FILE
    pyproject = root / PYPROJECT
    tables = {
        file: table
        for file, table in (
            (own, _read_toml(own) if _is_file(own) else None),
            (pyproject, _tool_table(pyproject)),
        )
        if table is not None
    }
    if len(tables) == 2 and all(tables.values()):
        raise UsageError(
            f"settings in {PROJECT_FILE} and in [tool.flowtui] of {PYPROJECT}",
            where=str(root),
            fix="keep one of them: move all settings into it and delete the other",
        )
    if not tables:
        return None, {}
    file = next((file for file, table in tables.items() if table), next(iter(tables)))
    return file, tables[file]


def check_project(root: Path, file: Path, text: str) -> None:
    """Raise UsageError where this text would be no good project file."""
    table = _parsed(text, file)
    if file.name == PYPROJECT:
        table = table.get("tool", {}).get("flowtui", {})
    _project(root, file, table)


def _is_marked(folder: Path) -> bool:
    return any(_is_file(folder / mark) for mark in _MARKS)


def _has_settings(folder: Path) -> bool:
    if _is_file(folder / PROJECT_FILE):
        return True
    try:
        content = (folder / PYPROJECT).read_bytes()
    except OSError:
        return False
    if b"flowtui" not in content:
        return False
    try:
        return _tool_table(folder / PYPROJECT) is not None
    except UsageError:
        # Broken, but it speaks of flowtui: reading it will say what is wrong with it.
        return True


def _tool_table(pyproject: Path) -> dict[str, Any] | None:
    if not _is_file(pyproject):
        return None
    tool = _read_toml(pyproject).get("tool")
    table = cast("dict[str, Any]", tool).get("flowtui") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError("tool.flowtui must be a table", where=str(pyproject))
    return cast("dict[str, Any] | None", table)


def _is_file(path: Path) -> bool:
    """False also where nobody lets us look, for which Path.is_file raises."""
    return os.path.isfile(path)  # noqa: PTH113


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return _parsed(file.read_bytes().decode(), file)
    except UnicodeDecodeError as error:
        raise UsageError("not valid TOML: it is not UTF-8", where=str(file)) from error
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(file)) from error


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not valid TOML: {error}", where=str(file)) from error
    except (RecursionError, ValueError) as error:
        reason = "a value in it is nested too deeply, or a number has too many digits"
        raise UsageError(f"not readable TOML: {reason}", where=str(file)) from error


def _project(root: Path, file: Path, table: dict[str, Any]) -> ProjectConfig:
    name = str(file)
    prefix = "tool.flowtui." if file.name == PYPROJECT else ""
    config_keys.check(table, config_keys.ROOT, file=name, prefix=prefix)
    defaults = ProjectConfig(root=root)
    flows: dict[str, DeployTable] = {}
    for flow, settings in table.get("flows", {}).items():
        inner = f"{prefix}flows.{json.dumps(flow, ensure_ascii=False)}."
        if not isinstance(settings, dict):
            raise UsageError(
                f"{inner.removesuffix('.')} must be a table", where=name, fix='write [flows."name"]'
            )
        flow_table = cast("dict[str, Any]", settings)
        config_keys.check(flow_table, config_keys.FLOW, file=name, prefix=inner)
        flows[flow] = _deploy_table(flow_table, name, inner)
    return ProjectConfig(
        root=root,
        file=file,
        profile=table.get("profile"),
        python=table.get("python"),
        table=_deploy_table(table, name, prefix),
        flows=flows,
        exclude=tuple(table.get("exclude", ())),
        load_timeout=float(table.get("load_timeout", defaults.load_timeout)),
        health_timeout=float(table.get("health_timeout", defaults.health_timeout)),
        habits=_habits(table, name, prefix),
    )


def _habits(table: dict[str, Any], file: str, prefix: str) -> DeployHabits:
    said: dict[str, Any] = table.get("deploy", {})
    config_keys.check(said, config_keys.DEPLOY, file=file, prefix=f"{prefix}deploy.")
    return DeployHabits(**said)


def _deploy_table(table: dict[str, Any], file: str, prefix: str) -> DeployTable:
    return DeployTable(
        project=table.get("project"),
        storage=_storage(table.get("storage", {}), file, f"{prefix}storage."),
        execution=_execution(table, file, prefix),
        deployment=_deployment(table.get("deployment", {}), file, f"{prefix}deployment."),
    )


def _storage(table: dict[str, Any], file: str, prefix: str) -> StorageOptions:
    config_keys.check(table, config_keys.STORAGE, file=file, prefix=prefix)
    if "base_image" in table and "dockerfile" in table:
        raise UsageError(
            f"{prefix}base_image and {prefix}dockerfile exclude each other",
            where=file,
            fix="keep one: the FROM line of the Dockerfile says the base image",
        )
    values: dict[str, Any] = {
        name: tuple(cast("list[Any]", value)) if isinstance(value, list) else value
        for name, value in table.items()
    }
    if "type" in values:
        values["type"] = StorageKind(values["type"])
    return StorageOptions(**values)


def _deployment(table: dict[str, Any], file: str, prefix: str) -> DeploymentOptions:
    config_keys.check(table, config_keys.DEPLOYMENT, file=file, prefix=prefix)
    values: dict[str, Any] = dict(table)
    for name in ("schedules", "tags", "pull_steps"):
        if name in values:
            values[name] = tuple(values[name])
    return DeploymentOptions(**values)


def _execution(table: dict[str, Any], file: str, prefix: str) -> ExecutionOptions:
    execution: dict[str, Any] = table.get("execution", {})
    config_keys.check(execution, config_keys.EXECUTION, file=file, prefix=f"{prefix}execution.")
    run_config: dict[str, Any] | None = table.get("run_config")
    if run_config is not None:
        _check_run_config(run_config, file, f"{prefix}run_config.")
    return ExecutionOptions(
        executor=execution.get("executor"),
        executor_kwargs=execution.get("executor_kwargs"),
        run_config=cast("JsonObject | None", run_config),
    )


def _check_run_config(table: dict[str, Any], file: str, prefix: str) -> None:
    kind = table.get("type")
    keys = config_keys.RUN_CONFIG_KEYS.get(kind) if isinstance(kind, str) else None
    if keys is None:
        shown = f"must be one of these, not {kind!r}" if "type" in table else "is missing"
        meant = nearest(str(kind), config_keys.RUN_CONFIGS)
        hint = f"did you mean {meant}? " if meant else ""
        raise UsageError(
            f"{prefix}type {shown}",
            where=file,
            fix=f"{hint}Known: {', '.join(config_keys.RUN_CONFIGS)}",
        )
    config_keys.check(table, keys, file=file, prefix=prefix)


# -------------------------------------------------------------------------------- the user's file


def user_file() -> Path:
    return paths.config_dir() / "config.toml"


def load_user() -> UserConfig:
    """The user's profiles; only `embedded` when nothing was ever saved. Raises UsageError.

    What the app looks like is read elsewhere (`flowtui.preferences`): it never stands in the way of
    a connection.
    """
    return _user(read_user_table())


def read_user_table() -> dict[str, Any]:
    """The user's file as it is, empty when there is none. Raises UsageError."""
    file = user_file()
    return _read_toml(file) if _is_file(file) else {}


def _user(table: dict[str, Any]) -> UserConfig:
    profiles = {
        EMBEDDED_PROFILE: Profile(EMBEDDED_PROFILE, addresses.EMBEDDED, Origin.DEFAULT),
    }
    name = str(user_file())
    config_keys.check(_without_looks(table), config_keys.USER, file=name)
    for profile, settings in table.get("profiles", {}).items():
        profiles[profile] = _user_profile(profile, settings, name)
    return UserConfig(profiles, table.get("active"))


def _without_looks(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in ("ui", "keys")}


def save_profile(profile: Profile) -> None:
    """Add or replace a profile in the user's file. Raises UsageError for a bad name or address."""
    if profile.name == EMBEDDED_PROFILE:
        raise UsageError(
            f"the profile {EMBEDDED_PROFILE!r} is built in and cannot be changed",
            fix="choose another name for this address",
        )
    if not profile.name.strip() or not profile.name.isprintable():
        raise UsageError(f"not a profile name: {profile.name!r}", fix="use printable characters")
    address = addresses.normalise(profile.api_url)
    with _changing_user_file() as document:
        user_document.set_value(document, ("profiles", profile.name, "api_url"), address)
        path = ("profiles", profile.name, "ca_file")
        if profile.ca_file:
            user_document.set_value(document, path, profile.ca_file)
        else:
            user_document.remove(document, path)


def replace_profile(before: str, profile: Profile) -> None:
    """Save a profile in the place of the one named `before`, active if that was.

    Raises UsageError for a bad name or address, or when there is no such profile.
    """
    active = _known(load_user(), before, where=str(user_file())).name == load_user().active
    save_profile(profile)
    if before == profile.name:
        return
    if active:
        set_active(profile.name)
    remove_profile(before)


def remove_profile(name: str) -> None:
    """Take a profile out of the user's file; its token stays where it is. Raises UsageError."""
    with _changing_user_file() as document:
        user = load_user()
        if name == EMBEDDED_PROFILE:
            raise UsageError(f"the profile {name!r} is built in and cannot be removed")
        _known(user, name, where=str(user_file()))
        user_document.remove(document, ("profiles", name))
        if user.active == name:
            user_document.remove(document, ("active",))


def set_active(name: str) -> None:
    """Make a known profile the one used when nothing else is said. Raises UsageError."""
    with _changing_user_file() as document:
        _known(load_user(), name, where=str(user_file()))
        user_document.set_value(document, ("active",), name)


def set_user_value(path: tuple[str, ...], value: object) -> None:
    """Write one value into the user's file, for example `("ui", "theme")`. Raises UsageError.

    Whether a value of [ui] or [keys] is good is checked by whoever calls.
    """
    with _changing_user_file() as document:
        user_document.set_value(document, path, value)


def remove_user_value(path: tuple[str, ...]) -> None:
    """Take one value out of the user's file. Raises UsageError."""
    with _changing_user_file() as document:
        user_document.remove(document, path)


def resolve_profile(
    user: UserConfig,
    project: ProjectConfig,
    *,
    profile: str | None,
    api_url: str | None,
    environ: Mapping[str, str],
) -> Profile:
    """The control plane to use: command line, environment, project file, user's active, embedded.

    On one level an address beats a name; with both, the address goes by that name. Raises
    UsageError for an unknown profile or a bad address.
    """
    if api_url:
        return _at_address(user, api_url, profile, Origin.COMMAND_LINE, "--api-url")
    if profile:
        return _named(user, profile, Origin.COMMAND_LINE, "--profile")
    if address := environ.get("FLOWTUI_API_URL"):
        name = environ.get("FLOWTUI_PROFILE") or None
        return _at_address(user, address, name, Origin.ENVIRONMENT, "FLOWTUI_API_URL")
    if name := environ.get("FLOWTUI_PROFILE"):
        return _named(user, name, Origin.ENVIRONMENT, "FLOWTUI_PROFILE")
    if project.profile:
        return _named(user, project.profile, Origin.PROJECT_FILE, str(project.file))
    if user.active:
        return _named(user, user.active, Origin.USER_FILE, str(user_file()))
    return user.profiles[EMBEDDED_PROFILE]


def _user_profile(name: str, settings: object, file: str) -> Profile:
    prefix = f"profiles.{json.dumps(name, ensure_ascii=False)}."
    if not isinstance(settings, dict):
        raise UsageError(f"{prefix.removesuffix('.')} must be a table", where=file)
    if name == EMBEDDED_PROFILE:
        raise UsageError(
            f"the profile {name!r} is built in and cannot be changed",
            where=file,
            fix="give this table another name",
        )
    table = cast("dict[str, Any]", settings)
    config_keys.check(table, config_keys.PROFILE, file=file, prefix=prefix)
    if "api_url" not in table:
        raise UsageError(f"{prefix}api_url is missing", where=file)
    address = addresses.normalise(table["api_url"], where=f"{file}, key {prefix}api_url")
    return Profile(name, address, Origin.USER_FILE, table.get("ca_file"))


def _known(user: UserConfig, name: str, *, where: str) -> Profile:
    if name in user.profiles:
        return user.profiles[name]
    meant = nearest(name, user.profiles)
    hint = f"did you mean {meant!r}? " if meant else ""
    raise UsageError(
        f"there is no profile {name!r}",
        where=where,
        fix=f"{hint}Known profiles: {', '.join(sorted(user.profiles))}. "
        "`flowtui profiles add NAME URL` makes a new one",
    )


def _named(user: UserConfig, name: str, origin: Origin, where: str) -> Profile:
    known = _known(user, name, where=where)
    return Profile(known.name, known.api_url, origin, known.ca_file)


def _at_address(
    user: UserConfig, address: str, name: str | None, origin: Origin, where: str
) -> Profile:
    address = addresses.normalise(address, where=where)
    known = next((each for each in user.profiles.values() if each.api_url == address), None)
    if name is None:
        name = known.name if known else address.partition("://")[2]
    return Profile(name, address, origin, known.ca_file if known else None)


@contextlib.contextmanager
def _changing_user_file() -> Generator[UserDocument]:
    """The user's file to change in place: written whole at the end, or not at all.

    What is in it must be good before and after; comments and order are kept.
    """
    file = user_file()
    try:
        with private_files.locked(paths.config_dir()):
            _user(read_user_table())
            text = file.read_text(encoding="utf-8") if _is_file(file) else ""
            document = user_document.parse(text, file=str(file))
            yield document
            written = user_document.text(document)
            _user(_parsed(written, file))
            private_files.write(file, written)
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}",
            where=str(file),
            fix="check the folder's owner and mode, or set FLOWTUI_HOME to another one",
        ) from error
