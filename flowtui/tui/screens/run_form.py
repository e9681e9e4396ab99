"""A run that is wanted: a field for each parameter of the flow; its name, start, labels, config.

Enter starts it from any field. What is wrong is said below its field; an answer that refuses it
leaves everything as it was typed.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message

from flowtui.errors import ControlPlaneError, FlowtuiError
from flowtui.models import Ability, FlowVersion, Json, JsonObject, Problem
from flowtui.quantities import counted
from flowtui.run_models import Parameter, RunRequest
from flowtui.runs.fields import (
    labels_of,
    own_labels,
    read_labels,
    read_run_config,
)
from flowtui.runs.values import (
    Reading,
    Typed,
    ValueType,
    at_first,
    kind_for,
    read,
    type_of,
    typed,
)
from flowtui.tui.acting import app_of
from flowtui.tui.asking_runs import RunTarget
from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.screens.dialogs import Dialog, dialog_text, keys_line
from flowtui.tui.widgets.form.field import Asked, Field
from flowtui.tui.widgets.form.inputs import Submitted
from flowtui.tui.widgets.form.more import MoreLine
from flowtui.tui.widgets.form.when import WhenField

_GROUP = "run-form"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run can be asked for with: read when the form is opened."""

    version: FlowVersion
    parameters: tuple[Parameter, ...]
    serialized: JsonObject | None
    told: bool = True
    """The control plane tells which parameters there are."""


class RunForm(Dialog[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", priority=True),
        Binding("enter", "start", "start"),
    ]

    class Read(Message):
        """The flow's parameters were read."""

        def __init__(self, wanted: Wanted) -> None:
            super().__init__()
            self.wanted = wanted

    class Unread(Message):
        def __init__(self, problem: Problem) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self, target: RunTarget) -> None:
        super().__init__()
        self.target = target
        self.form_key = uuid.uuid4().hex
        """Tells this form from others: it is answered by it."""
        self._wanted: Wanted | None = None
        self._starting = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="run-form") as box:
            box.border_title = Content(self._title())
            with VerticalScroll(id="run-form-fields", can_focus=False):
                yield dialog_text("Reading the parameters.", classes="form-note")
            yield dialog_text("", classes="dialog-error")
            yield keys_line(
                ("Enter", "start"),
                ("Tab", "next"),
                ("^R", "default"),
                ("^N", "null"),
                ("Esc", "leave"),
            )

    def _title(self) -> str:
        again = " again" if self.target.again is not None else ""
        version = f" {plain(self._wanted.version.short)}" if self._wanted is not None else ""
        return f"Run {plain(self.target.flow)}{version}{again}"

    # ------------------------------------------------------------------------------- what is asked

    def on_mount(self) -> None:
        app, workspace = app_of(self), app_of(self).session.workspace
        if workspace is None:
            return
        target, known = self.target, app.session.registered

        async def job() -> None:
            plane = workspace.control_plane
            try:
                versions = await plane.flow_versions(project=target.project, name=target.flow)
                if not versions:
                    raise ControlPlaneError(
                        f"no version of “{target.flow}” is in use",
                        where=f"project {target.project}",
                        fix="deploy the flow again: a run needs a version that is not archived",
                    )
                version = max(versions, key=lambda each: each.version)
                parameters: tuple[Parameter, ...] | None = None
                if Ability.TELL_PARAMETERS in app.session.abilities:
                    parameters = await plane.flow_parameters(version.id)
                serialized = known.get(version.id)
                if serialized is None and Ability.RETURN_FLOWS in app.session.abilities:
                    serialized = await plane.serialized_flow(version.id)
            except FlowtuiError as error:
                self.post_message(self.Unread(error.problem))
                return
            told = parameters is not None
            self.post_message(self.Read(Wanted(version, parameters or (), serialized, told)))

        app.begin(job, group=_GROUP, description=f"reading the parameters of {target.flow}")

    def on_unmount(self) -> None:
        app_of(self).cancel_group(_GROUP)

    @on(Unread)
    def _unread(self, message: Unread) -> None:
        problem = message.problem
        words = "\n".join(filter(None, (problem.what, problem.where, problem.fix)))
        self.query_one(".form-note").remove()
        self.refuse(plain_block(words))

    @on(Read)
    async def _read(self, message: Read) -> None:
        self._wanted = wanted = message.wanted
        self.query_one("#run-form").border_title = Content(self._title())
        await self.query_one(".form-note").remove()
        body = self.query_one("#run-form-fields", VerticalScroll)
        parameters = sorted(wanted.parameters, key=lambda each: not each.required)
        fields = [self._parameter_field(number, each) for number, each in enumerate(parameters)]
        notes = [dialog_text(note, classes="form-note") for note in self._notes(wanted)]
        more = self._run_config_field(wanted)
        # The run config is in sight where it is another one than the flow's own.
        more.display = more.typed != more.asked.first
        await body.mount_all(
            [
                *notes,
                *fields,
                Field(Asked("name", "Run name", Typed(), _read_name)),
                WhenField(),
                self._labels_field(wanted),
                MoreLine("run config", opened=more.display),
                more,
            ]
        )
        first = fields[0] if fields else self.query_one("#field-name", Field)
        self.set_focus(first.input)

    def _notes(self, wanted: Wanted) -> list[str]:
        again = self.target.again
        notes = [] if wanted.parameters else ["This flow takes no parameters: Enter starts it."]
        if not wanted.told:
            notes = [f"This control plane cannot {Ability.TELL_PARAMETERS}: its defaults count."]
        if again is None:
            return notes
        known = {parameter.name for parameter in wanted.parameters}
        gone = [plain(name) for name in again.parameters if name not in known]
        if gone:
            left = counted(len(gone), "parameter")
            notes.append(
                f"{left} of that run left out, {wanted.version.words} does not take "
                f"{'it' if len(gone) == 1 else 'them'}: {', '.join(gone)}"
            )
        return notes

    def _parameter_field(self, number: int, parameter: Parameter) -> Field:
        kind, now = type_of(parameter), None
        again = self.target.again
        if again is not None and parameter.name in again.parameters:
            value = again.parameters[parameter.name]
            kind = kind_for(parameter, value)
            now = typed(kind, value)
            if value == parameter.default and not parameter.required and kind is type_of(parameter):
                now = at_first(parameter)
        return Field(
            Asked(
                f"parameter-{number}",
                parameter.name,
                at_first(parameter),
                partial(read, parameter, kind),
                about=str(kind),
                required=parameter.required,
                switch=kind is ValueType.SWITCH,
            ),
            now,
        )

    def _labels_field(self, wanted: Wanted) -> Field:
        own = own_labels(wanted.serialized)
        again = self.target.again
        now = None
        if again is not None and again.labels and sorted(again.labels) != sorted(own or ()):
            now = Typed(", ".join(again.labels))
        holder = "" if own is None else ", ".join(own) or "none"
        asked = Asked("labels", "Labels", Typed(), read_labels, placeholder=holder, none="none")
        return Field(asked, now)

    def _run_config_field(self, wanted: Wanted) -> Field:
        again, own = self.target.again, (wanted.serialized or {}).get("run_config")
        now = None
        if again is not None and again.run_config and again.run_config != own:
            now = typed(ValueType.JSON, again.run_config)
        like = '{"type": "DockerRun", "env": {…}}'
        asked = Asked("run-config", "Run config", Typed(), read_run_config, placeholder=like)
        return Field(asked, now)

    # ------------------------------------------------------------------------------------- starting

    @on(Submitted)
    def action_start(self) -> None:
        if self._wanted is None or self._starting:
            return
        wrong = next((field for field in self.query(Field) if field.reading.problem), None)
        if wrong is not None:
            wrong.refuse(wrong.reading.problem)
            wrong.display = True
            self.set_focus(wrong.input)
            wrong.scroll_visible(animate=False)
            return
        when = self.query_one(WhenField)
        if when.start.problem:
            self.set_focus(when.input)
            when.scroll_visible(animate=False)
            return
        self._starting = True
        self._say("Asking the control plane to start it.")
        app_of(self).flow_runs.start(self.form_key, self._request(self._wanted, when))

    def _request(self, wanted: Wanted, when: WhenField) -> RunRequest:
        fields = {field.asked.id: field for field in self.query(Field)}
        parameters: dict[str, Json] = {}
        for number, parameter in enumerate(sorted(wanted.parameters, key=lambda p: not p.required)):
            reading = fields[f"parameter-{number}"].reading
            if reading.given:
                parameters[parameter.name] = reading.value
        labels = fields["labels"].reading
        run_config = fields["run-config"].reading
        request = RunRequest(
            wanted.version.id,
            parameters,
            name=fields["name"].typed.text.strip(),
            start=when.start.moment,
            labels=labels_of(labels.value) if labels.given else None,
            run_config=_object(run_config.value) if run_config.given else None,
        )
        # The same form with the same contents is the same run, however often it is sent.
        said = (request.parameters, request.name, when.said, request.labels, request.run_config)
        key = uuid.uuid5(uuid.UUID(self.form_key), repr(said)).hex
        return replace(request, idempotency_key=key)

    def refused(self, problem: Problem) -> None:
        """The control plane did not start it: everything stays as it was typed."""
        self._starting = False
        fix = f"\n{problem.fix}" if problem.fix else ""
        self._say(plain_block(f"{problem.what}{fix}"), wrong=True)
        for field in self.query(Field):
            if field.asked.id.startswith("parameter-") and f"“{field.asked.label}”" in problem.what:
                self.set_focus(field.input)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self.query_one(".dialog-error").set_class(not wrong, "-calm")
        self.refuse(text)

    @on(Field.Edited)
    @on(WhenField.Edited)
    def _edited(self) -> None:
        if not self._starting:
            self._say("")

    @on(MoreLine.Toggled)
    def _more_toggled(self, message: MoreLine.Toggled) -> None:
        field = self.query_one("#field-run-config", Field)
        field.display = message.opened
        if message.opened:
            self.set_focus(field.input)
            field.scroll_visible(animate=False)


def _read_name(field: Typed) -> Reading:
    if not field.text.strip():
        return Reading("the control plane makes one up", given=False)
    if "\n" in field.text.strip() or not field.text.isprintable():
        return Reading(problem="a name is one line of text")
    return Reading("its name", field.text.strip())


def _object(value: Json) -> JsonObject | None:
    return value if isinstance(value, Mapping) else None
