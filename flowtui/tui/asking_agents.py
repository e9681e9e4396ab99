"""What is asked before an agent is started, with the answers that are most likely right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flowtui.agents.kinds import AgentKind, kinds_for
from flowtui.agents.spec import AgentSpec
from flowtui.models import Ability, FlowVersion
from flowtui.quantities import counted
from flowtui.tui.looks.words import plain
from flowtui.tui.view_models.agents import WaitingGroup

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.screens.agent_dialog import Suggestion


def start_agent(app: FlowtuiApp, group: WaitingGroup | None = None) -> None:
    """Ask for an agent; for one that takes the runs of this group where it is given."""
    from flowtui.tui.screens.agent_dialog import AgentDialog

    def answered(spec: AgentSpec | None) -> None:
        if spec is not None:
            app.agents.start(spec)

    if Ability.TELL_WORK_POOLS in app.session.abilities:
        _start_worker(app, group, answered)
        return
    app.push_screen(AgentDialog(suggestion(app, group)), answered)


def _start_worker(
    app: FlowtuiApp, group: WaitingGroup | None, answered: Callable[[AgentSpec | None], None]
) -> None:
    from flowtui.tui.screens.worker_dialog import WorkerDialog

    queue = app.session.agents.queue
    pools = queue.pools if queue is not None else None
    pool, why = suggested_pool(app, group)
    app.push_screen(WorkerDialog(pools or app.session.work_pools or (), pool, why), answered)


def suggested_pool(app: FlowtuiApp, group: WaitingGroup | None) -> tuple[str, str]:
    """The pool of these runs, else that of most deployments here; and why, in words."""
    if group is not None and group.runs[0].work_pool:
        count = counted(len(group.runs), "run")
        return group.runs[0].work_pool, f"Suggested for {count} that wait."
    versions = [row.version for row in app.session.rows or () if row.version is not None]
    used = Counter(version.work_pool for version in versions if version.work_pool)
    if not used:
        return "", "A worker takes the runs of one work pool."
    (name, count) = used.most_common(1)[0]
    total = counted(used.total(), "deployment")
    return name, f"Suggested: {plain(name)}, the pool of {count} of {total} here."


def suggestion(app: FlowtuiApp, group: WaitingGroup | None) -> Suggestion:
    """The kind that most flows here need, or that these runs need, and labels that are in use."""
    from flowtui.tui.screens.agent_dialog import Suggestion

    queue = app.session.agents.queue
    waiting = queue.waiting if queue is not None else ()
    offered = Counter(label for run in waiting for label in run.labels)
    if group is None:
        kind, why = _kind_here(row.version for row in app.session.rows or ())
        return Suggestion(kind, why, (), True, tuple(offered))
    run = group.runs[0]
    kinds = kinds_for(run)
    kind = AgentKind.LOCAL if AgentKind.DOCKER not in kinds else AgentKind.DOCKER
    count = len(group.runs)
    why = "for the run that waits" if count == 1 else f"for {count} runs that wait"
    return Suggestion(kind, why, run.labels, bool(run.labels), tuple(offered))


def _kind_here(versions: Iterable[FlowVersion | None]) -> tuple[AgentKind, str]:
    stored = [str((version.storage or {}).get("type") or "") for version in versions if version]
    in_images, in_files = stored.count("Docker"), stored.count("Local")
    if in_files > in_images:
        return AgentKind.LOCAL, f"{in_files} of {len(stored)} registered flows are in Local storage"
    if in_images:
        return AgentKind.DOCKER, f"{in_images} of {len(stored)} registered flows are in images"
    return AgentKind.DOCKER, "flows are stored in images unless the project file says otherwise"
