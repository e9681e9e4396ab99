"""The report: a text to be pasted into a bug report, and the same as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from flowtui.doctor.checks import Check, Examination, Finding, Group, State
from flowtui.models import Json


@dataclass(frozen=True, slots=True)
class Report:
    """Findings in the order of their examinations, whichever came first."""

    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, examinations: Sequence[Examination], findings: Sequence[Finding]) -> Report:
        order = {(each.group, each.title): number for number, each in enumerate(examinations)}
        return cls(
            tuple(
                sorted(findings, key=lambda finding: order.get((finding.group, finding.title), -1))
            )
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(check for finding in self.findings for check in finding.checks)

    def count(self, state: State) -> int:
        return sum(check.state is state for check in self.checks)

    @property
    def summary(self) -> str:
        """`everything is well`, or `1 bad, 2 warnings`."""
        parts: list[str] = []
        if bad := self.count(State.BAD):
            parts.append(f"{bad} bad")
        if warnings := self.count(State.WARNING):
            parts.append(f"{warnings} {'warning' if warnings == 1 else 'warnings'}")
        return ", ".join(parts) or "everything is well"

    def text(self) -> str:
        """As plain text that is also Markdown."""
        lines = [f"# flowtui doctor: {self.summary}"]
        for group in Group:
            checks = [c for f in self.findings if f.group is group for c in f.checks]
            if not checks:
                continue
            lines += ["", f"## {group}", ""]
            for check in checks:
                value = check.value.replace("\n", "\n  ")
                lines.append(f"- {_MARKS[check.state]} {check.name}: {value}")
                if check.fix:
                    fix = check.fix.replace("\n", "\n    ")
                    lines.append(f"  - next: {fix}")
        return "\n".join(lines) + "\n"

    def data(self) -> dict[str, Json]:
        """`ok` is False when a check is bad."""
        return {
            "ok": not self.count(State.BAD),
            "checks": [
                {"group": str(finding.group), **asdict(check)}
                for finding in self.findings
                for check in finding.checks
            ],
        }


_MARKS = {
    State.OK: "ok     ",
    State.WARNING: "WARNING",
    State.BAD: "BAD    ",
    State.UNKNOWN: "?      ",
}
