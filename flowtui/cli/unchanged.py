"""An unchanged deploy that needs no second look: what an earlier one found out still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowtui.cli.output import Output
from flowtui.deploy.unchanged.answer import recall


def told_again(key: str, output: Output) -> bool:
    """Tell that there is nothing to do; False where that is not known. Blocking."""
    answer = recall(key)
    if answer is None or not answer.still_holds():
        return False
    ended = [each for each in answer.events if each["event"] == "deploy_finished"]
    if output.as_json:
        for event in answer.events:
            output.data(event)
        output.data({"event": "result", "exit_code": 0, "deploys": ended, "broken": []})
    elif len(ended) == 1:
        _print_events(answer.events)
    else:
        _print_table(answer.events, output)
    return True


def _print_events(events: Sequence[Mapping[str, Any]]) -> None:
    from flowtui.cli.progress import EventPrinter
    from flowtui.deploy.events import from_json

    printer = EventPrinter()
    for event in events:
        printer(from_json(event))


def _print_table(events: Sequence[Mapping[str, Any]], output: Output) -> None:
    """What several deploys at once end with."""
    rows = [
        (str(each["flow"]), str(each["outcome"]), str(each["label"]), str(each["reason"]))
        for each in events
        if each["event"] == "deploy_finished"
    ]
    output.table(("FLOW", "OUTCOME", "VERSION", "WHAT"), rows)
    output.note(f"{len(rows)} unchanged")
