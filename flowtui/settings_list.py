"""Every setting with the value in force and where it came from: `flowtui config`, the screen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from flowtui import config, config_keys
from flowtui.config_keys import Key
from flowtui.models import Origin
from flowtui.preferences import VARIABLES, Preferences


@dataclass(frozen=True, slots=True)
class ListedSetting:
    """One setting as a person looks it up."""

    name: str
    """As it is written in its file: `storage.type`, `ui.theme`, `keys.flows.deploy`."""
    value: object
    """None where nothing is set; `default` says what counts then."""
    origin: Origin
    detail: str = ""
    """The variable, the option or the file that says it."""
    default: str = ""
    """What counts when nothing is said, in words."""
    help: str = ""
    file: str = ""
    """The file that says it, or in which it would be written."""
    key: str = ""
    """Where in that file."""

    @property
    def shown(self) -> str:
        """The value on one line, as TOML has it; a text without its quotes."""
        if self.value is None:
            return self.default
        if isinstance(self.value, str):
            return self.value
        return json.dumps(self.value, ensure_ascii=False, default=str)


def listed(
    path: Path,
    preferences: Preferences,
    environ: Mapping[str, str],
    *,
    profile: str | None = None,
    api_url: str | None = None,
) -> tuple[ListedSetting, ...]:
    """All settings that count in a folder, those of the project first. Blocking.

    Raises UsageError for a file that is wrong.
    """
    root = config.find_root(path)
    project = config.load_project(root)
    user = config.load_user()
    file, table = config.read_project_table(root)
    used = config.resolve_profile(user, project, profile=profile, api_url=api_url, environ=environ)
    mine = str(config.user_file())
    where = _said_by(used.origin, profile, api_url, environ, str(file or ""), mine)
    in_project = used.origin is Origin.PROJECT_FILE
    own = str(file or root / config.PROJECT_FILE) if in_project else mine
    prefix = "tool.flowtui." if file is not None and file.name == config.PYPROJECT else ""
    place = f"{prefix}profile" if in_project else "active"
    help_text = "The control plane in use, by the name of its profile."
    rows = [
        ListedSetting("profile", used.name, used.origin, where, "", help_text, own, place),
        ListedSetting(
            "api_url",
            used.api_url,
            used.origin,
            where,
            "",
            "Its address.",
            mine,
            f"profiles.{json.dumps(used.name, ensure_ascii=False)}.api_url",
        ),
    ]
    target = str(file or root / config.PROJECT_FILE)
    rows += _of_table(_without(config_keys.PROJECT, "profile"), table, "", target, prefix)
    rows += _of_table(config_keys.STORAGE, table.get("storage", {}), "storage.", target, prefix)
    execution = table.get("execution", {})
    rows += _of_table(config_keys.EXECUTION, execution, "execution.", target, prefix)
    rows += _of_mapping(table.get("run_config", {}), "run_config.", target, prefix)
    for name, own_table in table.get("flows", {}).items():
        inner = f"flows.{json.dumps(name, ensure_ascii=False)}."
        rows += _of_mapping(own_table, inner, target, prefix)
    rows += _of_ui(preferences, mine)
    help_text = "Other keys than the default ones."
    for name, keys in preferences.keys.items():
        full, value = f"keys.{name}", keys[0] if len(keys) == 1 else list(keys)
        rows.append(ListedSetting(full, value, Origin.USER_FILE, mine, "", help_text, mine, full))
    return tuple(rows)


def _of_table(
    keys: Iterable[Key], table: Mapping[str, Any], before: str, file: str, prefix: str
) -> list[ListedSetting]:
    return [
        ListedSetting(
            f"{before}{key.name}",
            table.get(key.name),
            Origin.PROJECT_FILE if key.name in table else Origin.DEFAULT,
            file if key.name in table else "",
            key.default,
            key.help,
            file,
            f"{prefix}{before}{key.name}",
        )
        for key in keys
    ]


def _of_mapping(
    table: Mapping[str, Any], before: str, file: str, prefix: str
) -> list[ListedSetting]:
    """What is written, tables in it with a row for each of their values."""
    rows: list[ListedSetting] = []
    for name, value in table.items():
        full = f"{before}{name}"
        if isinstance(value, dict):
            rows += _of_mapping(cast("dict[str, Any]", value), f"{full}.", file, prefix)
        else:
            place = f"{prefix}{full}"
            rows.append(ListedSetting(full, value, Origin.PROJECT_FILE, file, file=file, key=place))
    return rows


def _of_ui(preferences: Preferences, file: str) -> list[ListedSetting]:
    known = {key.name: key for key in config_keys.UI}
    return [
        ListedSetting(
            f"ui.{each.name}",
            each.value,
            each.origin,
            each.detail,
            known[each.name].default,
            f"{known[each.name].help} ({VARIABLES[each.name]})",
            file,
            f"ui.{each.name}",
        )
        for each in preferences.origins
    ]


def _without(keys: Iterable[Key], name: str) -> list[Key]:
    return [key for key in keys if key.name != name]


def _said_by(
    origin: Origin,
    profile: str | None,
    api_url: str | None,
    environ: Mapping[str, str],
    project_file: str,
    user_file: str,
) -> str:
    """The option, variable or file that says which profile is used."""
    match origin:
        case Origin.COMMAND_LINE:
            return "--api-url" if api_url else "--profile" if profile else ""
        case Origin.ENVIRONMENT:
            return "FLOWTUI_API_URL" if environ.get("FLOWTUI_API_URL") else "FLOWTUI_PROFILE"
        case Origin.PROJECT_FILE:
            return project_file
        case Origin.USER_FILE:
            return user_file
        case _:
            return ""
