"""The marks on the screen, with an ASCII twin of each for locales without them."""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass

from flowtui.models import FlowState
from flowtui.run_models import FlowRun, RunState


@dataclass(frozen=True, slots=True)
class Glyphs:
    done: str
    failed: str
    running: str
    waiting: str
    skipped: str
    unknown: str
    absent: str
    changed: str
    elsewhere: str
    cursor: str
    bullet: str
    arrow: str
    bar_full: str
    bar_empty: str
    separator: str
    selected: str
    lost: str
    ascending: str
    descending: str
    scheduled: str
    paused: str
    hot: str
    ascii: bool = False


UNICODE = Glyphs(
    done="✓",
    failed="✗",
    running="●",
    waiting="·",
    skipped="–",
    unknown="?",
    absent="○",
    changed="◆",
    elsewhere="◇",
    cursor="▸",
    bullet="•",
    arrow="→",
    bar_full="━",
    bar_empty="─",
    separator="│",
    selected="■",
    lost="∅",
    ascending="▴",
    descending="▾",
    scheduled="↻",
    paused="‖",
    hot="↯",
)
ASCII = Glyphs(
    done="+",
    failed="x",
    running="*",
    waiting=".",
    skipped="-",
    unknown="?",
    absent="o",
    changed="!",
    elsewhere="~",
    cursor=">",
    bullet="-",
    arrow="->",
    bar_full="#",
    bar_empty=".",
    separator="|",
    selected="#",
    lost="0",
    ascending="^",
    descending="v",
    scheduled="@",
    paused="=",
    hot="&",
    ascii=True,
)


def glyphs_for(ascii_wanted: str) -> Glyphs:
    """For `on`, `off` or `auto`: what the locale's encoding and the terminal can show."""
    if ascii_wanted != "auto":
        return ASCII if ascii_wanted == "on" else UNICODE
    encoding = locale.getpreferredencoding(False).lower().replace("-", "")
    return UNICODE if encoding == "utf8" and os.environ.get("TERM") != "linux" else ASCII


def state_mark(state: FlowState, glyphs: Glyphs) -> str:
    return {
        FlowState.UNKNOWN: glyphs.unknown,
        FlowState.NOT_DEPLOYED: glyphs.absent,
        FlowState.UP_TO_DATE: glyphs.done,
        FlowState.CHANGED: glyphs.changed,
        FlowState.ELSEWHERE: glyphs.elsewhere,
        FlowState.BROKEN: glyphs.failed,
        FlowState.DELETED: glyphs.lost,
    }[state]


STATE_WORDS = {
    FlowState.UNKNOWN: "unknown",
    FlowState.NOT_DEPLOYED: "not deployed",
    FlowState.UP_TO_DATE: "up to date",
    FlowState.CHANGED: "changed",
    FlowState.ELSEWHERE: "elsewhere",
    FlowState.BROKEN: "broken",
    FlowState.DELETED: "deleted",
}
"""As short as the narrow table needs; the details pane says it in full."""

STATE_STYLES = {
    FlowState.UNKNOWN: "muted",
    FlowState.NOT_DEPLOYED: "foreground",
    FlowState.UP_TO_DATE: "success",
    FlowState.CHANGED: "warning",
    FlowState.ELSEWHERE: "secondary",
    FlowState.BROKEN: "error",
    FlowState.DELETED: "warning",
}
"""Names of theme colours."""


def run_mark(run: FlowRun, glyphs: Glyphs) -> tuple[str, str]:
    """The mark of a run's state, and its style."""
    return {
        RunState.PLANNED: (glyphs.waiting, "$muted"),
        RunState.RUNNING: (glyphs.running, "$accent"),
        RunState.GOOD: (glyphs.done, "$success"),
        RunState.BAD: (glyphs.failed, "$error"),
        RunState.CANCELLED: (glyphs.skipped, "$warning"),
    }[run.kind]
