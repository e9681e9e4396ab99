"""A plan as data and as lines for people: what `plan` and `deploy --dry-run` print."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from flowtui.cli.change_lines import changes_as_json, print_changes
from flowtui.cli.output import Output
from flowtui.deploy.plan import Lane, Plan, as_mapping
from flowtui.errors import ExitCode, FlowtuiError
from flowtui.models import BrokenFile, LocalFlow
from flowtui.quantities import counted


@dataclass(frozen=True, slots=True)
class Planned:
    """What came of planning one flow: a plan, or an error."""

    flow: LocalFlow
    plan: Plan | None = None
    error: FlowtuiError | None = None

    @property
    def exit_code(self) -> ExitCode:
        if self.error is not None:
            return self.error.exit_code
        unchanged = self.plan is None or self.plan.lane is Lane.NOTHING
        return ExitCode.OK if unchanged else ExitCode.CHANGES


def print_planned(planned: Planned, output: Output, *, everything: bool) -> None:
    """One flow's plan; `everything`: also each setting, the build context and the Dockerfile."""
    if planned.error is not None:
        if not output.as_json:
            output.line(f"{planned.flow.target}: no plan could be made")
        output.error(planned.error, target=planned.flow.target)
    if planned.plan is None:
        return
    if output.as_json:
        output.data(plan_as_json(planned.plan))
        return
    _print_plan(planned.plan, output)
    if everything:
        _print_everything(planned.plan, output)
    for problem in planned.plan.problems:
        output.note(f"  warning: {problem.what}" + (f" ({problem.fix})" if problem.fix else ""))


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Stable keys; of `changes`, `unknown` and `same` nothing where what is registered is not
    known."""
    compared = changes_as_json(plan.changes) if plan.changes is not None else {}
    return {
        "event": "plan",
        "flow": plan.loaded.name,
        "deployment": plan.flow.deployment or None,
        "target": plan.flow.target,
        "project": plan.project,
        "project_exists": plan.project_exists,
        "lane": str(plan.lane),
        "reasons": list(plan.reasons),
        "storage": str(plan.storage),
        "image": plan.image,
        "content_hash": plan.content_hash,
        "settings": as_mapping(plan.settings),
        "dockerfile": plan.dockerfile,
        "context": [{"path": path, "bytes": size} for path, size in plan.context.files]
        if plan.context
        else [],
        "never_sent": list(plan.context.never_sent) if plan.context else [],
        "current_version": plan.current.version if plan.current else None,
        "current_label": plan.current.label if plan.current else None,
        "current": plan.current.short if plan.current else None,
        "fields": dict(plan.fields),
        **compared,
        "problems": [asdict(problem) for problem in plan.problems],
    }


def summary(found: list[Planned], broken: tuple[BrokenFile, ...]) -> str:
    """For example `2 flows change, 3 are unchanged, 1 cannot be planned`."""
    changing = sum(each.exit_code is ExitCode.CHANGES for each in found)
    failed = sum(each.error is not None for each in found)
    unchanged = len(found) - changing - failed
    parts = [
        f"{counted(changing, 'flow changes', 'flows change')}" if changing else "",
        f"{counted(unchanged, 'is', 'are')} unchanged" if unchanged else "",
        f"{failed} cannot be planned" if failed else "",
        f"{counted(len(broken), 'file does', 'files do')} not parse" if broken else "",
    ]
    return ", ".join(part for part in parts if part)


def _print_plan(plan: Plan, output: Output) -> None:
    new = " (does not exist yet)" if plan.project_exists is False else ""
    project = plan.project or "no project"
    name = f"{plan.loaded.name}/{plan.flow.deployment}" if plan.flow.deployment else ""
    output.line(f"{name or plan.loaded.name}  →  {project}{new}", bold=True)
    output.line(f"  lane: {plan.lane}", fg="green" if plan.lane is Lane.NOTHING else "yellow")
    for reason in plan.reasons:
        output.line(f"        {reason}")
    if plan.changes is not None:
        print_changes(plan.changes, output)
    elif plan.current is None and plan.project_exists is not None:
        output.line("  nothing is registered yet: a deploy makes the first one")


def _print_everything(plan: Plan, output: Output) -> None:
    output.line("  settings:")
    width = max((len(setting.name) for setting in plan.settings), default=0)
    for setting in plan.settings:
        detail = f": {setting.detail}" if setting.detail else ""
        value = setting.value if isinstance(setting.value, str) else _compact(setting.value)
        output.line(f"    {setting.name:{width}}  {value}  ({setting.origin}{detail})")
    if plan.context is not None:
        output.line(f"  build context: {plan.context.count} files, {plan.context.size:,} bytes")
        for path, size in plan.context.files:
            output.line(f"    {size:>12,}  {path}")
        for path in plan.context.never_sent:
            output.line(f"    {'never sent':>12}  {path}")
    if plan.dockerfile is not None:
        output.line("  Dockerfile:")
        for line in plan.dockerfile.splitlines():
            output.line(f"    {line}")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
