"""A profile, new or changed, with its address asked while it is typed. No token is ever sent."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Protocol

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from flowtui.addresses import is_loopback, normalise
from flowtui.api.probe import Answer
from flowtui.errors import FlowtuiError
from flowtui.models import Origin, Profile
from flowtui.tui.acting import app_of
from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.screens.dialogs import Dialog, dialog_text, keys_line
from flowtui.tui.widgets.painted import Painted

_REST = 0.3
"""Seconds without a key before the address is asked."""
_GROUP = "probe"


class Probe(Protocol):
    """`api.probe.probe`."""

    async def __call__(self, api_url: str, ca_file: Path | None = None, /) -> Answer: ...


class ProfileDialog(Dialog[Profile]):
    """Answers the profile, not yet saved."""

    class Answered(Message):
        """Something came back from an address, or nothing did."""

        def __init__(self, asked: tuple[str, str], answer: Answer) -> None:
            super().__init__()
            self.asked, self.answer = asked, answer

    def __init__(
        self, taken: tuple[str, ...], probe: Probe, profile: Profile | None = None
    ) -> None:
        """`taken` are names that cannot be given; `profile` is the one that is changed."""
        super().__init__()
        self._taken, self._probe, self._profile = taken, probe, profile
        self._asked = ("", "")

    def compose(self) -> ComposeResult:
        known = self._profile
        with Vertical(classes="dialog") as box:
            box.border_title = Content(f"Profile {plain(known.name)}" if known else "New profile")
            yield dialog_text("Name", classes="dialog-label")
            yield Input(
                value=plain(known.name) if known else "",
                id="profile-name",
                placeholder="for example: production",
            )
            yield dialog_text("Address of the control plane", classes="dialog-label")
            yield Input(
                value=plain(known.api_url) if known else "",
                id="profile-address",
                placeholder="https://prefect.example.com",
            )
            yield Painted(id="profile-answer")
            yield dialog_text(
                "CA file, for a certificate of your own authority", classes="dialog-label"
            )
            yield Input(
                value=plain(known.ca_file or "") if known else "",
                id="profile-ca",
                placeholder="none: the system's authorities",
            )
            yield dialog_text("", classes="dialog-error")
            yield keys_line(("Enter", "next, save"), ("Tab", "next field"), ("Esc", "cancel"))

    def on_unmount(self) -> None:
        app_of(self).cancel_group(_GROUP)

    def _value(self, field: str) -> str:
        return self.query_one(f"#profile-{field}", Input).value.strip()

    # ------------------------------------------------------------------------------ while typing

    @on(Input.Changed, "#profile-address")
    @on(Input.Changed, "#profile-ca")
    def _typed(self) -> None:
        """What is wrong with the text itself is told at once; the rest is asked after a rest."""
        app = app_of(self)
        text, ca = self._value("address"), self._value("ca")
        self._asked = (text, ca)
        app.cancel_group(_GROUP)
        if not text:
            self._tell(Content(""))
            return
        try:
            address = normalise(text)
        except FlowtuiError as error:
            self._tell(Content.styled(plain(error.problem.what.rpartition(": ")[2]), "$muted"))
            return
        if ca and not _file(ca).is_absolute():
            self._tell(Content.styled("the CA file needs its whole path", "$warning"))
            return
        self._tell(Content.styled(f"{app.glyphs.waiting} asking {plain(address)}", "$muted"))
        asked = self._asked

        async def job() -> None:
            await asyncio.sleep(_REST)
            answer = await self._probe(address, _file(ca) if ca else None)
            self.post_message(self.Answered(asked, answer))

        app.begin(job, group=_GROUP, description="asking the address")

    @on(Answered)
    def _answered(self, message: Answered) -> None:
        if message.asked != self._asked:
            return
        app, answer = app_of(self), message.answer
        if answer.good:
            mark = Content.styled(f"{app.glyphs.done} {plain(answer.words)}", "$success")
            self._tell(Content.assemble(mark, (self._open_way(message.asked[0]), "$warning")))
            return
        words = Content.styled(f"{app.glyphs.failed} {plain_block(answer.words)}", "$error")
        fix = f"\n  {plain_block(answer.fix)}" if answer.fix else ""
        self._tell(Content.assemble(words, (fix, "$muted")))

    def _open_way(self, text: str) -> str:
        address = normalise(text)
        if is_loopback(address) or not address.startswith("http://"):
            return ""
        return "\n  plain http: a token would travel so that others can read it"

    def _tell(self, content: Content) -> None:
        self.query_one("#profile-answer", Painted).paint(content)

    # -------------------------------------------------------------------------------------- saving

    @on(Input.Submitted, "#profile-name")
    def _name_submitted(self) -> None:
        self.set_focus(self.query_one("#profile-address"))

    @on(Input.Submitted, "#profile-address")
    @on(Input.Submitted, "#profile-ca")
    def _submitted(self) -> None:
        name, ca = self._value("name"), self._value("ca")
        if not name:
            self._refuse_field("Type a name first.", "name")
            return
        if name in self._taken:
            self._refuse_field(f"There is a profile “{name}” already; choose another name.", "name")
            return
        if ca and not _file(ca).is_absolute():
            self._refuse_field("Give the CA file by its whole path.", "ca")
            return
        try:
            address = normalise(self._value("address"))
        except FlowtuiError as error:
            self._refuse_field(f"{error.problem.what}. {error.problem.fix}", "address")
            return
        self.dismiss(Profile(name, address, Origin.USER_FILE, ca or None))

    def _refuse_field(self, text: str, field: str) -> None:
        self.refuse(text)
        self.set_focus(self.query_one(f"#profile-{field}"))


def _file(text: str) -> Path:
    return Path(os.path.expanduser(text))  # noqa: PTH111  (an unknown ~user is a file not there)
