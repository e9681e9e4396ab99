"""How states of runs look: a mark beside every word, so that no state is told by colour alone."""

from __future__ import annotations

from flowtui.run_models import RunState, kind_of
from flowtui.tui.looks.glyphs import Glyphs

RUN_STYLES = {
    RunState.PLANNED: "$muted",
    RunState.RUNNING: "$accent",
    RunState.GOOD: "$success",
    RunState.BAD: "$error",
    RunState.CANCELLED: "$warning",
}


def kind_mark(kind: RunState, glyphs: Glyphs) -> str:
    return {
        RunState.PLANNED: glyphs.waiting,
        RunState.RUNNING: glyphs.running,
        RunState.GOOD: glyphs.done,
        RunState.BAD: glyphs.failed,
        RunState.CANCELLED: glyphs.skipped,
    }[kind]


def state_mark(state: str, glyphs: Glyphs) -> str:
    """Of the control plane's own word: retries, and what was skipped, have marks of their own."""
    own = {"Retrying": glyphs.scheduled, "Skipped": glyphs.skipped, "Paused": glyphs.paused}
    return own.get(state) or kind_mark(kind_of(state), glyphs)


def state_style(state: str) -> str:
    return "$muted" if state == "Skipped" else RUN_STYLES[kind_of(state)]
