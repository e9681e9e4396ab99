"""`flowtui config`: every setting and where it comes from; change one; open the file."""

from __future__ import annotations

import os
import subprocess
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from flowtui import config as files
from flowtui import preferences, user_document
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output, print_problem
from flowtui.config_keys import nearest
from flowtui.errors import ExitCode, UsageError
from flowtui.models import Problem
from flowtui.settings_list import ListedSetting, listed


@click.group(invoke_without_command=True)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="PATH",
    help="The project folder. Default: this one.",
)
@workspace_options
@json_option
@click.pass_context
def config(
    ctx: click.Context, folder: Path, profile: str | None, api_url: str | None, as_json: bool
) -> None:
    """Every setting, its value, and where that comes from."""
    ctx.obj = folder
    if ctx.invoked_subcommand is not None:
        return
    rows, problems = _rows(folder, profile, api_url)
    output = Output(as_json=as_json)
    if as_json:
        output.data([_as_data(row) for row in rows])
    else:
        output.table(
            ("SETTING", "VALUE", "FROM", "WHERE"),
            ((row.name, row.shown, str(row.origin), row.detail) for row in rows),
        )
    for problem in problems:
        print_problem(problem)
    if problems:
        raise SystemExit(ExitCode.USAGE)


@config.command()
@click.option("--project", is_flag=True, help="The project file instead of yours.")
@click.pass_obj
def path(folder: Path, project: bool) -> None:
    """Where the file is, or would be."""
    Output().line(str(_file(folder, project)))


@config.command()
@click.argument("key", required=False)
@click.option("--project", is_flag=True, help="The project file instead of yours.")
@click.pass_obj
def edit(folder: Path, key: str | None, project: bool) -> None:
    """Open the file in your editor ($VISUAL, $EDITOR), at KEY if that is named."""
    from flowtui import private_files
    from flowtui.editor import editor_command, editor_words

    words = editor_words(os.environ)
    file = _file(folder, project)
    if not project:
        private_files.make_folder(file.parent)
    content = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    line = user_document.line_of(content, key) if key else None
    code = subprocess.run(editor_command(words, file, line), check=False).returncode
    if code != 0:
        raise UsageError(f"{words[0]} ended with {code}", where=str(file))
    _, problems = _rows(folder, None, None)
    for problem in problems:
        print_problem(problem)
    if problems:
        raise SystemExit(ExitCode.USAGE)


@config.command("get")
@click.argument("key")
@workspace_options
@json_option
@click.pass_obj
def get(folder: Path, key: str, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """The value of one setting."""
    rows, _ = _rows(folder, profile, api_url)
    found = next((row for row in rows if row.name == key), None)
    if found is None:
        raise _unknown(key, [row.name for row in rows])
    if as_json:
        Output(as_json=True).data(_as_data(found))
    else:
        Output().line(found.shown)


@config.command("set")
@click.argument("key")
@click.argument("value")
def set_(key: str, value: str) -> None:
    """Write one value into your file: `active`, `ui.…` or `keys.…`.

    VALUE is as in TOML; text needs no quotes. A value that is not good is not written.
    """
    table, _, name = key.partition(".")
    meant = _as_toml(value)
    match table:
        case "active" if not name:
            files.set_active(value)
        case "ui" if name:
            if not preferences.config_keys.BOOLEAN.accepts(meant) and not _is_number(name):
                meant = value
            preferences.check(name, meant)
            files.set_user_value(("ui", name), meant)
        case "keys" if name:
            keys = _keys(meant, value)
            _check_keys(name, keys)
            files.remove_user_value(("keys", *name.split(".")))
            files.set_user_value(("keys", name), keys[0] if len(keys) == 1 else list(keys))
        case _:
            raise UsageError(
                f"{key} is not written from here",
                where=str(files.user_file()),
                fix="active, ui.… and keys.… are; the project's: flowtui config edit --project",
            )
    Output().note(f"{key} = {value} in {files.user_file()}")


@config.command()
@click.argument("key")
def unset(key: str) -> None:
    """Take one value out of your file; the default counts again."""
    table, _, name = key.partition(".")
    known = table == "active" if not name else table in ("ui", "keys")
    if not known:
        raise UsageError(
            f"{key} is not written from here", fix="active, ui.… and keys.… are; profiles remove"
        )
    if table == "keys":
        files.remove_user_value(("keys", *name.split(".")))
    files.remove_user_value((table, name) if name else (table,))
    Output().note(f"{key} is not in {files.user_file()}")


def _rows(
    folder: Path, profile: str | None, api_url: str | None
) -> tuple[tuple[ListedSetting, ...], tuple[Problem, ...]]:
    """All settings, and what of the user's file does not count."""
    from flowtui.tui.actions import keymap_of

    found = preferences.load(os.environ)
    rows = listed(folder, found, os.environ, profile=profile, api_url=api_url)
    _, key_problems = keymap_of(found.keys, file=str(files.user_file()))
    return rows, (*found.problems, *key_problems)


def _file(folder: Path, project: bool) -> Path:
    if not project:
        return files.user_file()
    root = files.find_root(folder)
    file, _ = files.read_project_table(root)
    return file or root / files.PROJECT_FILE


def _as_data(row: ListedSetting) -> dict[str, Any]:
    data = {name: value for name, value in asdict(row).items() if name not in ("file", "key")}
    return {**data, "origin": str(row.origin)}


def _unknown(key: str, names: list[str]) -> UsageError:
    meant = nearest(key, names)
    hint = f"did you mean {meant}? " if meant else ""
    return UsageError(f"there is no setting “{key}”", fix=f"{hint}flowtui config shows all")


def _as_toml(value: str) -> object:
    """What the text means in TOML, or the text itself."""
    try:
        return tomllib.loads(f"value = {value}\n")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return value


def _is_number(name: str) -> bool:
    return name == "log_rate"


def _keys(meant: object, value: str) -> tuple[str, ...]:
    if isinstance(meant, list):
        return tuple(str(each) for each in meant)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return (meant if isinstance(meant, str) else value,)


def _check_keys(name: str, keys: tuple[str, ...]) -> None:
    """Raise UsageError for what would not count beside the keys that are there."""
    from flowtui.tui.actions import keymap_of

    wanted = {**preferences.load(os.environ).keys, name: keys}
    file = str(files.user_file())
    _, problems = keymap_of(wanted, file=file)
    mine = [problem for problem in problems if problem.where == f"{file}, key keys.{name}"]
    if mine:
        raise UsageError.of(mine[0])
