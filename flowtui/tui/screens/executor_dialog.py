"""What an executor has to be told: nothing is asked of Prefect here, the plan tries it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from flowtui import executors
from flowtui.errors import UsageError
from flowtui.models import ExecutionOptions, Json
from flowtui.tui.looks.words import plain
from flowtui.tui.screens.dialogs import Dialog, dialog_text, keys_line

OTHER = "other"
_MORE = "Other arguments: KEY=VALUE, with blanks between"


@dataclass(frozen=True, slots=True)
class _Field:
    """A line of the dialog."""

    name: str
    """Keyword of the executor; CLASS and MORE are special."""
    label: str
    placeholder: str = ""


_CLASS, _REST = "class", "more"
_FIELDS: Mapping[str, tuple[_Field, ...]] = {
    "local-dask": (
        _Field("scheduler", "Run tasks in: threads or processes", "threads"),
        _Field("num_workers", "How many tasks at a time", "as many as there are processors"),
    ),
    "dask": (
        _Field(
            "address",
            "Address of the Dask scheduler",
            "none: a cluster of its own for each run",
        ),
        _Field(_REST, _MORE, "debug=true"),
    ),
    OTHER: (
        _Field(_CLASS, "Dotted path of the executor's class", "my_module.MyExecutor"),
        _Field(_REST, _MORE),
    ),
}
_SCHEDULERS = ("threads", "processes", "synchronous")


class ExecutorDialog(Dialog[ExecutionOptions]):
    """Answers the executor with its arguments. `kind` is a short name, or OTHER."""

    def __init__(self, kind: str, title: str, before: ExecutionOptions) -> None:
        """`before` fills the fields where it is of the same kind."""
        super().__init__()
        self._kind, self._title, self._fields = kind, title, _FIELDS[kind]
        same = executors.is_of(before.executor, kind) if kind != OTHER else True
        self._known = dict(before.executor_kwargs or {}) if same else {}
        self._class = before.executor or "" if kind == OTHER and same else ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            for field in self._fields:
                yield dialog_text(field.label, classes="dialog-label")
                yield Input(
                    value=plain(self._value_of(field)),
                    placeholder=field.placeholder,
                    id=f"executor-{field.name}",
                )
            yield dialog_text("", classes="dialog-error")
            yield keys_line(("Enter", "next, take it"), ("Tab", "next field"), ("Esc", "cancel"))

    def _value_of(self, field: _Field) -> str:
        if field.name == _CLASS:
            return self._class
        if field.name == _REST:
            named = {each.name for each in self._fields}
            rest = {key: value for key, value in self._known.items() if key not in named}
            return " ".join(shlex.quote(f"{key}={_typed(value)}") for key, value in rest.items())
        return _typed(self._known[field.name]) if field.name in self._known else ""

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        inputs = list(self.query(Input))
        place = inputs.index(event.input)
        if place < len(inputs) - 1:
            self.set_focus(inputs[place + 1])
            return
        texts = {
            field.name: each.value.strip() for field, each in zip(self._fields, inputs, strict=True)
        }
        try:
            self.dismiss(self._answer(texts))
        except UsageError as error:
            self.refuse(error.problem.what)

    def _answer(self, texts: dict[str, str]) -> ExecutionOptions:
        """Raises UsageError for what cannot be meant."""
        name = texts.pop(_CLASS, self._kind)
        if not executors.is_name(name):
            raise UsageError(
                "Type the dotted path of a class first."
                if not name
                else f"“{name}” is no dotted path of a class."
            )
        if texts.get("scheduler", "") not in ("", *_SCHEDULERS):
            raise UsageError(f"The scheduler is one of {', '.join(_SCHEDULERS)}.")
        workers = texts.get("num_workers", "")
        if workers and not (workers.isdigit() and int(workers) > 0):
            raise UsageError("Type how many as a number from 1 on, or nothing.")
        try:
            words = shlex.split(texts.pop(_REST, ""))
        except ValueError as error:
            raise UsageError(f"The arguments cannot be read: {error}.") from error
        rest = executors.arguments(words, option="An argument") or {}
        given = {key: executors.value_of(text) for key, text in texts.items() if text}
        return ExecutionOptions(name, {**given, **rest} or None)


def _typed(value: Json) -> str:
    """As a person would type it: text as it is where it is not taken for JSON."""
    if isinstance(value, str) and executors.value_of(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
