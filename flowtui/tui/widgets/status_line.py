"""The top line: which control plane, how we stand with it, what answers, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from flowtui.quantities import counted
from flowtui.tui.acting import app_of
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.messages import Part
from flowtui.tui.session import Link, Session, Watching
from flowtui.tui.view_models.agents import Stand
from flowtui.tui.widgets.painted import Painted

_LINK_STYLES = {
    Link.OPENING: "$warning",
    Link.CONNECTING: "$warning",
    Link.CONNECTED: "$success",
    Link.FAILED: "$error",
}
_GAP = 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the line. Where room is short the one with the least weight goes first."""

    weight: int
    text: Content


class StatusLine(Painted):
    """One line; what is most urgent is kept longest where the terminal is narrow.

    What comes and goes stands left of what stays, so that nothing jumps.
    """

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
        width = self.content_size.width or app.size.width - 2
        left = self._left(app.session, width)
        right = self._right(app.session, app.busy.descriptions)
        self.paint(fitted(left, right, width))

    def _left(self, session: Session, width: int) -> list[Piece]:
        app = app_of(self)
        g, connection = app.glyphs, session.connection
        mark = {Link.CONNECTED: g.running, Link.FAILED: g.failed}.get(connection.link, g.changed)
        style = f"bold {_LINK_STYLES[connection.link]}"
        pieces = [
            Piece(100, Content.styled("flowtui", "bold $primary")),
            Piece(99, Content.styled(f" {mark} {connection.words}", style)),
        ]
        if session.connected and connection.since is not None:
            since = connection.since.astimezone().strftime("%H:%M")
            pieces.append(Piece(15, Content.styled(f" since {since}", "$muted")))
        if app.read_only:
            pieces.append(
                Piece(98, Content.assemble(" ", (" read-only ", "bold reverse $warning")))
            )
        profile = session.profile
        if profile is None:
            return pieces
        pieces.append(Piece(70, Content(f"  {shortened(plain(profile.name), 16)}")))
        address = plain(profile.api_url)
        if width < 100:
            address = shortened(address.removeprefix("http://").removeprefix("https://"), 24)
        if profile.name not in address:
            pieces.append(Piece(50, Content.styled(f" {address}", "$muted")))
        source = connection.token_source
        token = "no token" if source == "none" else f"token: {plain(source)}"
        pieces.append(Piece(5, Content.styled(f"  {shortened(token, 40)}", "$muted")))
        return pieces

    def _right(self, session: Session, working: tuple[str, ...]) -> list[Piece]:
        if session.rows is None:
            return [Piece(60, Content.styled("looking for flows", "$muted"))]
        pieces: list[Piece] = []
        if working:
            pieces.append(Piece(3, Content.styled(f"{plain(working[-1])}  ", "$faint")))
        running = len(session.deploys.running)
        if running:
            pieces.append(Piece(80, Content.styled(f"{running} deploying  ", "bold $accent")))
        pieces.append(self._agents(session))
        pieces += [self._engine(session), self._registry(session), self._watching(session)]
        pieces.append(Piece(30, Content(f"{counted(session.flow_count, 'flow')}")))
        if session.broken_count:
            pieces.append(Piece(40, Content.styled(f" {session.broken_count} broken", "$error")))
        problems = len(session.problems())
        if problems:
            pieces.append(Piece(90, Content.styled(f" {counted(problems, 'problem')}", "$warning")))
        return pieces

    def _agents(self, session: Session) -> Piece:
        """Those that this app runs."""
        own, g = session.agents.own.values(), app_of(self).glyphs
        word = next((agent.spec.word for agent in own), "agent")
        gave_up = sum(agent.stand is Stand.GAVE_UP for agent in own)
        if gave_up:
            words = f"{g.failed} {counted(gave_up, word)} gave up  "
            return Piece(46, Content.styled(words, "$error"))
        if any(agent.unwell for agent in own):
            return Piece(45, Content.styled(f"! {word} died  ", "$warning"))
        alive = len(session.agents.alive)
        if not alive:
            return Piece(0, Content(""))
        running = any(agent.stand is Stand.RUNNING for agent in own)
        mark, style = (g.running, "$success") if running else (g.waiting, "$accent")
        return Piece(35, Content.assemble((f"{mark} ", style), f"{counted(alive, word)}  "))

    def _engine(self, session: Session) -> Piece:
        engine, g = session.engine, app_of(self).glyphs
        if engine is None:
            return Piece(0, Content(""))
        if engine.reachable:
            return Piece(12, Content.assemble((f"{g.done} ", "$success"), ("engine  ", "$muted")))
        wanted = session.engine_wanted
        style = "$error" if wanted else "$muted"
        return Piece(45 if wanted else 11, Content.styled(f"{g.failed} engine  ", style))

    def _registry(self, session: Session) -> Piece:
        registry, g = session.registry, app_of(self).glyphs
        if registry is None:
            return Piece(0, Content(""))
        if registry.problem is None:
            return Piece(10, Content.assemble((f"{g.done} ", "$success"), ("registry  ", "$muted")))
        return Piece(44, Content.styled(f"{g.failed} registry  ", "$error"))

    def _watching(self, session: Session) -> Piece:
        g = app_of(self).glyphs
        match session.watching:
            case Watching.EVENTS:
                return Piece(8, Content.styled(f"{g.running} watching  ", "$muted"))
            case Watching.POLLING:
                return Piece(9, Content.styled(f"{g.changed} polling  ", "$muted"))
            case Watching.OFF:
                return Piece(43, Content.styled(f"{g.failed} not watching  ", "$warning"))


def fitted(left: list[Piece], right: list[Piece], width: int) -> Content:
    """Both ends of one line, without what there is no room for."""

    def length() -> int:
        return sum(piece.text.cell_length for piece in (*left, *right)) + _GAP

    for piece in sorted((*left, *right), key=lambda piece: piece.weight):
        if length() <= width:
            break
        (left if piece in left else right).remove(piece)
    gap = width - length() + _GAP
    return Content.assemble(
        *(piece.text for piece in left), " " * max(gap, 0), *(piece.text for piece in right)
    )
