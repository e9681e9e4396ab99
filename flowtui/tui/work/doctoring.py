"""The doctor's examinations, and what is done with their report."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flowtui.errors import FlowtuiError
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.session import Diagnosis

if TYPE_CHECKING:
    from flowtui.doctor.checks import Check, Examination
    from flowtui.doctor.subject import Subject
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.terminal.pace import Pace


class Examinations(Protocol):
    """What is looked at: `doctor.examinations.examinations`."""

    def __call__(self, subject: Subject, *, load: bool = False) -> tuple[Examination, ...]: ...


class Doctoring:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self.examinations: Examinations | None = None
        """What a test puts in the place of the real ones."""

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {msg.DoctorFound: self._found}

    def examine(self, *, load: bool = False) -> None:
        """Look at everything anew; lines come as they are found."""
        from flowtui.doctor.checks import Examination, Group, examine
        from flowtui.doctor.examinations import examinations
        from flowtui.doctor.subject import Subject

        app = self._app
        subject = Subject(
            app.path,
            profile=app.connecting.wanted_profile,
            api_url=app.connecting.wanted_address,
            workspace=app.session.workspace,
        )
        asked = (
            *(self.examinations or examinations)(subject, load=load),
            Examination(Group.TERMINAL, "this app", self._of_this_app),
        )
        diagnosis = Diagnosis(asked)

        async def job() -> None:
            try:
                async for finding in examine(asked):
                    app.post_message(msg.DoctorFound(diagnosis.asked, finding))
            finally:
                await subject.close()

        app.session.diagnosis = diagnosis
        app.changed(Part.DOCTOR)
        app.begin(job, group="doctor", description="looking at everything")

    def _found(self, message: msg.DoctorFound) -> None:
        diagnosis = self._app.session.diagnosis
        if diagnosis is not None and diagnosis.asked is message.asked:
            self._app.session.diagnosis = diagnosis.with_finding(message.finding)
            self._app.changed(Part.DOCTOR)

    async def _of_this_app(self) -> Sequence[Check]:
        """What only the running app knows of its terminal."""
        from flowtui.doctor.checks import Check, State

        app = self._app
        size = f"{app.size.width}x{app.size.height}"
        colours = app.console.color_system or "none"
        marks = "ASCII" if app.glyphs.ascii else "Unicode"
        mouse = "on" if app.preferences.mouse_wanted(os.environ) else "off"
        whole = "yes" if app.synchronized else "no: some tearing may be seen"
        return (
            Check("screen", State.OK, f"{size}, colours {colours}, theme {app.theme}"),
            Check("marks", State.OK, f"{marks}, mouse {mouse}"),
            Check("whole frames", State.OK, whole),
            _painting(app.pace),
            await asyncio.to_thread(_clipboard, os.environ),
        )

    def leave(self) -> None:
        """Nobody looks any more: what is still being looked at is not waited for."""
        self._app.cancel_group("doctor")

    def copy(self) -> None:
        """The report into the clipboard."""
        diagnosis = self._app.session.diagnosis
        if diagnosis is not None:
            self._app.copy_to_clipboard(diagnosis.report.text())

    def save(self) -> None:
        """The report into a new file that only this user can read."""
        app, diagnosis = self._app, self._app.session.diagnosis
        if diagnosis is None:
            return
        text = diagnosis.report.text()

        async def job() -> None:
            from flowtui import paths, private_files

            name = f"doctor-{datetime.now():%Y%m%d-%H%M%S}.md"
            file: Path = paths.data_dir() / "reports" / name
            try:
                await asyncio.to_thread(private_files.write, file, text)
            except OSError as error:
                raise FlowtuiError(
                    f"the report was not saved: {error.strerror}",
                    where=str(file),
                    fix="flowtui doctor > FILE saves it elsewhere",
                ) from error
            app.say(f"The report is in {file}")

        app.begin(job, group="doctor-save", description="saving the report")


def _painting(pace: Pace) -> Check:
    """How often logs are painted, and what was measured of the terminal."""
    from flowtui.doctor.checks import Check, State

    words = f"logs {pace.rate:g} times a second"
    if pace.answer_time is not None:
        words += f"; the last frame was shown after {pace.answer_time * 1000:.0f} ms"
    if pace.throughput is not None:
        words += f"; the terminal takes {pace.throughput / 1000:.0f} kB/s"
    if pace.rate < pace.base:
        fix = "nothing to do: it paints less often while the terminal does not keep up"
        return Check("painting", State.WARNING, f"{words}, {pace.base:g} where it can", fix)
    return Check("painting", State.OK, words)


def _clipboard(environ: Mapping[str, str]) -> Check:
    """The way that a copy would take."""
    from flowtui.doctor.checks import Check, State
    from flowtui.tui.terminal.clipboard import Terminal, between, native_tool, saved_copy

    tool, terminal = native_tool(environ), between(environ)
    if tool is not None:
        return Check("clipboard", State.OK, f"by {tool[0]}")
    if environ.get("TMUX"):
        return Check("clipboard", State.OK, "tmux's buffer, and its terminal where tmux may")
    if terminal is Terminal.DEAF:
        words = f"none in this terminal: what is copied goes to {saved_copy()}"
        return Check("clipboard", State.WARNING, words, "set TERM to what your terminal is")
    through = "" if terminal is Terminal.DIRECT else f" through {terminal}"
    return Check("clipboard", State.OK, f"sent by OSC 52{through}, which gives no answer")
