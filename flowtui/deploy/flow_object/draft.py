"""Decides the plan of a flow of Prefect 0.6 to 1.4."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

from flowtui.deploy import local_storage
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.image import prepare
from flowtui.deploy.docker.image_spec import ImageSpec, flow_path
from flowtui.deploy.docker.prefect_pins import dask_pins_for, pins_for
from flowtui.deploy.docker.registry import ImageReference, Registry
from flowtui.deploy.docker.requirements import with_needed
from flowtui.deploy.executor_problems import executor_problems
from flowtui.deploy.local_storage import LocalRecipe
from flowtui.deploy.plan import Lane, Plan, Setting
from flowtui.deploy.request import PlanRequest, Prepared
from flowtui.deploy.settings import DEPLOYMENT_SETTINGS, Resolved, attached_execution
from flowtui.deploy.slug import slug
from flowtui.errors import UsageError
from flowtui.models import (
    Attachment,
    FlowVersion,
    JsonObject,
    LoadedFlow,
    Origin,
    Problem,
    StorageKind,
    StorageOptions,
)

_LOCAL_ONLY = {"directory", "in_place"}
_DOCKER_ONLY = {field.name for field in fields(StorageOptions)} - {
    "type",
    "directory",
    "ignore_healthchecks",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What both kinds of storage need to decide."""

    request: PlanRequest
    loaded: LoadedFlow
    settled: Resolved
    project: str
    project_exists: bool | None
    versions: tuple[FlowVersion, ...]

    async def image(self, engine: Engine | None, registry: Registry | None) -> Prepared:
        options = self.settled.options
        if self.request.push and options.registry_url is None:
            raise UsageError(
                "Docker storage needs a registry to push to",
                where=self.request.flow.target,
                fix="set registry_url (--registry-url, flowtui.toml, or the flow's own storage), "
                "keep the image in this engine with --no-push, or use --storage local",
            )
        base = await self._base_identity(engine)
        recipe = await asyncio.to_thread(
            prepare,
            self._spec(),
            flow_sources=await asyncio.to_thread(self._flow_sources),
            base_identity=base or "",
            destination=self._destination(),
            settings=self._settings(),
            salt=self._salt(),
        )
        name, tag = options.image_name or slug(self.loaded.name), options.image_tag or recipe.tag
        where = options.registry_url
        image = f"{where.rstrip('/')}/{name}:{tag}" if where else f"{name}:{tag}"
        lane, reasons, earlier = await self._image_lane(image, tag == recipe.tag, registry)
        if base is None and options.dockerfile is None:
            reasons += ("the base image is not on this engine yet: with it the tag may change",)
        attachment = Attachment(
            storage={
                "type": "Docker",
                "path": flow_path(self.loaded.name),
                "registry_url": where,
                "image_name": name,
                "image_tag": tag,
                "prefect_version": options.prefect_version,
            },
            execution=attached_execution(self.settled),
        )
        plan = self._plan(
            lane,
            reasons,
            attachment,
            recipe.content_hash,
            earlier,
            StorageKind.DOCKER,
            image=image,
            dockerfile=recipe.dockerfile,
            context=recipe.summary(),
            problems=recipe.problems,
        )
        return Prepared(plan, image=recipe)

    async def local(self) -> Prepared:
        recipe = await asyncio.to_thread(
            local_storage.prepare,
            self.loaded,
            directory=self.settled.options.directory,
            project_root=self.request.root,
            flow_sources=await asyncio.to_thread(self._flow_sources),
            destination=self._destination(),
            settings=self._settings(),
            salt=self._salt(),
        )
        lane, reasons, earlier = await asyncio.to_thread(self._local_lane, recipe)
        attachment = Attachment(
            storage={
                "type": "Local",
                "path": str(recipe.pickle_path),
                "directory": str(recipe.folder),
            },
            execution=attached_execution(self.settled),
            source_dir=str(recipe.source_dir) if recipe.sources else None,
        )
        plan = self._plan(
            lane,
            reasons,
            attachment,
            recipe.content_hash,
            earlier,
            StorageKind.LOCAL,
        )
        return Prepared(plan, local=recipe)

    def _plan(
        self,
        lane: Lane,
        reasons: tuple[str, ...],
        attachment: Attachment,
        content_hash: str,
        earlier: FlowVersion | None,
        storage: StorageKind,
        problems: tuple[Problem, ...] = (),
        **image_only: Any,
    ) -> Plan:
        return Plan(
            flow=self.request.flow,
            loaded=self.loaded,
            project=self.project,
            project_exists=self.project_exists,
            lane=lane,
            reasons=reasons,
            settings=self._shown_settings(storage),
            options=self.settled.options,
            execution=self.settled.execution,
            attachment=attachment,
            content_hash=content_hash,
            storage=storage,
            current=self._current,
            earlier=earlier,
            problems=(
                *self._replaced_storage(storage),
                *executor_problems(self.loaded, self.settled, storage),
                *problems,
            ),
            **image_only,
        )

    def _shown_settings(self, storage: StorageKind) -> tuple[Setting, ...]:
        """The settings that count for this storage, with the modules that go along."""
        modules = [module.name for module in self.loaded.modules if module.path]
        along = Setting("modules", modules, Origin.INFERRED, "the project's own, as imported")
        own = (each for each in self.settled.settings if each.name not in DEPLOYMENT_SETTINGS)
        settings = (*own, *((along,) if modules else ()))
        if storage is StorageKind.DOCKER:
            return tuple(each for each in settings if each.name not in _LOCAL_ONLY)
        return tuple(setting for setting in settings if setting.name not in _DOCKER_ONLY)

    def _replaced_storage(self, storage: StorageKind) -> tuple[Problem, ...]:
        """A storage of the author's that flowtui does not deploy is never replaced in silence."""
        own = (self.loaded.storage or {}).get("type")
        if own in (None, "Docker", "Local"):
            return ()
        return (
            Problem(
                f"the flow's own {own} storage is replaced by {storage} storage",
                self.request.flow.target,
                "flowtui deploys Docker and Local storage; the setting `type` says which",
            ),
        )

    @property
    def _current(self) -> FlowVersion | None:
        return next((version for version in self.versions if not version.archived), None)

    @property
    def _never_deployed(self) -> str:
        if self.project_exists is None:
            return "the control plane was not asked: what is registered is not known"
        return f"it was never deployed to “{self.project}”"

    async def _image_lane(
        self, image: str, tag_is_hash: bool, registry: Registry | None
    ) -> tuple[Lane, tuple[str, ...], FlowVersion | None]:
        current = self._current
        if self.request.force:
            return Lane.IMAGE, ("--force: a new version is made whatever changed",), None
        if not self.versions:
            return Lane.IMAGE, (self._never_deployed,), None
        made = [version for version in self.versions if version.image == image and tag_is_hash]
        if not made and not tag_is_hash:
            reason = "image_tag is fixed by a setting, so the tag cannot tell what is in it"
            return Lane.IMAGE, (reason,), None
        if not made:
            return Lane.IMAGE, (self._difference(current),), None
        reference = ImageReference.parse(image)
        if (
            registry is not None
            and await registry.manifest_digest(reference.repository, reference.version) is None
        ):
            return Lane.IMAGE, ("its image is gone from the registry",), None
        return self._reuse(made[0], current)

    def _local_lane(self, recipe: LocalRecipe) -> tuple[Lane, tuple[str, ...], FlowVersion | None]:
        current = self._current
        if self.request.force:
            return Lane.LOCAL, ("--force: a new version is made whatever changed",), None
        if not self.versions:
            return Lane.LOCAL, (self._never_deployed,), None
        made = [
            (version, path)
            for version in self.versions
            if (path := _stored_at(version)) and local_storage.made_from(path, recipe.content_hash)
        ]
        if not made:
            return Lane.LOCAL, (self._difference(current),), None
        version, path = made[0]
        if not Path(path).exists():
            return Lane.LOCAL, (f"its stored file is gone: {path}",), None
        return self._reuse(version, current)

    def _reuse(
        self, made: FlowVersion, current: FlowVersion | None
    ) -> tuple[Lane, tuple[str, ...], FlowVersion | None]:
        if current is not None and made.id == current.id:
            reason = f"version {current.version} was made from exactly this input"
            return Lane.NOTHING, (reason,), None
        reason = f"archived version {made.version} was made from exactly this input"
        return Lane.REGISTER, (reason,), made

    def _difference(self, current: FlowVersion | None) -> str:
        if current is None:
            return "all of its versions are archived"
        return f"sources, dependencies or settings differ from version {current.version}"

    async def _base_identity(self, engine: Engine | None) -> str | None:
        base = self.settled.options.base_image
        if engine is None or base is None or self.settled.options.dockerfile is not None:
            return None
        found = await engine.image(base)
        return found.id if found is not None else None

    def _spec(self) -> ImageSpec:
        options, loaded = self.settled.options, self.loaded
        prefect = options.prefect_version or loaded.interpreter.prefect_version or ""
        python, cloudpickle = (
            loaded.interpreter.python_minor,
            loaded.interpreter.cloudpickle_version or "",
        )
        return ImageSpec(
            flow_name=loaded.name,
            project_root=self.request.root,
            python_minor=python,
            prefect_version=prefect,
            cloudpickle_version=cloudpickle,
            base_image=options.base_image,
            dockerfile=options.dockerfile,
            python_dependencies=with_needed(
                (
                    f"prefect=={prefect}",
                    f"cloudpickle=={cloudpickle}",
                    *pins_for(prefect, python),
                    *dask_pins_for(prefect, self.settled.execution),
                ),
                options.python_dependencies or (),
            ),
            env_vars=options.env_vars or {},
            build_args=options.build_args or {},
            extra_dockerfile_commands=options.extra_dockerfile_commands or (),
            files=options.files or {},
            modules=loaded.modules,
        )

    def _flow_sources(self) -> Mapping[str, bytes]:
        """Of the flow's own file, by path and name. Blocking. Raises UsageError."""
        path = self.request.flow.path
        try:
            content = (self.request.root / path).read_bytes()
        except OSError as error:
            raise UsageError(
                f"the flow's file cannot be read: {error.strerror}", where=path, fix="deploy again"
            ) from error
        return {f"{path}:{self.loaded.name}": content}

    def _salt(self) -> str:
        """With `force` nothing made before has this hash, unless a deploy is gone on with."""
        return self.request.salt or (secrets.token_hex(8) if self.request.force else "")

    def _destination(self) -> str:
        return f"{self.request.profile.api_url} {self.project}"

    def _settings(self) -> JsonObject:
        """Settings that reach the serialization or the push without standing in the Dockerfile."""
        options = self.settled.options
        return cast(
            JsonObject,
            {
                "execution": asdict(self.settled.execution),
                "registry_url": options.registry_url,
                "image_name": options.image_name,
                "push": self.request.push,
                "directory": options.directory,
            },
        )


def _stored_at(version: FlowVersion) -> str | None:
    """Where a Local storage version's pickle is."""
    storage: Mapping[str, Any] = version.storage or {}
    if storage.get("type") != "Local":
        return None
    flows: Mapping[str, str] = storage.get("flows") or {}
    return flows.get(version.name)
