"""How a person likes logs, and what was looked for last: the same in every log of the app."""

from __future__ import annotations

from dataclasses import dataclass, field

_REMEMBERED = 20


@dataclass(slots=True)
class LogHabits:
    wrap: bool = False
    times: bool = False
    run_times: bool = True
    """The same in the logs of runs, which are read to see what took how long."""
    searches: list[str] = field(default_factory=list[str])
    """The newest last."""
    filters: list[str] = field(default_factory=list[str])


def remember(texts: list[str], text: str) -> None:
    """Put a text that was used to the end of those remembered."""
    if not text:
        return
    if text in texts:
        texts.remove(text)
    texts.append(text)
    del texts[:-_REMEMBERED]
