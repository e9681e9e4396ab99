"""Planning several flows at once, printed in their order."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from flowtui.cli.output import Output, print_problem
from flowtui.cli.plan_report import Planned, print_planned, summary
from flowtui.cli.targets import Targets, problem_of
from flowtui.deploy.at_once import at_once, cores
from flowtui.deploy.plan import Plan
from flowtui.errors import ExitCode, FlowtuiError
from flowtui.models import DeployTable, LocalFlow
from flowtui.run_models import NewWorkPool
from flowtui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class How:
    """What else the deploy would be asked for."""

    force: bool = False
    push: bool = True
    new_pool: NewWorkPool | None = None

    async def plan(self, workspace: Workspace, flow: LocalFlow, overrides: DeployTable) -> Plan:
        return await workspace.plan(
            flow, overrides, force=self.force, push=self.push, new_pool=self.new_pool
        )


_AS_IT_IS = How()


async def plan_one(
    workspace: Workspace, flow: LocalFlow, overrides: DeployTable, how: How = _AS_IT_IS
) -> Planned:
    """An error is a result: it does not stop the others."""
    try:
        return Planned(flow, await how.plan(workspace, flow, overrides))
    except FlowtuiError as error:
        return Planned(flow, error=error)


async def plan_all(
    workspace: Workspace,
    found: Targets,
    overrides: DeployTable,
    output: Output,
    how: How = _AS_IT_IS,
    *,
    everything: bool = False,
) -> ExitCode:
    """Plan and print; two flows are loaded at a time for each processor.

    The exit code of the first failure; else CHANGES if a deploy would do something, else OK.
    """
    for file in found.broken:
        problem = problem_of(file)
        if output.as_json:
            output.data({"event": "problem", **asdict(problem)})
        print_problem(problem)
    planned = await at_once(
        found.flows,
        lambda flow: plan_one(workspace, flow, overrides, how),
        limit=2 * cores(),
        ready=lambda each: print_planned(each, output, everything=everything),
    )
    code = _exit_code(planned, broken=bool(found.broken))
    if output.as_json:
        output.data({"event": "result", "exit_code": int(code), "planned": len(planned)})
    elif len(planned) + len(found.broken) > 1:
        output.note(summary(planned, found.broken))
    return code


def _exit_code(planned: list[Planned], *, broken: bool) -> ExitCode:
    if broken:
        return ExitCode.FAILED
    errors = [each.exit_code for each in planned if each.error is not None]
    changes = [each.exit_code for each in planned if each.exit_code is ExitCode.CHANGES]
    return next(iter([*errors, *changes]), ExitCode.OK)
