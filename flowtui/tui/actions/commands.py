"""The command line that does the same as an action, with what is in front filled in."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from flowtui.models import Origin, Schedule
from flowtui.tui.actions.model import Action, Facts

FILLED: Mapping[str, Callable[[Facts], str | tuple[str, ...] | None]] = {
    "TARGET": lambda facts: _targets(facts),
    "FLOW": lambda facts: _flow_name(facts),
    "SWITCH": lambda facts: _switch(facts),
    "PROJECT": lambda facts: facts.project.name if facts.project is not None else None,
    "POOL": lambda facts: facts.pool.name if facts.pool is not None else None,
    "PAUSE": lambda facts: "resume" if facts.pool is not None and facts.pool.paused else "pause",
    "ID": lambda facts: facts.version.id if facts.version is not None else None,
    "PROFILE": lambda facts: facts.profile.name if facts.profile is not None else None,
    "RUN": lambda facts: facts.run.id if facts.run is not None else None,
    "DEPLOY": lambda facts: facts.deploy_id,
    "FOLDER": lambda facts: facts.folder or ".",
}
"""Words of `Action.command` that are filled in from what is in front."""
TYPED = ("NAME", "TO", "NEW", "URL", "FILE", "TEXT", "KEY", "VALUE", "TYPE")
"""Words that stay: a person must type something there."""


def command_line(action: Action, facts: Facts) -> str:
    """Ready for a shell; empty for an action that has no command line.

    What is not known now stays as the word in capitals.
    """
    if not action.command:
        return ""
    program, *words = action.command.split()
    return " ".join((program, *_control_plane(facts), *(_filled(word, facts) for word in words)))


def _filled(word: str, facts: Facts) -> str:
    fill = FILLED.get(word)
    value = fill(facts) if fill is not None else None
    if value is None:
        return word
    return shlex.join((value,) if isinstance(value, str) else value)


def _targets(facts: Facts) -> tuple[str, ...] | None:
    """As seen from where the app was started, which is where the command will be typed."""
    flow = facts.flow or (facts.row.flow if facts.row is not None else None)
    targets = facts.targets or ((flow.target,) if flow is not None else ())
    prefix = f"{facts.folder}/" if facts.folder else ""
    return tuple(f"{prefix}{each}" for each in targets) or None


def _flow_name(facts: Facts) -> str | None:
    if facts.flow is not None:
        return facts.flow.display_name
    if facts.registered is not None:
        return facts.registered.name
    if facts.run is not None:
        return facts.run.flow_name
    return facts.row.name if facts.row is not None else None


def _switch(facts: Facts) -> str:
    """What the schedule of the flow is not yet."""
    flow = facts.registered
    return "off" if flow is not None and flow.in_use.schedule is Schedule.ACTIVE else "on"


def _control_plane(facts: Facts) -> tuple[str, ...]:
    """Said again where it was said on the command line: nothing else would know it."""
    chosen = facts.used_profile
    if chosen is None or chosen.origin is not Origin.COMMAND_LINE:
        return ()
    if facts.used_profile_saved:
        return "--profile", shlex.quote(chosen.name)
    return "--api-url", shlex.quote(chosen.api_url)
