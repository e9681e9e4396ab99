"""Tells what was checked, and stops the deploy where something is wrong."""

from __future__ import annotations

from flowtui.deploy.events import Level
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.checks import HealthReport
from flowtui.errors import DeployError
from flowtui.models import Problem


def judged(ctx: StageContext, report: HealthReport) -> HealthReport:
    """Raises DeployError with the first check that failed."""
    for check in report.checks:
        mark = "ok" if check.ok else ("warning" if check.level is Level.WARNING else "failed")
        ctx.log(f"{mark}: {check.name}: {check.message}", check.level)
    failed = report.failed
    if failed is not None:
        raise DeployError.of(failed.problem or Problem(failed.message))
    return report
