"""What came of several deploys: a table, and one exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flowtui.cli.output import Output
from flowtui.cli.targets import Targets
from flowtui.deploy.events import DeployFinished, Outcome
from flowtui.errors import ExitCode, FlowtuiError
from flowtui.models import LocalFlow
from flowtui.quantities import duration

_DIGEST = 19
"""`sha256:` and twelve digits: as much as the engine's own lists show."""
_WHAT = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """One flow: its deploy's last event, or why there was no deploy."""

    flow: LocalFlow
    result: DeployFinished | None = None
    error: FlowtuiError | None = None

    @property
    def exit_code(self) -> ExitCode:
        if self.error is not None:
            return self.error.exit_code
        return ExitCode(self.result.exit_code) if self.result is not None else ExitCode.OK

    @property
    def outcome(self) -> Outcome:
        return self.result.outcome if self.result is not None else Outcome.FAILED

    @property
    def version(self) -> str:
        """The number, or the deployment's own version."""
        if self.result is None:
            return ""
        return str(self.result.version or self.result.label)

    @property
    def what(self) -> str:
        """What was made, why nothing was, or what went wrong."""
        if self.error is not None:
            return self.error.problem.what
        result = self.result
        if result is None:
            return ""
        if result.outcome is Outcome.DONE and result.image:
            return f"{result.image}@{result.digest[:_DIGEST]}" if result.digest else result.image
        return result.reason


def exit_code_of(results: Sequence[Ended], *, broken: bool) -> ExitCode:
    """The first that is not OK: of files that do not parse, then in the order of the flows."""
    if broken:
        return ExitCode.FAILED
    return next((each.exit_code for each in results if each.exit_code), ExitCode.OK)


def print_results(results: Sequence[Ended], found: Targets, output: Output) -> None:
    rows = [
        (
            each.flow.display_name,
            str(each.outcome),
            each.version,
            _shortened(each.what),
            duration(each.result.seconds) if each.result is not None else "",
        )
        for each in results
    ]
    begun = {each.flow for each in results}
    rows += [
        (flow.display_name, "not begun", "", "", "") for flow in found.flows if flow not in begun
    ]
    rows += [(file.path, "broken", "", file.message, "") for file in found.broken]
    output.line()
    output.table(("FLOW", "OUTCOME", "VERSION", "WHAT", "TOOK"), rows)
    words = Counter(row[1] for row in rows)
    output.note(", ".join(f"{count} {word}" for word, count in words.items()))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WHAT else f"{line[: _WHAT - 1]}…"
