"""Decides the plan of a deployment of Prefect 2 or 3."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from flowtui.deploy.applied import Applied
from flowtui.deploy.change import Aspect, Change
from flowtui.deploy.deployment import snapshot, work_pool
from flowtui.deploy.deployment.payload import SET_FOLDER, Code, payload_of, said_paths
from flowtui.deploy.deployment.registration import Registration, sent
from flowtui.deploy.deployment.schedules import to_wire, with_slugs
from flowtui.deploy.deployment.settle import Settled
from flowtui.deploy.deployment.source_files import SourceTree, source_tree
from flowtui.deploy.deployment.version import Commit, commit_of, is_of, version_of
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.image import ImageRecipe, prepare
from flowtui.deploy.docker.image_spec import CODE_FOLDERS, ImageSpec
from flowtui.deploy.docker.prefect_pins import pins_for
from flowtui.deploy.docker.registry import ImageReference, Registry
from flowtui.deploy.docker.requirements import with_needed
from flowtui.deploy.plan import Lane, Plan, Setting
from flowtui.deploy.request import PlanRequest, Prepared
from flowtui.deploy.settings import EXECUTION_SETTINGS
from flowtui.deploy.slug import slug
from flowtui.errors import UsageError
from flowtui.json_shapes import items, mapping
from flowtui.models import (
    DEFAULT_DEPLOYMENT,
    FlowVersion,
    JsonObject,
    LoadedFlow,
    LocalFlow,
    Origin,
    Problem,
    RegisteredDeployment,
    StorageKind,
    StorageOptions,
)
from flowtui.source.closure import imports_of

AskDeployments = Callable[[str], Awaitable[tuple[RegisteredDeployment, ...]]]
_KINDS = {
    Aspect.SCHEDULE: "schedule",
    Aspect.TAGS: "tag",
    Aspect.PARAMETERS: "parameter",
    Aspect.JOB_VARIABLES: "job variable",
}
"""What has a name of its own that does not say what it is."""
_FORCED = "--force: everything is made anew whatever changed"
_LOCAL_ONLY = frozenset({"directory", "in_place"})
_SHARED = frozenset({"type", "ignore_healthchecks", "files"})
_DOCKER_ONLY = frozenset(each.name for each in fields(StorageOptions)) - _SHARED - _LOCAL_ONLY


@dataclass(frozen=True, slots=True)
class Known:
    """What the control plane and the history tell of the deployment."""

    asked: bool = False
    """False without a control plane."""
    version: FlowVersion | None = None
    payload: JsonObject | None = None
    applied: tuple[Applied, ...] = ()
    """Newest first."""

    @property
    def last(self) -> Applied | None:
        return self.applied[0] if self.applied else None

    @property
    def same_code(self) -> bool:
        """Whether what is registered was deployed from this machine last."""
        if self.last is None or self.payload is None:
            return False
        return self.payload.get("version") == self.last.payload.get("version")


def name_of(flow: LocalFlow, loaded: LoadedFlow) -> str:
    """The deployment's name. Raises UsageError where not even the loaded flow tells it."""
    declared = loaded.declared or flow.declared
    if declared is None:
        return flow.deployment or DEFAULT_DEPLOYMENT
    if "name" in declared.dynamic:
        raise UsageError(
            f"the name of the deployment is not known before it is made: {declared.name}",
            where=declared.where,
            fix="write it out there, or declare the deployment in prefect.yaml",
        )
    return declared.name


async def look_up(
    request: PlanRequest, loaded: LoadedFlow, deployments: AskDeployments | None
) -> Known:
    """`deployments` tells those of the flows of a name. Raises what it raises."""
    if deployments is None:
        return Known()
    place = (loaded.name, name_of(request.flow, loaded))
    found = await deployments(loaded.name)
    there = next((e for e in found if (e.version.name, e.version.deployment) == place), None)
    if there is None:
        return Known(asked=True)
    applied = await asyncio.to_thread(request.memory.applied, there.version.id)
    return Known(True, there.version, there.payload, applied)


async def make_plan(
    request: PlanRequest,
    loaded: LoadedFlow,
    settled: Settled,
    known: Known,
    *,
    engine: Engine | None,
    registry: Registry | None,
) -> Prepared:
    """Decide everything. Raises UsageError for settings that cannot work, EngineError where an
    engine or a registry that is given does not answer."""
    entrypoint = await asyncio.to_thread(_entrypoint, request, loaded, settled)
    tree = await asyncio.to_thread(
        source_tree,
        request.root,
        request.flow,
        loaded,
        by_module=":" not in entrypoint,
        data=() if settled.storage is StorageKind.DOCKER else settled.resolved.options.files or (),
    )
    draft = Draft(request, loaded, settled, known, entrypoint, tree)
    if settled.storage is StorageKind.DOCKER:
        return await draft.image(engine, registry)
    return await draft.local()


@dataclass(frozen=True, slots=True)
class _Lane:
    lane: Lane
    reason: str
    image: str | None = None
    """The image of this very content that is there already, as runs take it."""


@dataclass(frozen=True, slots=True)
class Draft:
    request: PlanRequest
    loaded: LoadedFlow
    settled: Settled
    known: Known
    entrypoint: str
    tree: SourceTree

    async def local(self) -> Prepared:
        options = self.settled.resolved.options
        sources = await asyncio.to_thread(self.tree.read)
        stored = snapshot.prepare(
            self.loaded.name,
            sources=sources,
            directory=options.directory,
            root=self.request.root,
            in_place=self.settled.in_place,
            settings=cast("JsonObject", self._decides()),
            salt=self._salt(),
        )
        lane = await self._local_lane(stored)
        folder = str(stored.folder)
        roots = [str(stored.folder / each) for each in self.tree.import_roots]
        code = Code(
            entrypoint=self.entrypoint,
            pull_steps=self._pull_steps(folder),
            python_path=None if self.settled.fetched else ":".join(roots) or None,
        )
        plan, registration = await self._planned(lane, code, stored.content_hash)
        return Prepared(plan, snapshot=stored, registration=registration)

    async def image(self, engine: Engine | None, registry: Registry | None) -> Prepared:
        options = self.settled.resolved.options
        base = await self._base_identity(engine)
        recipe = await asyncio.to_thread(
            prepare,
            self._spec(),
            flow_sources={},
            base_identity=base or "",
            settings=cast(
                "JsonObject",
                {
                    **self._decides(),
                    "registry_url": options.registry_url,
                    "image_name": options.image_name,
                },
            ),
            salt=self._salt(),
        )
        where = options.registry_url
        named = f"{options.image_name or slug(self.loaded.name)}:{options.image_tag or recipe.tag}"
        image = f"{where.rstrip('/')}/{named}" if where else named
        lane = await self._image_lane(recipe, engine, registry)
        image = lane.image or image
        code = Code(
            entrypoint=self.entrypoint,
            pull_steps=self._pull_steps(self._code_folder),
            image=image,
            pull_policy=None if where else "IfNotPresent",
        )
        notes = (
            ("the base image is not on this engine yet: with it the content may change",)
            if base is None and options.dockerfile is None
            else ()
        )
        plan, registration = await self._planned(
            lane,
            code,
            recipe.content_hash,
            notes=notes,
            image=image,
            dockerfile=recipe.dockerfile,
            context=recipe.summary(),
            problems=recipe.problems,
        )
        return Prepared(plan, image=recipe, registration=registration)

    async def _planned(
        self,
        lane: _Lane,
        code: Code,
        content_hash: str,
        *,
        notes: tuple[str, ...] = (),
        problems: tuple[Problem, ...] = (),
        **image_only: Any,
    ) -> tuple[Plan, Registration]:
        known, request = self.known, self.request
        payload = await self._payload(code, content_hash)
        registration = Registration(
            project=self._project,
            wanted=payload,
            version=known.version,
            current=known.payload,
            base=known.last.payload if known.last is not None else None,
            said=said_paths(self.settled.resolved.settings),
            same_code=known.same_code,
        )
        merged = registration.merged()
        chosen = lane
        if lane.lane is Lane.NOTHING and (merged.fields or registration.moves):
            chosen = _Lane(Lane.UPDATE, _what_changes(registration))
        plan = Plan(
            flow=request.flow,
            loaded=self.loaded,
            project=registration.project,
            project_exists=True if known.asked else None,
            lane=chosen.lane,
            reasons=(chosen.reason, *notes),
            settings=self._shown_settings(),
            options=self.settled.resolved.options,
            execution=self.settled.resolved.execution,
            attachment=None,
            content_hash=content_hash,
            storage=self.settled.storage,
            current=known.version,
            problems=(*self._problems(), *self.settled.declared.problems, *problems),
            payload=payload,
            fields=merged.fields,
            changes=merged.changes if known.payload is not None else None,
            **image_only,
        )
        return plan, registration

    async def _payload(self, code: Code, content_hash: str) -> JsonObject:
        options = self.settled.resolved.deployment
        last = self.known.last
        before = items(last.payload.get("schedules")) if last is not None else []
        where = self._where("schedules")
        schedules = with_slugs(to_wire(options.schedules or (), where=where), before)
        registered = str((self.known.payload or {}).get("version") or "")
        # A commit that changes nothing of the flow is no news of it.
        commit = None
        if options.version is None and not is_of(registered, content_hash):
            commit = await self._commit()
            version = version_of(content_hash, commit)
        else:
            version = options.version or registered
            commit = await self._commit() if self.known.payload is None else None
        return payload_of(
            self.loaded,
            options,
            code,
            name=name_of(self.request.flow, self.loaded),
            schedules=schedules,
            version=version,
            commit=commit,
            project=self._project,
        )

    async def _commit(self) -> Commit | None:
        return await commit_of(self.request.root, list(map(str, self.tree.files.values())))

    def _pull_steps(self, folder: str) -> tuple[JsonObject, ...]:
        own = self.settled.resolved.deployment.pull_steps
        return own if own is not None else ({SET_FOLDER: {"directory": folder}},)

    @property
    def _project(self) -> str:
        """A deployment that no setting gives a project stays where it is."""
        version = self.known.version
        return self.settled.resolved.project or (version.project if version is not None else "")

    async def _local_lane(self, stored: snapshot.Snapshot) -> _Lane:
        if self.request.force:
            return _Lane(Lane.LOCAL, _FORCED)
        whole = await asyncio.to_thread(snapshot.is_stored, stored)
        made = await asyncio.to_thread(self.request.memory.made_from, stored.content_hash)
        if self._registered(stored.content_hash):
            if whole:
                return _Lane(Lane.NOTHING, self._unchanged)
            return _Lane(Lane.LOCAL, f"its stored files are gone: {stored.folder}")
        if made and whole and not stored.in_place:
            return _Lane(Lane.REGISTER, "exactly this was stored and checked before")
        return _Lane(Lane.LOCAL, self._difference)

    async def _image_lane(
        self, recipe: ImageRecipe, engine: Engine | None, registry: Registry | None
    ) -> _Lane:
        if self.request.force:
            return _Lane(Lane.IMAGE, _FORCED)
        registered = self._registered(recipe.content_hash)
        made = await asyncio.to_thread(self.request.memory.made_from, recipe.content_hash)
        earlier = next((each for each in made if _image_of(each.payload)), None)
        last = self.known.last
        source = last.payload if registered and last is not None else self.known.payload
        image = _image_of(source) if registered else None
        if image is None and earlier is not None:
            image = _image_of(earlier.payload)
        if image is None:
            return _Lane(Lane.IMAGE, self._difference)
        if not await _is_there(image, engine, registry, pushed=self._is_pushed):
            place = "registry" if self._is_pushed else "engine"
            return _Lane(Lane.IMAGE, f"its image is gone from the {place}")
        if registered:
            return _Lane(Lane.NOTHING, self._unchanged, image)
        return _Lane(Lane.REGISTER, "exactly this was built and checked before", image)

    def _registered(self, content_hash: str) -> bool:
        """Whether what is registered was made from this content."""
        known = self.known
        if known.payload is None:
            return False
        if known.last is not None and known.same_code:
            return known.last.content_hash == content_hash
        return is_of(str(known.payload.get("version") or ""), content_hash)

    @property
    def _unchanged(self) -> str:
        version = self.known.version
        words = version.words if version is not None else "the deployment"
        return f"{words} was made from exactly this input"

    @property
    def _difference(self) -> str:
        known = self.known
        if not known.asked:
            return "the control plane was not asked: what is registered is not known"
        if known.version is None:
            return "it was never deployed"
        if not known.same_code:
            return f"{known.version.words} was deployed from elsewhere"
        return f"sources, dependencies or settings differ from {known.version.words}"

    @property
    def _is_pushed(self) -> bool:
        return self.settled.resolved.options.registry_url is not None

    @property
    def _code_folder(self) -> str:
        return f"{CODE_FOLDERS}/{slug(self.request.root.resolve().name or 'project')}"

    def _decides(self) -> dict[str, Any]:
        """What else decides how the flow runs, beside its files and the image."""
        interpreter = self.loaded.interpreter
        own = self.settled.resolved.deployment.pull_steps
        return {
            "entrypoint": self.entrypoint,
            "pull_steps": list(own) if own is not None else None,
            "versions": [interpreter.python_minor, interpreter.prefect_version],
            "roots": list(self.tree.import_roots),
        }

    def _spec(self) -> ImageSpec:
        options, loaded = self.settled.resolved.options, self.loaded
        prefect = options.prefect_version or loaded.interpreter.prefect_version or ""
        python = loaded.interpreter.python_minor
        cloudpickle = loaded.interpreter.cloudpickle_version or ""
        needed = [f"prefect=={prefect}", *pins_for(prefect, python)]
        if cloudpickle:
            needed.append(f"cloudpickle=={cloudpickle}")
        return ImageSpec(
            flow_name=loaded.name,
            project_root=self.request.root,
            python_minor=python,
            prefect_version=prefect,
            cloudpickle_version=cloudpickle,
            base_image=options.base_image,
            dockerfile=options.dockerfile,
            python_dependencies=with_needed(tuple(needed), options.python_dependencies or ()),
            env_vars=options.env_vars or {},
            build_args=options.build_args or {},
            extra_dockerfile_commands=options.extra_dockerfile_commands or (),
            files=options.files or {},
            code_folder=self._code_folder,
            tree=self.tree.files,
            import_roots=self.tree.import_roots,
        )

    async def _base_identity(self, engine: Engine | None) -> str | None:
        options = self.settled.resolved.options
        if engine is None or options.base_image is None or options.dockerfile is not None:
            return None
        found = await engine.image(options.base_image)
        return found.id if found is not None else None

    def _salt(self) -> str:
        return self.request.salt or (secrets.token_hex(8) if self.request.force else "")

    def _problems(self) -> tuple[Problem, ...]:
        found: list[Problem] = []
        if self.settled.pool is not None:
            queue = self.settled.resolved.deployment.work_queue
            found += work_pool.problems(self.settled.pool, queue)
        named = mapping(self.settled.resolved.deployment.job_variables).get("image")
        if named and self.settled.storage is StorageKind.DOCKER:
            found.append(
                Problem(
                    f"the job variable image ({named}) is replaced by the image that is built",
                    self._where("job_variables"),
                    "take it away, or set base_image to build on it",
                )
            )
        if self.settled.in_place and not self.settled.fetched:
            found.append(
                Problem(
                    "runs take the project's own files: what is edited after this runs unchecked",
                    str(self.request.root),
                    "take `in_place` away: a run then takes the copy that was checked",
                )
            )
        return tuple(found)

    def _shown_settings(self) -> tuple[Setting, ...]:
        """The settings that count for this storage, with the modules that go along."""
        hidden = _LOCAL_ONLY if self.settled.storage is StorageKind.DOCKER else _DOCKER_ONLY
        hidden = hidden | EXECUTION_SETTINGS
        modules = [module.name for module in self.loaded.modules if module.path]
        along = Setting("modules", modules, Origin.INFERRED, "the project's own, as imported")
        shown = tuple(each for each in self.settled.resolved.settings if each.name not in hidden)
        return (*shown, *((along,) if modules else ()))

    def _where(self, name: str) -> str:
        found = next((each for each in self.settled.resolved.settings if each.name == name), None)
        return (found.detail or str(found.origin)) if found is not None else name


def _image_of(payload: JsonObject | None) -> str | None:
    image = mapping((payload or {}).get("job_variables")).get("image")
    return str(image) if image else None


def by_digest(image: str, digest: str) -> str:
    """`registry/name@sha256:…` of `registry/name:tag`."""
    return f"{ImageReference.parse(image).name}@{digest}"


async def _is_there(
    image: str, engine: Engine | None, registry: Registry | None, *, pushed: bool
) -> bool:
    """Whether the image can still be had; where nobody can be asked it is taken to be there."""
    if pushed and registry is not None:
        reference = ImageReference.parse(image)
        found = await registry.manifest_digest(reference.repository, reference.version)
        return found is not None
    if not pushed and engine is not None:
        return await engine.image(image) is not None
    return True


def _what_changes(registration: Registration) -> str:
    names = [_in_words(change) for change in sent(registration.merged().changes)]
    if registration.moves:
        names.insert(0, "the project")
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"nothing that runs has changed, but {shown}"


def _in_words(change: Change) -> str:
    """`description`, `the schedule night`, `the tag eu`."""
    kind = _KINDS.get(change.aspect)
    return f"the {kind} {change.name}" if kind and change.name != change.field else change.name


def _entrypoint(request: PlanRequest, loaded: LoadedFlow, settled: Settled) -> str:
    """As declared; else the file and the function, by module where the file needs its package."""
    declared = settled.resolved.deployment.entrypoint
    if declared:
        return declared
    told = loaded.serialized
    module = str(told.get("module_entrypoint") or "")
    if module and _imports_relatively(request.root, request.flow):
        return module
    found = str(told.get("entrypoint") or "")
    if not found:
        raise UsageError("the flow has no entrypoint", where=request.flow.target)
    return found


def _imports_relatively(root: Path, flow: LocalFlow) -> bool:
    return any(statement.level for statement in imports_of(root / flow.path))


def renewed(registration: Registration, payload: JsonObject | None) -> Registration:
    """With what the server has now, which may be more than it was when the deploy began."""
    return replace(registration, current=payload) if payload is not None else registration
