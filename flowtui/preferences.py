"""How the app looks and behaves: the tables [ui] and [keys] of the user's file, the environment.

Nothing here stands in the way of a start: what is wrong is a problem, and its default counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from flowtui import config, config_keys
from flowtui.config_keys import Key
from flowtui.errors import UsageError
from flowtui.models import Origin, Problem

DEFAULTS: Mapping[str, object] = {
    "theme": None,
    "mouse": "auto",
    "ascii": "auto",
    "color": "auto",
    "read_only": False,
    "log_rate": None,
    "show_plan": True,
}
VARIABLES: Mapping[str, str] = {
    "theme": "FLOWTUI_THEME",
    "mouse": "FLOWTUI_MOUSE",
    "ascii": "FLOWTUI_ASCII",
    "color": "FLOWTUI_COLOR",
    "read_only": "FLOWTUI_READ_ONLY",
    "log_rate": "FLOWTUI_LOG_RATE",
    "show_plan": "FLOWTUI_SHOW_PLAN",
}
"""The environment variable of each key of [ui]; it beats the file. NO_COLOR beats both."""
_SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Preference:
    """One value of [ui] that is in force, and where it came from."""

    name: str
    value: object
    origin: Origin
    detail: str = ""
    """The variable or the file, empty for a default."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is in force. Defaults where nothing was said."""

    theme: str | None = None
    mouse: str = "auto"
    """`auto`, `on` or `off`."""
    ascii: str = "auto"
    color: str = "auto"
    """`auto`, `16` or `none`."""
    read_only: bool = False
    log_rate: float | None = None
    """Paints a second; None for what suits the connection."""
    show_plan: bool = True
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Keys as they are printed, by the name of their action, as far as the user's file has them."""
    origins: tuple[Preference, ...] = ()
    """All values of [ui] with where they came from."""
    problems: tuple[Problem, ...] = ()

    def mouse_wanted(self, environ: Mapping[str, str]) -> bool:
        """By default not over SSH: there the terminal's own selection is what people need."""
        return self.mouse == "on" or (self.mouse == "auto" and not environ.get("SSH_CONNECTION"))


def load(environ: Mapping[str, str], *, read_only: bool = False) -> Preferences:
    """What is in force: the command line, the environment, the user's file, defaults.

    Blocking. Raises nothing: see `Preferences.problems`.
    """
    problems: list[Problem] = []
    file = str(config.user_file())
    try:
        table = config.read_user_table()
    except UsageError as error:
        problems.append(error.problem)
        table = {}
    written = _table(table, "ui", file, problems)
    known = {key.name: key for key in config_keys.UI}
    problems += [_refused({name: written[name]}, file) for name in written if name not in known]
    found = tuple(_value(key, written, environ, file, problems) for key in config_keys.UI)
    if read_only:
        by_flag = Preference("read_only", True, Origin.COMMAND_LINE, "--read-only")
        found = tuple(by_flag if each.name == "read_only" else each for each in found)
    values: dict[str, Any] = {each.name: each.value for each in found}
    keys = _keys(_table(table, "keys", file, problems), file, problems)
    return Preferences(**values, keys=keys, origins=found, problems=tuple(problems))


def check(name: str, value: object) -> None:
    """Raise UsageError for what [ui] does not take."""
    config_keys.check({name: value}, config_keys.UI, file=str(config.user_file()), prefix="ui.")


def _table(
    table: Mapping[str, Any], name: str, file: str, problems: list[Problem]
) -> Mapping[str, Any]:
    value = table.get(name, {})
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    problems.append(Problem(f"{name} must be a table", file, f"write [{name}]"))
    return {}


def _value(
    key: Key,
    written: Mapping[str, Any],
    environ: Mapping[str, str],
    file: str,
    problems: list[Problem],
) -> Preference:
    if key.name == "color" and environ.get("NO_COLOR"):
        return Preference("color", "none", Origin.ENVIRONMENT, "NO_COLOR")
    variable = VARIABLES[key.name]
    if said := environ.get(variable):
        value = _meant(key.name, said)
        if key.kind.accepts(value):
            return Preference(key.name, value, Origin.ENVIRONMENT, variable)
        what = f"{variable} must be {key.kind.words}, not “{said}”"
        problems.append(Problem(what, "environment", key.help))
    if key.name in written:
        value = written[key.name]
        if key.kind.accepts(value):
            return Preference(key.name, value, Origin.USER_FILE, file)
        problems.append(_refused({key.name: value}, file))
    return Preference(key.name, DEFAULTS[key.name], Origin.DEFAULT)


def _meant(name: str, said: str) -> object:
    """A variable holds text: `1` is on, true or a number, as the key takes it."""
    if name in ("read_only", "show_plan"):
        return _SWITCHES.get(said.lower(), said)
    if name in ("mouse", "ascii") and said in ("0", "1"):
        return "on" if said == "1" else "off"
    if name == "log_rate":
        try:
            return float(said)
        except ValueError:
            return said
    return said


def _refused(table: Mapping[str, Any], file: str) -> Problem:
    try:
        config_keys.check(table, config_keys.UI, file=file, prefix="ui.")
    except UsageError as error:
        return error.problem
    raise AssertionError(f"{table} is good")


def _keys(
    table: Mapping[str, Any], file: str, problems: list[Problem], prefix: str = ""
) -> dict[str, tuple[str, ...]]:
    """`flows.deploy = "D"` is a table in a table for TOML: both spellings mean the action."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        full = f"{prefix}{name}"
        if isinstance(value, dict):
            found |= _keys(cast("dict[str, Any]", value), file, problems, f"{full}.")
        elif config_keys.TEXT_OR_TEXTS.accepts(value):
            found[full] = (value,) if isinstance(value, str) else tuple(value)
        else:
            what = f"keys.{full} must be a key or a list of keys"
            fix = f'for example {full} = "ctrl+x" or {full} = ["D", "f5"]'
            problems.append(Problem(what, f"{file}, key keys.{full}", fix))
    return found
