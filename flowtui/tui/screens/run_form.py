"""A run that is wanted: a field for each parameter of the flow; its name, start, labels, config.

Enter starts it from any field. What is wrong is said below its field; an answer that refuses it
leaves everything as it was typed.
"""

from __future__ import annotations

import re
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
    read_job_variables,
    read_labels,
    read_run_config,
    read_tags,
)
from flowtui.runs.schema import FormLine, SchemaField, form_lines, values_of
from flowtui.runs.schema_values import problems_of
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
from flowtui.tui.widgets.form.field import SWITCH, Asked, Field
from flowtui.tui.widgets.form.inputs import Submitted
from flowtui.tui.widgets.form.more import MoreLine
from flowtui.tui.widgets.form.of_schema import field_id, schema_rows
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
    is_deployment: bool = False
    """Its runs have job variables and tags; else labels and a run config."""

    @property
    def ordered(self) -> tuple[Parameter, ...]:
        """As they are asked for."""
        return tuple(sorted(self.parameters, key=lambda each: not each.required))

    @property
    def lines(self) -> tuple[FormLine, ...]:
        """Of the form, where the types of the parameters are known; else empty."""
        known = any(each.schema is not None for each in self.parameters)
        return form_lines(self.parameters) if known else ()


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
                        where=f"project {target.project}" if target.project else "",
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
            is_deployment = Ability.REGISTER_DEPLOYMENTS in app.session.abilities
            self.post_message(
                self.Read(Wanted(version, parameters or (), serialized, told, is_deployment))
            )

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
        again = self.target.again
        rows = [*schema_rows(wanted.lines, again.parameters if again is not None else None)]
        rows = rows or [
            self._parameter_field(number, each) for number, each in enumerate(wanted.ordered)
        ]
        fields = [row for row in rows if isinstance(row, Field)]
        notes = [dialog_text(note, classes="form-note") for note in self._notes(wanted)]
        more = self._more_field(wanted)
        # The run config is in sight where it is another one than the flow's own.
        more.display = more.typed != more.asked.first
        await body.mount_all(
            [
                *notes,
                *rows,
                Field(Asked("name", "Run name", Typed(), _read_name)),
                WhenField("a worker" if wanted.is_deployment else "an agent"),
                self._labels_field(wanted),
                MoreLine(more.asked.label.lower(), opened=more.display),
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
                field_id(number),
                parameter.name,
                at_first(parameter),
                partial(read, parameter, kind),
                about=str(kind),
                required=parameter.required,
                choices=SWITCH if kind is ValueType.SWITCH else (),
            ),
            now,
        )

    def _labels_field(self, wanted: Wanted) -> Field:
        if wanted.is_deployment:
            return self._tags_field(wanted)
        own = own_labels(wanted.serialized)
        again = self.target.again
        now = None
        if again is not None and again.labels and sorted(again.labels) != sorted(own or ()):
            now = Typed(", ".join(again.labels))
        holder = "" if own is None else ", ".join(own) or "none"
        asked = Asked("labels", "Labels", Typed(), read_labels, placeholder=holder, none="none")
        return Field(asked, now)

    def _tags_field(self, wanted: Wanted) -> Field:
        again, own = self.target.again, wanted.version.tags
        more = [tag for tag in again.tags if tag not in own] if again is not None else []
        holder = ", ".join(own) or "none"
        asked = Asked("labels", "Tags", Typed(), read_tags, placeholder=holder, none="none")
        return Field(asked, Typed(", ".join(more)) if more else None)

    def _more_field(self, wanted: Wanted) -> Field:
        if wanted.is_deployment:
            like = '{"env": {"MODE": "fast"}}'
            asked = Asked("more", "Job variables", Typed(), read_job_variables, placeholder=like)
            return Field(asked)
        again, own = self.target.again, (wanted.serialized or {}).get("run_config")
        now = None
        if again is not None and again.run_config and again.run_config != own:
            now = typed(ValueType.JSON, again.run_config)
        like = '{"type": "DockerRun", "env": {…}}'
        asked = Asked("more", "Run config", Typed(), read_run_config, placeholder=like)
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
        request = self._request(self._wanted, when)
        problems = problems_of(self._wanted.parameters, request.parameters)
        if problems:
            self._show_refusal(problems[0])
            return
        self._starting = True
        self._say("Asking the control plane to start it.")
        app_of(self).flow_runs.start(self.form_key, request)

    def _request(self, wanted: Wanted, when: WhenField) -> RunRequest:
        readings = {field.asked.id: field.reading for field in self.query(Field)}
        request = RunRequest(
            wanted.version.id,
            self._parameters(wanted, readings),
            name=self.query_one("#field-name", Field).typed.text.strip(),
            start=when.start.moment,
        )
        labels, more = readings["labels"], readings["more"]
        words = labels_of(labels.value) if labels.given else None
        object_ = _object(more.value) if more.given else None
        if wanted.is_deployment:
            request = replace(request, tags=words or (), job_variables=object_)
        else:
            request = replace(request, labels=words, run_config=object_)
        # The same form with the same contents is the same run, however often it is sent.
        said = (request.parameters, request.name, when.said, words, object_)
        key = uuid.uuid5(uuid.UUID(self.form_key), repr(said)).hex
        return replace(request, idempotency_key=key)

    def _parameters(self, wanted: Wanted, readings: Mapping[str, Reading]) -> dict[str, Json]:
        lines = wanted.lines
        asked = [line.path if isinstance(line, SchemaField) else () for line in lines]
        asked = asked or [(parameter.name,) for parameter in wanted.ordered]
        given: dict[tuple[str, ...], Json] = {}
        for number, path in enumerate(asked):
            reading = readings[field_id(number)] if path else Reading(given=False)
            if reading.given:
                given[path] = reading.value
        return values_of(lines, given)

    def refused(self, problem: Problem) -> None:
        """The control plane did not start it: everything stays as it was typed."""
        self._starting = False
        self._show_refusal(problem.what, problem.fix)

    def _show_refusal(self, what: str, fix: str = "") -> None:
        """The words, and the field that they name with the keys."""
        self._say(plain_block(f"{what}\n{fix}".rstrip()), wrong=True)
        names = self._field_names()
        named = [name for name in names if re.search(rf"[“'\"]{re.escape(name)}[.”'\"]", what)]
        if named:
            field = self.query_one(f"#field-{names[max(named, key=len)]}", Field)
            self.set_focus(field.input)

    def _field_names(self) -> dict[str, str]:
        """The ids of the fields by the names of what they are for: `config.inner.port`."""
        wanted = self._wanted
        if wanted is None:
            return {}
        names = [line.name if isinstance(line, SchemaField) else "" for line in wanted.lines]
        names = names or [parameter.name for parameter in wanted.ordered]
        return {name: field_id(number) for number, name in enumerate(names) if name}

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
        field = self.query_one("#field-more", Field)
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
