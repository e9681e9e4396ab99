"""Planning several flows at once, printed in their order."""

from __future__ import annotations

from dataclasses import asdict

from flowtui.cli.output import Output, print_problem
from flowtui.cli.plan_report import Planned, print_planned, problem_of, summary
from flowtui.cli.targets import Targets
from flowtui.deploy.at_once import at_once, cores
from flowtui.errors import ExitCode, FlowtuiError
from flowtui.models import DeployTable, LocalFlow
from flowtui.workspace import Workspace


async def plan_one(
    workspace: Workspace, flow: LocalFlow, overrides: DeployTable, *, force: bool = False
) -> Planned:
    """An error is a result: it does not stop the others."""
    try:
        return Planned(flow, await workspace.plan(flow, overrides, force=force))
    except FlowtuiError as error:
        return Planned(flow, error=error)


async def plan_all(
    workspace: Workspace,
    found: Targets,
    overrides: DeployTable,
    output: Output,
    *,
    force: bool = False,
    everything: bool = False,
) -> ExitCode:
    """Plan and print; as many flows are loaded at a time as there are processors.

    The exit code of the first failure; else CHANGES if a deploy would do something, else OK.
    """
    for file in found.broken:
        problem = problem_of(file)
        if output.as_json:
            output.data({"event": "problem", **asdict(problem)})
        print_problem(problem)
    planned = await at_once(
        found.flows,
        lambda flow: plan_one(workspace, flow, overrides, force=force),
        limit=cores(),
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
