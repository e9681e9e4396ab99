"""The work pool that runs a deployment, chosen from its plan: once, or from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui.quantities import counted

if TYPE_CHECKING:
    from flowtui.run_models import WorkPool
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.screens.dialogs import Choice
    from flowtui.tui.view_models.deploys import DeployRecord

_KEEP, _ONCE = "keep", "once"


def choose_work_pool(app: FlowtuiApp, record: DeployRecord) -> None:
    from flowtui.tui.screens.dialogs import ChoiceDialog

    pools = app.session.work_pools or ()
    name = record.flow.display_name
    if not pools:
        key = app.keymap.key("projects.create_pool")
        app.say(f"There is no work pool yet. {key} in the project tree makes one.")
        return

    def answered(pool: str | None) -> None:
        if pool is not None:
            _ask_how_long(app, record, pool)

    now = _now(record)
    text = f"Now: {now}" if now else "Now: none is named"
    choices = tuple(_choice(pool) for pool in pools)
    app.push_screen(ChoiceDialog(f"Work pool of “{name}”", text, choices), answered)


def _now(record: DeployRecord) -> str:
    if record.plan is None:
        return record.overrides.deployment.work_pool or ""
    setting = record.plan.setting("work_pool")
    return f"{setting.value} ({setting.detail or setting.origin})" if setting is not None else ""


def _choice(pool: WorkPool) -> Choice:
    from flowtui.tui.screens.dialogs import Choice

    online = f"{counted(pool.online, 'worker')} online" if pool.online else "no worker online"
    paused = ", paused" if pool.paused else ""
    return Choice(pool.name, pool.name, f"{pool.type}, {online}{paused}")


def _ask_how_long(app: FlowtuiApp, record: DeployRecord, pool: str) -> None:
    from flowtui.tui.screens.dialogs import Choice, ChoiceDialog

    def answered(answer: str | None) -> None:
        if answer == _KEEP:
            app.deploying.keep_work_pool(record, pool)
        elif answer == _ONCE:
            app.deploying.use_work_pool(record, pool)

    why_not = ""
    if app.read_only:
        why_not = "flowtui was started with --read-only."
    elif record.flow.name is None:
        why_not = "Its name is known only once it is loaded: write its table yourself."
    keep = f'Written into the project file: [flows."{record.flow.display_name}".deployment]'
    choices = (
        Choice(_ONCE, "For this deploy", "The deployment stays in it: nothing has to be written."),
        Choice(_KEEP, "From now on", keep, why_not=why_not),
    )
    app.push_screen(ChoiceDialog(pool, "How long does this count?", choices), answered)
