"""A plan, before anything is done."""

from __future__ import annotations

from flowtui.models import Ability
from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "deploy",
        Scope.PLAN,
        ("enter",),
        "deploy",
        "Do what the plan says.",
        reasons.plan_deployable,
        command="flowtui deploy TARGET",
        changes=True,
    ),
    Action(
        "force",
        Scope.PLAN,
        ("f",),
        "force",
        "Plan again as if nothing were deployed yet.",
        reasons.can_replan,
        command="flowtui deploy TARGET --force",
    ),
    Action(
        "replan",
        Scope.PLAN,
        ("r",),
        "plan again",
        "Make the plan again.",
        reasons.can_replan,
        command="flowtui plan TARGET -v",
    ),
    Action(
        "difference",
        Scope.PLAN,
        ("v",),
        "difference",
        "Show all that would change: long values and files with none of their lines left out.",
        reasons.plan_compared,
        command="flowtui plan TARGET",
    ),
    Action(
        "executor",
        Scope.PLAN,
        ("E",),
        "executor",
        "Choose how the tasks of its runs are executed: once, or from now on.",
        reasons.executor_choosable,
        command="flowtui executor TARGET",
    ),
    Action(
        "work_pool",
        Scope.PLAN,
        ("w",),
        "work pool",
        "Choose the work pool that runs the deployment: once, or from now on.",
        reasons.able(Ability.TELL_WORK_POOLS, reasons.can_replan),
        command="flowtui deploy TARGET --work-pool NAME",
    ),
    Action(
        "overview",
        Scope.PLAN,
        ("1",),
        "plan",
        "Show the plan.",
        reasons.plan_ready,
        command="flowtui plan TARGET -v",
        bar=False,
    ),
    Action(
        "settings",
        Scope.PLAN,
        ("2",),
        "settings",
        "Show every setting and where its value comes from.",
        reasons.plan_ready,
        bar=False,
    ),
    Action(
        "dockerfile",
        Scope.PLAN,
        ("3",),
        "Dockerfile",
        "Show the Dockerfile.",
        reasons.plan_ready,
        command="flowtui plan TARGET -v",
        bar=False,
    ),
    Action(
        "files",
        Scope.PLAN,
        ("4",),
        "files",
        "Show the files that go into the image, with sizes.",
        reasons.plan_ready,
        bar=False,
    ),
    Action("back", Scope.PLAN, ("escape",), "back", "Leave without deploying.", reasons.always),
)
