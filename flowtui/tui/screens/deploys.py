"""The deploys of this session and of earlier ones, newest first; each opens as it was left."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from flowtui.deploy.history import DeployRecord as HistoryLine
from flowtui.tui.acting import app_of
from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.messages import Part
from flowtui.tui.view_models.deploy_lines import Line, earlier_line, has_words, line_of
from flowtui.tui.view_models.deploys import DeployRecord
from flowtui.tui.widgets.deploy_list import DeployList
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.widgets.status_line import StatusLine


class HistoryFilter(Input):
    """The line below the deploys; Escape shows all again, Enter keeps the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "clear filter"),
        Binding("down", "submit", "to the deploys"),
    ]

    class Left(Message):
        pass

    def __init__(self) -> None:
        super().__init__(
            placeholder="flow, project, outcome, version, image, or a text of the log",
            id="history-filter",
        )

    def action_leave(self) -> None:
        self.post_message(self.Left())


class DeploysScreen(Screen[None]):
    AUTO_FOCUS = "#deploys"

    def __init__(self) -> None:
        super().__init__()
        self._ran: tuple[DeployRecord, ...] = ()
        self._earlier: tuple[HistoryLine, ...] = ()

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with Vertical(id="deploys-box"):
            yield Painted(id="deploys-head")
            yield DeployList()
            yield Painted(id="deploys-empty")
            yield HistoryFilter()
        yield KeyBar()

    def on_mount(self) -> None:
        app = app_of(self)
        app.session_changed.subscribe(self, self._changed)
        app.past.read_all()
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _tick(self) -> None:
        if app_of(self).session.deploys.running:
            self.query_one(DeployList).refresh()

    def _changed(self, part: Part) -> None:
        if part is Part.DEPLOYS and self.is_attached:
            self._show()

    # ------------------------------------------------------------------------------- what is shown

    def _show(self) -> None:
        session = app_of(self).session
        text, found = session.past.query.text, session.past.found
        now = session.deploys.clock()
        earlier = session.earlier_deploys
        listed = {line.id for line in session.history or ()}
        self._ran = tuple(
            record
            for record in session.deploys.ran
            if has_words(line := line_of(record, now), text) or (text and line.id in listed)
        )
        self._earlier = earlier
        ids = [*(line_of(record, now).id for record in self._ran), *(line.id for line in earlier)]
        table = self.query_one(DeployList)
        table.show(
            (*(record.key for record in self._ran), *(line.id for line in earlier)),
            (*(record.started for record in self._ran), *(line.started for line in earlier)),
            {number: found[id_] for number, id_ in enumerate(ids) if id_ in found},
            self._line_at,
        )
        self.query_one("#deploys-head", Painted).paint(Content.styled(table.head(), "$muted"))
        self._show_title(len(ids))
        self._show_emptiness(len(ids))

    def _line_at(self, number: int) -> Line:
        session = app_of(self).session
        if number < len(self._ran):
            return line_of(self._ran[number], session.deploys.clock())
        root = str(session.workspace.root) if session.workspace is not None else ""
        return earlier_line(self._earlier[number - len(self._ran)], root)

    def _show_title(self, count: int) -> None:
        past = app_of(self).session.past
        title = f"Deploys ({count:,})"
        if past.query.root is None:
            title += " of all folders"
        if past.query.text:
            title += f"  filter: {plain(past.query.text)}"
        if past.reading and app_of(self).session.history is not None:
            title += "  reading the logs" if past.query.text else "  reading"
        self.query_one("#deploys-box").border_title = Content(title)

    def _show_emptiness(self, count: int) -> None:
        session, keymap = app_of(self).session, app_of(self).keymap
        key = keymap.key("flows.deploy")
        for widget in ("#deploys", "#deploys-head"):
            self.query_one(widget).set_class(count == 0, "-empty")
        box = self.query_one("#deploys-empty", Painted)
        box.set_class(count > 0, "-hidden")
        problem = session.history_problem
        if problem is not None:
            box.paint(Content(plain_block(f"{problem.what}\n{problem.where}\n{problem.fix}")))
        elif session.history is None or session.past.reading:
            box.paint(Content("Reading the history."))
        elif session.past.query.text:
            back = keymap.key("deploys.back")
            words = f"No deploy is like this, and no log says this. {back} shows all."
            box.paint(Content(words))
        elif session.past.query.root is None:
            box.paint(Content(f"Nothing was deployed from this machine yet. {key} on a flow does."))
        else:
            box.paint(
                Content(
                    f"Nothing was deployed from this folder yet. {key} on a flow does.\n"
                    f"{keymap.key('deploys.folders')} shows the deploys of all folders."
                )
            )

    # ------------------------------------------------------------------------------------- filter

    @on(Input.Changed, "#history-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        app_of(self).past.look_for(event.value)

    @on(Input.Submitted, "#history-filter")
    def _filter_submitted(self, event: Input.Submitted) -> None:
        if not event.value:
            event.input.remove_class("-open")
        self.set_focus(self.query_one(DeployList))

    @on(HistoryFilter.Left)
    def _filter_left(self) -> None:
        self._clear_filter()

    def _clear_filter(self) -> None:
        field = self.query_one(HistoryFilter)
        field.value = ""
        field.remove_class("-open")
        self.set_focus(self.query_one(DeployList))
        app_of(self).past.look_for("")

    # ------------------------------------------------------------------------------------ actions

    @on(DeployList.Wanted)
    def _wanted(self, message: DeployList.Wanted) -> None:
        getattr(self, f"_do_{message.what}")()

    def _do_open(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        app, key = app_of(self), self.query_one(DeployList).key
        if key is None:
            return
        earlier = next((line for line in self._earlier if line.id == key), None)
        if earlier is not None:
            app.deploying.open_earlier(earlier)
        app.push_screen(DeployScreen(key))

    def _do_cancel(self) -> None:
        app, key = app_of(self), self.query_one(DeployList).key
        record = app.session.deploys.get(key) if key is not None else None
        if record is not None:
            app.deploying.cancel(record)

    def _do_filter(self) -> None:
        field = self.query_one(HistoryFilter)
        field.add_class("-open")
        self.set_focus(field)

    def _do_folders(self) -> None:
        app_of(self).past.toggle_folders()

    def _do_times(self) -> None:
        table = self.query_one(DeployList)
        table.exact_times = not table.exact_times
        self._show()

    def _do_copy_id(self) -> None:
        line = self.query_one(DeployList).line
        if line is not None and line.id:
            app_of(self).copy_to_clipboard(line.id)

    def _do_back(self) -> None:
        app = app_of(self)
        if app.session.past.query.text:
            self._clear_filter()
            return
        app.pop_screen()
