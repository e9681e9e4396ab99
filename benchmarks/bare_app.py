"""The yardstick: a bare Textual app with as many panes as flowtui's main screen, all empty."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import DataTable, Footer, Input, Static, Tree


class BareApp(App[None]):
    CSS = """
    #projects { width: 36; border: round gray; }
    #flows { height: 1fr; border: round gray; }
    #details { height: 14; border: round gray; }
    #projects:focus, #flows:focus { border: round red; border-title-style: bold; }
    #filter { display: none; }
    #status { dock: top; height: 1; }
    """
    BINDINGS = [("q", "quit", "quit"), ("1", "projects", "projects")]  # noqa: RUF012
    AUTO_FOCUS = "#flows"

    def compose(self) -> ComposeResult:
        yield Static("status", id="status")
        with Horizontal():
            yield Tree("projects", id="projects")
            with Vertical():
                yield DataTable(id="flows")
                yield Input(id="filter")
                with VerticalScroll(id="details"):
                    yield Static("details")
        yield Footer()

    def on_mount(self) -> None:
        for name in ("projects", "flows", "details"):
            self.query_one(f"#{name}").border_title = f"{name.title()}"
        self.query_one("#flows", DataTable).add_columns("State", "Name", "File", "Project")

    def action_projects(self) -> None:
        self.query_one("#projects").focus()


if __name__ == "__main__":
    BareApp().run()
