"""How the tasks of a flow's runs are executed, chosen from its plan: once, or from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui import executors
from flowtui.models import ExecutionOptions, Origin

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.screens.dialogs import Choice
    from flowtui.tui.view_models.deploys import DeployRecord

_OWN, _OTHER = "own", "other"
_KEEP, _ONCE = "keep", "once"
_KINDS = (
    ("local", "Local", "One task after the other, in the flow's process."),
    ("local-dask", "Local Dask", "Several tasks at once, in threads or processes."),
    ("dask", "Dask", "On a Dask cluster, by its scheduler's address."),
    (_OTHER, "Another class", "By its dotted path, with its arguments."),
)


def choose_executor(app: FlowtuiApp, record: DeployRecord) -> None:
    from flowtui.tui.screens.dialogs import ChoiceDialog
    from flowtui.tui.screens.executor_dialog import ExecutorDialog

    name = record.flow.display_name
    before = _before(app, record)

    def told(chosen: ExecutionOptions | None) -> None:
        if chosen is not None:
            _ask_how_long(app, record, chosen)

    def answered(kind: str | None) -> None:
        if kind == _OWN:
            _take_away(app, record)
        elif kind == "local":
            told(ExecutionOptions("local"))
        elif kind is not None:
            title = f"{next(each[1] for each in _KINDS if each[0] == kind)} for “{name}”"
            app.push_screen(ExecutorDialog(kind, title, before), told)

    now = executors.in_words(before)
    text = f"Now: {now}" if now else "Now: Prefect's default where the flow runs"
    app.push_screen(ChoiceDialog(f"Executor of “{name}”", text, _choices(app, record)), answered)


def _before(app: FlowtuiApp, record: DeployRecord) -> ExecutionOptions:
    """What is in force, or what the settings say where no plan could be made with it."""
    if record.plan is not None:
        return record.plan.execution
    if record.overrides.execution.executor is not None:
        return record.overrides.execution
    workspace = app.session.workspace
    return workspace.executor_of(record.flow)[0] if workspace else ExecutionOptions()


def _choices(app: FlowtuiApp, record: DeployRecord) -> tuple[Choice, ...]:
    from flowtui.tui.screens.dialogs import Choice

    loaded = record.plan.loaded if record.plan is not None else None
    known = {path.rpartition(".")[2] for path in loaded.executors} if loaded else set[str]()
    found: list[Choice] = []
    for kind, title, text in _KINDS:
        wanted = executors.CLASSES.get(kind)
        missing = wanted is not None and known and wanted not in known
        version = loaded.interpreter.prefect_version if loaded else ""
        why_not = f"Prefect {version} has no {wanted}." if missing else ""
        found.append(Choice(kind, title, text, why_not=why_not))
    own = "What its file says, or else Prefect's default."
    return (*found, Choice(_OWN, "The flow's own", own, why_not=_why_not_own(app, record)))


def _why_not_own(app: FlowtuiApp, record: DeployRecord) -> str:
    workspace = app.session.workspace
    origin = workspace.executor_of(record.flow)[1] if workspace is not None else None
    if record.overrides.execution.executor is not None or origin is Origin.FLOW_TABLE:
        return ""
    if origin is Origin.PROJECT_FILE:
        return "The project file sets one for all flows, in [execution]."
    return "It is in force: no setting says otherwise."


def _take_away(app: FlowtuiApp, record: DeployRecord) -> None:
    workspace = app.session.workspace
    if workspace is not None and workspace.executor_of(record.flow)[1] is Origin.FLOW_TABLE:
        app.deploying.keep_executor(record, None)
    else:
        app.deploying.use_executor(record, None)


def _ask_how_long(app: FlowtuiApp, record: DeployRecord, chosen: ExecutionOptions) -> None:
    from flowtui.tui.screens.dialogs import Choice, ChoiceDialog

    def answered(answer: str | None) -> None:
        if answer == _KEEP:
            app.deploying.keep_executor(record, chosen)
        elif answer == _ONCE:
            app.deploying.use_executor(record, chosen)

    name = record.flow.name
    why_not = ""
    if app.read_only:
        why_not = "flowtui was started with --read-only."
    elif name is None:
        why_not = "Its name is known only once it is loaded: write its table yourself."
    keep = f'Written into the project file: [flows."{name}".execution]'
    choices = (
        Choice(_KEEP, "From now on", keep, why_not=why_not),
        Choice(_ONCE, "For this deploy only", "Nothing is written."),
    )
    title = f"{executors.in_words(chosen)}"
    app.push_screen(ChoiceDialog(title, "How long does this count?", choices), answered)
