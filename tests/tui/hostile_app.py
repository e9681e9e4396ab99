"""The app on a folder and a control plane full of hostile text: `python -m tests.tui.hostile_app`.

Its deploys run by themselves: a log, a problem and a result, all of them hostile.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from flowtui.deploy.events import Event, Level, Outcome, Progress, Stage, log_line, problem_found
from flowtui.deploy.plan import ContextSummary, Plan, Setting
from flowtui.models import (
    DeployTable,
    Discovery,
    FlowState,
    LocalFlow,
    Origin,
    Problem,
    Profile,
    Schedule,
)
from flowtui.run_models import FlowRun, Parameter
from flowtui.tui.app import FlowtuiApp
from flowtui.workspace import Workspace
from tests.tui.memory import ADDRESS, CREATED, MemoryDeploy, MemoryWorkspace, broken, flow
from tests.tui.sequences import ALL_IN_ONE, SEQUENCES, hostile_name

_SOURCE = "a.py"
"""A file that is there: the first of the list."""


class HostileWorkspace(MemoryWorkspace):
    """Every name in it carries one of the sequences, its logs and problems all of them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, Profile(hostile_name("title, ST"), ADDRESS, Origin.COMMAND_LINE))
        names = [hostile_name(label) for label in SEQUENCES]
        (root / _SOURCE).write_text(f"flow = None  # {ALL_IN_ONE}\n")
        project_file = "".join(f"\\u{ord(char):04x}" for char in names[0])
        (root / "flowtui.toml").write_text(f'project = "{project_file}"\n')
        for name in names:
            self.server.add_project(name, name)
            for _ in range(2):
                made = self.server.add_version(name, name, schedule=Schedule.ACTIVE)
            run = FlowRun(name, name, name, name, 2, made.id, "Failed", name, started=CREATED)
            self.server.runs.append(
                replace(run, scheduled=CREATED, labels=(name,), parameters={name: name})
            )
            task = self.server.add_task_run(name, name)
            self.server.move_task_run(name, task.id, "Failed", ALL_IN_ONE)
            self.server.add_line(name, ALL_IN_ONE, logger=name, task_run_id=task.id)
            self.server.parameter_lists[made.id] = (
                Parameter(name, required=False, default=name),
                Parameter(f"{name} 2", required=False, default=[name]),
            )
            self.server.serialized[self.server.version_list[-1].id] = {
                "name": name,
                "parameters": [{"name": name, "required": False, "default": name}],
                "tasks": [{"slug": name, "name": name, "type": name}],
                "edges": [],
                "schedule": {"clocks": [{"type": name}]},
            }
        self.found = Discovery(
            str(root),
            (
                flow(names[0], _SOURCE, 1),
                *(flow(name, f"b{number}{name}.py") for number, name in enumerate(names)),
            ),
            tuple(
                broken(f"z{number}{name}.py", f"bad {name}") for number, name in enumerate(names)
            ),
        )
        self.watch_note = Problem(ALL_IN_ONE, ALL_IN_ONE, ALL_IN_ONE)
        self.states = {name: (FlowState.CHANGED, f"differs: {name}") for name in names}

    async def plan(
        self, flow: LocalFlow, overrides: DeployTable | None = None, *, force: bool = False
    ) -> Plan:
        made = await super().plan(flow, overrides, force=force)
        return _with_hostile_words(made)

    async def deploy(
        self, flow: LocalFlow, emit: Callable[[Event], None], *args: object, **kwargs: object
    ) -> object:
        run = MemoryDeploy("hostile", flow, emit)
        for stage in Stage:
            run.start(stage)
            for label in SEQUENCES:
                run.emit(log_line(run.id, stage, f"{stage} {hostile_name(label)}"))
            run.emit(log_line(run.id, stage, ALL_IN_ONE, Level.ERROR))
            run.emit(
                Progress(
                    deploy=run.id,
                    stage=stage,
                    item=ALL_IN_ONE,
                    current=1,
                    total=2,
                    unit=ALL_IN_ONE,
                    status=ALL_IN_ONE,
                )
            )
            if stage is not Stage.REGISTER:
                run.done(stage)
            await asyncio.sleep(0)
        run.emit(
            problem_found(run.id, Stage.PUSH, Problem(ALL_IN_ONE, ALL_IN_ONE, f"{ALL_IN_ONE}"))
        )
        run.fail(Stage.REGISTER)
        run.finish(Outcome.FAILED, exit_code=1, reason=ALL_IN_ONE, image=ALL_IN_ONE)
        return run.result


def _with_hostile_words(plan: Plan) -> Plan:
    return replace(
        plan,
        project=hostile_name("clear"),
        reasons=(ALL_IN_ONE,),
        settings=(Setting(ALL_IN_ONE, ALL_IN_ONE, Origin.PROJECT_FILE, ALL_IN_ONE),),
        image=ALL_IN_ONE,
        dockerfile=f"FROM {ALL_IN_ONE}\nRUN {ALL_IN_ONE}\n",
        context=ContextSummary(((ALL_IN_ONE, 3),), (ALL_IN_ONE,)),
        problems=(Problem(ALL_IN_ONE, ALL_IN_ONE, ALL_IN_ONE),),
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = HostileWorkspace(Path(folder))

        async def open_workspace(
            path: Path, *, profile: str | None = None, api_url: str | None = None
        ) -> Workspace:
            return workspace

        app = FlowtuiApp(Path(folder), open_workspace=open_workspace)
        app.run(mouse=False)
    sys.exit(app.return_code)


if __name__ == "__main__":
    main()
