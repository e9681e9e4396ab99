"""The top line: which control plane, how we stand with it, and what was found."""

from __future__ import annotations

from textual.content import Content

from flowtui.tui.acting import app_of
from flowtui.tui.messages import Part
from flowtui.tui.session import Link, Session
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.words import counted, plain, shortened

_LINK_STYLES = {
    Link.OPENING: "$warning",
    Link.CONNECTING: "$warning",
    Link.CONNECTED: "$success",
    Link.FAILED: "$error",
}


class StatusLine(Painted):
    """One line, cut from the right where the terminal is narrow."""

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _changed(self, part: Part) -> None:
        if part is not Part.PROGRESS:
            self._show()

    def _show(self) -> None:
        app = app_of(self)
        left = self._left(app.session)
        width = self.content_size.width or app.size.width - 2
        room = width - left.cell_length
        right = self._right(app.session, app.busy.descriptions, room - 2)
        gap = room - right.cell_length
        line = left if gap < 2 else Content.assemble(left, " " * gap, right)
        self.paint(line)

    def _left(self, session: Session) -> Content:
        g = app_of(self).glyphs
        link = session.connection.link
        mark = {Link.CONNECTED: g.running, Link.FAILED: g.failed}.get(link, g.changed)
        words = session.connection.words
        parts: list[Content | tuple[str, str]] = [
            ("flowtui", "bold $primary"),
            (f" {mark} {words} ", f"bold {_LINK_STYLES[link]}"),
        ]
        profile = session.profile
        if profile is not None:
            narrow = app_of(self).size.width < 100
            parts.append((f" {shortened(plain(profile.name), 16)} ", "$foreground"))
            address = plain(profile.api_url)
            if narrow:
                address = shortened(address.removeprefix("http://").removeprefix("https://"), 24)
            if profile.name not in address:
                parts.append((address, "$muted"))
            if app_of(self).size.width >= 110:
                source = session.connection.token_source
                token = "no token" if source == "none" else f"token: {plain(source)}"
                parts.append((f"  {shortened(token, 40)}", "$muted"))
        return Content.assemble(*parts)

    def _right(self, session: Session, working: tuple[str, ...], room: int) -> Content:
        """What was found, the most urgent kept longest where there is little room."""
        if session.rows is None:
            return Content.styled("looking for flows", "$muted")
        problems, running = len(session.problems()), len(session.deploys.running)
        parts: dict[str, tuple[str, str]] = {}
        if working and app_of(self).size.width >= 120:
            parts["work"] = (f"  {plain(working[-1])} ", "$muted")
        if running:
            parts["running"] = (f" {running} deploying", "bold $accent")
        parts["flows"] = (f" {counted(session.flow_count, 'flow')}", "$foreground")
        if session.broken_count:
            parts["broken"] = (f" {session.broken_count} broken", "$error")
        if problems:
            parts["problems"] = (f" {counted(problems, 'problem')}", "$warning")
        for least in ("work", "flows", "broken"):
            if sum(len(text) for text, _ in parts.values()) > room:
                parts.pop(least, None)
        return Content.assemble(*parts.values())
