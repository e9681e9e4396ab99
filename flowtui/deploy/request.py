"""What is asked of the planner, and what it hands to the stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flowtui.config import ProjectConfig
from flowtui.deploy.applied import Memory, NoMemory
from flowtui.deploy.deployment.registration import Registration
from flowtui.deploy.deployment.snapshot import Snapshot
from flowtui.deploy.docker.image import ImageRecipe
from flowtui.deploy.local_storage import LocalRecipe
from flowtui.deploy.plan import Plan
from flowtui.models import DeployTable, LocalFlow, Profile
from flowtui.run_models import NewWorkPool


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What was asked for."""

    root: Path
    config: ProjectConfig
    profile: Profile
    flow: LocalFlow
    overrides: DeployTable = field(default_factory=DeployTable)
    force: bool = False
    push: bool = True
    salt: str = ""
    """With `force`: makes the content another one than any before; by chance without it."""
    memory: Memory = field(default_factory=NoMemory)
    new_pool: NewWorkPool | None = None
    """Prefect 2 and 3: a work pool to be made for it, where there is none of that name."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan and what the stages need to carry it out. One of the recipes is set."""

    plan: Plan
    image: ImageRecipe | None = None
    local: LocalRecipe | None = None
    snapshot: Snapshot | None = None
    registration: Registration | None = None
    """Prefect 2 and 3 only."""
