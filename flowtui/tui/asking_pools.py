"""What is asked before a work pool is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


def create(app: FlowtuiApp, types: tuple[str, ...]) -> None:
    """`types` are those that the control plane has a template for."""
    from flowtui.tui.screens.pool_dialog import NewPool, PoolDialog

    def answered(new: NewPool | None) -> None:
        if new is not None:
            app.pools.create(new.name, new.type)

    taken = tuple(pool.name for pool in app.session.work_pools or ())
    app.push_screen(PoolDialog(taken, types), answered)
