"""Which settings win for a deployment, and which storage and work pool follow from them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flowtui.deploy.deployment import work_pool
from flowtui.deploy.deployment.declaration import Declared, read_declaration
from flowtui.deploy.layers import inferred, own_layers
from flowtui.deploy.plan import Setting
from flowtui.deploy.request import PlanRequest
from flowtui.deploy.settings import Resolved, resolve, with_options
from flowtui.errors import UsageError
from flowtui.models import FlowVersion, LoadedFlow, Origin, StorageKind
from flowtui.run_models import WorkPool


@dataclass(frozen=True, slots=True)
class Settled:
    resolved: Resolved
    declared: Declared
    pool: WorkPool | None
    """None where the control plane was not asked."""

    @property
    def storage(self) -> StorageKind:
        return self.resolved.options.type or StorageKind.LOCAL

    @property
    def fetched(self) -> bool:
        """Whether steps of the project's own bring the source to a run."""
        return self.resolved.deployment.pull_steps is not None

    @property
    def in_place(self) -> bool:
        """Whether runs take files that are not the copy that was checked."""
        return self.storage is StorageKind.LOCAL and (
            self.fetched or self.resolved.options.in_place is True
        )


def settle(
    request: PlanRequest,
    loaded: LoadedFlow,
    pools: Sequence[WorkPool] | None,
    registered: FlowVersion | None,
) -> Settled:
    """`pools` are those of the control plane, None where it was not asked.

    The pool of the deployment as it is `registered` stays where no setting names one.

    Raises UsageError for settings that cannot work.
    """
    declared = read_declaration(loaded.declared or request.flow.declared, request.root, os.environ)
    layers = [*own_layers(request, loaded.name)]
    if declared.where:
        layers.append(declared.layer)
    resolved = resolve([*layers, *inferred(loaded)])
    settled = _with_storage(resolved, declared, request, pools, registered)
    return _without_registry(settled, request)


def _with_storage(
    resolved: Resolved,
    declared: Declared,
    request: PlanRequest,
    pools: Sequence[WorkPool] | None,
    registered: FlowVersion | None,
) -> Settled:
    """Storage and pool decide each other where only one of them is said."""
    where = request.flow.target
    storage = resolved.options.type
    fetched = resolved.deployment.pull_steps is not None
    if pools is None:
        kind = storage or (
            StorageKind.DOCKER if resolved.options.registry_url else StorageKind.LOCAL
        )
        guessed = _of_type(resolved, kind, "the work pools are not known")
        return Settled(guessed if storage is None else resolved, declared, None)
    name = resolved.deployment.work_pool
    if name is not None:
        pool = work_pool.named(pools, name, where=where)
    elif (kept := work_pool.kept(pools, registered, storage, fetched=fetched)) is not None:
        pool = kept
        resolved = _chosen(resolved, pool.name, Origin.INFERRED, "the one it is registered with")
    else:
        pool = work_pool.only_fitting(pools, storage, fetched=fetched, where=where)
        resolved = _chosen(resolved, pool.name, Origin.INFERRED, f"the only {pool.type} pool")
    if storage is None:
        in_image = work_pool.takes_images(pool) and not fetched
        storage = StorageKind.DOCKER if in_image else StorageKind.LOCAL
        why = f"the work pool “{pool.name}” is of type {pool.type}"
        resolved = _of_type(resolved, storage, why)
    work_pool.refuse_misfit(pool, storage, fetched=fetched, where=where)
    return Settled(resolved, declared, pool)


def _without_registry(settled: Settled, request: PlanRequest) -> Settled:
    """Where nothing is pushed, runs must not look for the image in a registry."""
    resolved = settled.resolved
    registry = next((each for each in resolved.settings if each.name == "registry_url"), None)
    if settled.storage is not StorageKind.DOCKER:
        return settled
    if not request.push:
        if registry is None:
            return settled
        kept = with_options(resolved, Origin.COMMAND_LINE, "--no-push", registry_url=None)
        return replace(settled, resolved=kept)
    if registry is None:
        if settled.declared.pushes:
            raise UsageError(
                "Docker storage needs a registry to push to",
                where=request.flow.target,
                fix="set registry_url (--registry-url, or [storage] of flowtui.toml), keep the "
                "image in this engine with --no-push, or use --storage local with a process pool",
            )
        return settled
    if registry.origin is Origin.DECLARATION and not settled.declared.pushes:
        why = f"{settled.declared.where} pushes no image"
        kept = with_options(resolved, Origin.DECLARATION, why, registry_url=None)
        return replace(settled, resolved=kept)
    return settled


def _of_type(resolved: Resolved, storage: StorageKind, why: str) -> Resolved:
    return with_options(resolved, Origin.INFERRED, why, type=storage)


def _chosen(resolved: Resolved, name: str, origin: Origin, detail: str) -> Resolved:
    kept = tuple(each for each in resolved.settings if each.name != "work_pool")
    return replace(
        resolved,
        deployment=replace(resolved.deployment, work_pool=name),
        settings=(*kept, Setting("work_pool", name, origin, detail)),
    )
