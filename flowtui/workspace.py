"""One project folder seen against one control plane: what the TUI and the command line share."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from flowtui import addresses
from flowtui.api.base import ControlPlane
from flowtui.config import ProjectConfig, find_root, load_project, load_user, resolve_profile
from flowtui.deploy.checkpoint import Checkpoint
from flowtui.deploy.events import DeployFinished, Event, Outcome, Stage, problem_found
from flowtui.deploy.history import INTERRUPTED, RUNNING, History, Recorder
from flowtui.deploy.uncancelled import uncancelled
from flowtui.errors import ControlPlaneError, CredentialsError, FlowtuiError, UsageError
from flowtui.flow_rows import FlowRow, Folder, Registered, flow_rows
from flowtui.models import (
    Ability,
    DeployTable,
    Discovery,
    ExecutionOptions,
    FlowVersion,
    Identity,
    JsonObject,
    LocalFlow,
    Origin,
    Problem,
    Profile,
    StorageKind,
)

if TYPE_CHECKING:
    from flowtui.api.opening import Connect
    from flowtui.api.rest.cloud import CloudWorkspace
    from flowtui.credentials import Credential, CredentialStore, Secret
    from flowtui.deploy.change import Changes
    from flowtui.deploy.docker.reachability import EngineStatus, RegistryStatus
    from flowtui.deploy.pipeline import Deployer
    from flowtui.deploy.plan import Plan
    from flowtui.deploy.rolling_back import WayBack
    from flowtui.deploy.together import Together
    from flowtui.run_models import NewWorkPool


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A deploy that did not end well, and where it can be gone on from."""

    flow: LocalFlow
    """As it is on disk now."""
    checkpoint: Checkpoint

    @property
    def stage(self) -> Stage:
        """The first stage that has to run."""
        return self.checkpoint.next_stage


class Workspace:
    """A project folder, its settings, one profile, and the control plane behind it."""

    def __init__(
        self, root: Path, *, config: ProjectConfig, profile: Profile, scope: str = "."
    ) -> None:
        self.root = root
        self.scope = scope
        self.config = config
        self.profile = profile
        self.history = History()
        self.interrupted = False
        """Set when the process has to end now: what is cancelled from then on is not recorded as
        cancelled by anybody, and shows as interrupted."""
        self._control_plane: ControlPlane | None = None
        self._identity: Identity | None = None
        self._credential: Credential | None = None
        self._credentials: CredentialStore | None = None

    @classmethod
    async def open(
        cls, path: Path, *, profile: str | None = None, api_url: str | None = None
    ) -> Workspace:
        """Read the project file and the user's profiles. Raises UsageError for a bad one.

        No network and no keyring is touched: `connect` does that. The root is the nearest folder
        with a project file, at or above the one given; only flows in the one given are shown.
        """

        def read() -> Workspace:
            folder = path.resolve()
            root = find_root(folder)
            config = load_project(root)
            chosen = resolve_profile(
                load_user(), config, profile=profile, api_url=api_url, environ=os.environ
            )
            scope = folder.relative_to(root).as_posix()
            return cls(root, config=config, profile=chosen, scope=scope)

        return await asyncio.to_thread(read)

    @property
    def credentials(self) -> CredentialStore:
        """Where tokens are found and kept; the session's own tokens live as long as this object."""
        if self._credentials is None:
            from flowtui.credentials import CredentialStore

            self._credentials = CredentialStore()
        return self._credentials

    def use(self, profile: Profile, credentials: CredentialStore | None = None) -> Workspace:
        """The same folder against another control plane, sharing this session's tokens."""
        other = Workspace(self.root, config=self.config, profile=profile, scope=self.scope)
        other._credentials = credentials or self._credentials
        return other

    async def check_token(self, secret: Secret | None) -> Identity:
        """Ask the control plane whether it takes this token, without keeping or using it.

        With None, whether it wants one. What is connected stays so. Raises CredentialsError when
        it does not, ControlPlaneError when it does not answer.
        """
        control_plane, identity = await self._reach(secret)
        await control_plane.close()
        return identity

    @property
    def cloud(self) -> str:
        """The Prefect Cloud that the profile's workspace is in, or Prefect's own."""
        address = self.profile.api_url
        return addresses.cloud_of(address) if self.in_cloud else addresses.prefect_cloud()

    @property
    def in_cloud(self) -> bool:
        return addresses.is_cloud(self.profile.api_url)

    async def cloud_workspaces(self, secret: Secret | None = None) -> tuple[CloudWorkspace, ...]:
        """The workspaces there that a key may see; without one given, with the key that is kept.

        Raises CredentialsError for a key that is not taken, or none.
        """
        from flowtui.api.rest.cloud import workspaces

        if secret is None:
            known = await self.credentials.find(
                self.profile.api_url if self.in_cloud else self.cloud
            )
            secret = known.secret if known is not None else None
        ca_file = ca_file_of(self.profile) if self.in_cloud else None
        return await workspaces(self.cloud, secret, ca_file=ca_file)

    async def connect(self) -> Identity:
        """Find the token, reach the control plane. Raises ControlPlaneError, CredentialsError.

        What is connected can be used until then; where it cannot be reached again, nothing is.
        """
        self._credential = await self.credentials.find(self.profile.api_url)
        try:
            reached, identity = await self._reach_anyhow()
        except FlowtuiError as error:
            await self._disconnect()
            if isinstance(error, CredentialsError):
                raise _with_notes(error, self.credentials.notes) from error
            raise
        before, self._control_plane, self._identity = self._control_plane, reached, identity
        if before is not None:
            await before.close()
        return identity

    async def _reach_anyhow(self) -> tuple[ControlPlane, Identity]:
        try:
            return await self._reach(self.secret)
        except CredentialsError:
            if self._credential is not None:
                raise
            self._credential = await self.credentials.find(self.profile.api_url, everywhere=True)
            if self._credential is None:
                raise
        return await self._reach(self.secret)

    async def _reach(self, secret: Secret | None) -> tuple[ControlPlane, Identity]:
        # In a thread: both kinds of control plane are imported, and the app goes on meanwhile.
        connect = await asyncio.to_thread(_connect)
        return await connect(self.profile.api_url, secret, ca_file=ca_file_of(self.profile))

    @property
    def connected(self) -> bool:
        return self._control_plane is not None

    @property
    def control_plane(self) -> ControlPlane:
        """The control plane after `connect`. Raises ControlPlaneError before it."""
        if self._control_plane is None:
            raise self._not_connected()
        return self._control_plane

    def _not_connected(self) -> ControlPlaneError:
        return ControlPlaneError(
            "not connected to a control plane",
            where=self.profile.api_url,
            fix="connect first; `flowtui whoami` shows what stands in the way",
        )

    @property
    def identity(self) -> Identity:
        """What the control plane said. Raises ControlPlaneError before `connect`."""
        if self._identity is None:
            raise self._not_connected()
        return self._identity

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the control plane can do; nothing before `connect`."""
        return self._identity.abilities if self._identity is not None else frozenset()

    @property
    def api_base(self) -> str:
        """The address that Prefect's own clients are given: of the API itself, once connected."""
        return self._identity.api_url if self._identity is not None else self.profile.api_url

    @property
    def token_source(self) -> str:
        """Where the token in use came from, in words; `none` when no token is used."""
        if self._credential is None:
            return "none"
        detail = f" ({self._credential.detail})" if self._credential.detail else ""
        return f"{self._credential.source}{detail}"

    @property
    def secret(self) -> Secret | None:
        """The token in use, None when no token is used."""
        return self._credential.secret if self._credential is not None else None

    def discover(self) -> Discovery:
        """Walk the folder. Blocking, imports nothing of the user's: run it in a thread."""
        from flowtui.source.discovery import discover

        found = discover(self.root, exclude=self.config.exclude)
        if self.scope == ".":
            return found
        inside = f"{self.scope}/"
        return replace(
            found,
            flows=tuple(flow for flow in found.flows if flow.path.startswith(inside)),
            broken=tuple(file for file in found.broken if file.path.startswith(inside)),
        )

    def read_settings_again(self) -> None:
        """The project file as it is now. Blocking. Raises UsageError, and keeps what it had."""
        self.config = load_project(self.root)

    def choose_executor(self, flow: LocalFlow, chosen: ExecutionOptions | None) -> Path:
        """Write an executor into the flow's table of the project file, None takes it out; returns
        the file. Blocking. Raises UsageError."""
        from flowtui import project_file

        file = project_file.choose_executor(self.root, _table_of(flow), chosen)
        self.read_settings_again()
        return file

    def choose_work_pool(self, flow: LocalFlow, pool: str) -> Path:
        """Write the work pool of its deployment into the flow's table of the project file; returns
        the file. Blocking. Raises UsageError."""
        from flowtui import project_file

        file = project_file.choose_work_pool(self.root, _table_of(flow), pool)
        self.read_settings_again()
        return file

    def executor_of(self, flow: LocalFlow) -> tuple[ExecutionOptions, Origin | None]:
        """The executor that the project file gives this flow, and which table of it; None where
        neither does."""
        from flowtui.deploy.settings import Layer, execution_of

        own = self.config.tables_of(flow.name, flow.deployment)
        layers = [Layer(Origin.FLOW_TABLE, table) for _, table in own]
        layers.append(Layer(Origin.PROJECT_FILE, self.config.table))
        named = (each.origin for each in layers if each.table.execution.executor is not None)
        return execution_of(layers), next(named, None)

    def project_of(self, flow: LocalFlow) -> str | None:
        """The project that the settings say this flow goes to, None if they say nothing."""
        return self.config.project_of(flow.name, flow.deployment)

    def fingerprint(self, flow: LocalFlow) -> str:
        """Hash of everything on disk that a deploy of this flow depends on. Blocking."""
        return self._fingerprint(flow, self.sources(flow))

    def sources(self, flow: LocalFlow) -> dict[str, bytes]:
        """The files of this project that a deploy of this flow depends on. Blocking."""
        from flowtui.source.closure import closure_sources, declaration_source

        return closure_sources(self.root, flow.path) | declaration_source(self.root, flow.declared)

    def _fingerprint(self, flow: LocalFlow, sources: Mapping[str, bytes]) -> str:
        from flowtui.source.closure import fingerprint_of

        own = self.config.tables_of(flow.name, flow.deployment)
        table = own[0][1] if len(own) == 1 else own or None
        parts = (
            fingerprint_of(sources),
            flow.display_name,
            repr(self.config.table),
            repr(table),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    async def rows(self, discovery: Discovery) -> tuple[FlowRow, ...]:
        """Every flow and broken file with its state; asks the control plane once, if connected."""
        versions: tuple[FlowVersion, ...] | None = None
        if self._control_plane is not None:
            versions = await self._control_plane.flow_versions()
        return await asyncio.to_thread(self._rows, discovery, versions)

    def _rows(
        self, discovery: Discovery, versions: tuple[FlowVersion, ...] | None
    ) -> tuple[FlowRow, ...]:
        folder = Folder(str(self.root), self.scope, self.project_of, self.fingerprint)
        if versions is None:
            return flow_rows(folder, discovery, None)
        records = self.history.by_version([version.id for version in versions])
        return flow_rows(folder, discovery, Registered(versions, records, self.abilities))

    def watch(
        self, notice: Callable[[Problem], None] | None = None
    ) -> AsyncIterator[frozenset[str]]:
        """Sets of changed paths, relative to the root, until cancelled.

        `notice` is told why, where the folder is looked at again and again instead.
        """
        from flowtui.source.watcher import watch

        return watch(self.root, exclude=self.config.exclude, notice=notice)

    @property
    def registry_url(self) -> str | None:
        """The registry that the project file names, None where every flow names its own."""
        return self.config.table.storage.registry_url

    @property
    def needs_engine(self) -> bool:
        """False where the project file says that flows are stored without an image."""
        return self.config.table.storage.type is not StorageKind.LOCAL

    async def engine_status(self) -> EngineStatus:
        """Whether the engine that a deploy would use answers. Raises nothing."""
        from flowtui.deploy.docker.reachability import engine_status

        return await engine_status()

    async def registry_status(self, registry_url: str) -> RegistryStatus:
        """Whether a registry answers. Raises nothing; no credential is read."""
        from flowtui.deploy.docker.reachability import registry_status

        return await registry_status(registry_url)

    def changes(
        self,
        flow: LocalFlow,
        version: FlowVersion,
        *,
        serialized: JsonObject | None,
        plan: Plan | None,
    ) -> Changes:
        """What a deploy of this flow would change of a registered version. Blocking.

        `serialized` is what the control plane gave back of it, `plan` what the flow is here: what
        is not known is said to be unknown. Nothing is loaded, built or asked.
        """
        from flowtui.deploy.changes import Local, compare

        known = self.history.registered(version.id)
        registered = replace(known, serialized=serialized, storage=version.storage)
        try:
            sources = self.sources(flow)
        except OSError:
            sources = None
        return compare(registered, Local(sources, plan))

    async def plan(
        self,
        flow: LocalFlow,
        overrides: DeployTable | None = None,
        *,
        force: bool = False,
        push: bool = True,
        new_pool: NewWorkPool | None = None,
    ) -> Plan:
        """What a deploy of this flow would do and change, as far as it can be known.

        Loads the flow in the project's interpreter.
        """
        deployer = self._deployer()
        plan = await deployer.plan(
            flow, overrides or DeployTable(), force=force, push=push, new_pool=new_pool
        )
        if plan.current is None:
            return plan
        if plan.changes is not None:
            return await asyncio.to_thread(self._with_sources, flow, plan, plan.current)
        serialized = await self.control_plane.serialized_flow(plan.current.id)
        changes = await asyncio.to_thread(
            self.changes, flow, plan.current, serialized=serialized, plan=plan
        )
        return replace(plan, changes=changes)

    def _with_sources(self, flow: LocalFlow, plan: Plan, current: FlowVersion) -> Plan:
        """Beside the fields of a deployment what differs in what it is made of. Blocking."""
        from flowtui.deploy.change import Aspect, Changes

        made_of = (Aspect.SOURCES, Aspect.DEPENDENCIES)
        other = self.changes(flow, current, serialized=None, plan=plan)
        fields = plan.changes or Changes()
        changes = Changes(
            (*(each for each in other.found if each.aspect in made_of), *fields.found),
            (*(each for each in other.unknown if each.aspect in made_of), *fields.unknown),
            (*(each for each in other.same if each in made_of), *fields.same),
        )
        return replace(plan, changes=changes)

    async def deploy(
        self,
        flow: LocalFlow,
        emit: Callable[[Event], None],
        overrides: DeployTable | None = None,
        *,
        force: bool = False,
        push: bool = True,
        create_project: bool = False,
        together: Together | None = None,
        new_pool: NewWorkPool | None = None,
    ) -> DeployFinished:
        """Run all stages, emitting events; the last one is what is returned.

        `together` is the same for all deploys that are made at once.

        A failure is an outcome, not an exception. Cancel the task to cancel the deploy: it cleans
        up, emits `DeployFinished` with outcome cancelled, then raises CancelledError.
        """
        deployer = self._deployer()

        async def work(record: Recorder, both: Callable[[Event], None]) -> DeployFinished:
            return await deployer.deploy(
                flow,
                both,
                overrides or DeployTable(),
                force=force,
                push=push,
                create_project=create_project,
                new_pool=new_pool,
                keep=record.keep,
                together=together,
            )

        return await self._recorded(flow, emit, work)

    def _deployer(self) -> Deployer:
        from flowtui.deploy.pipeline import Deployer

        return Deployer(
            self.root,
            self.config,
            self.profile,
            self._control_plane,
            abilities=self.abilities,
            memory=self.history,
        )

    async def _recorded(
        self,
        flow: LocalFlow,
        emit: Callable[[Event], None],
        work: Callable[[Recorder, Callable[[Event], None]], Awaitable[DeployFinished]],
    ) -> DeployFinished:
        """Do this deploy of the flow as it is on disk, and keep in the history what happens."""
        try:
            sources = await asyncio.to_thread(self.sources, flow)
        except OSError as error:
            raise UsageError(
                f"the flow's file cannot be read: {error.strerror}",
                where=str(self.root / flow.path),
                fix="flowtui flows shows what is there now",
            ) from error
        fingerprint = self._fingerprint(flow, sources)
        record = await asyncio.to_thread(self.history.recorder, self.root, fingerprint, sources)

        def both(event: Event) -> None:
            if not self.interrupted:
                record(event)
            emit(event)

        try:
            return await work(record, both)
        finally:
            # A full disk must not turn a deploy that was made into one that failed.
            unwritten = await uncancelled(asyncio.to_thread(record.close))
            if unwritten is not None:
                emit(problem_found(record.deploy, None, unwritten.problem))

    def resume_point(self, deploy: str) -> ResumePoint:
        """Where a deploy that did not end well can be gone on from. Blocking.

        `deploy` is its whole id. Raises UsageError that says why it cannot be.
        """
        record = self.history.find(deploy)
        if record is None:
            raise UsageError(f"there is no deploy {deploy}", fix="flowtui history lists them")
        checkpoint = self.history.checkpoint(deploy)
        flows = {flow.target: flow for flow in self.discover().flows}
        reason = ""
        if record.outcome not in (INTERRUPTED, Outcome.FAILED, Outcome.CANCELLED):
            reason = "it is still running" if record.outcome == RUNNING else "it ended well"
        elif record.root != str(self.root):
            reason = f"it was made in another folder: {record.root}"
        elif record.api_url != self.profile.api_url:
            reason = f"it was for another control plane: {record.api_url}"
        elif checkpoint is None:
            reason = "it ended before there was something to check, push or register"
        elif record.target not in flows:
            reason = f"its flow is gone: {record.target}"
        if reason or checkpoint is None:
            raise UsageError(
                f"deploy {deploy[:8]} of “{record.flow}” cannot be gone on with: {reason}",
                fix=f"deploy it anew: flowtui deploy {record.target}",
            )
        return ResumePoint(flows[record.target], checkpoint)

    async def why_not_resume(self, point: ResumePoint) -> tuple[Plan, tuple[str, ...]]:
        """The plan as it is now, and what differs from then, in words: nothing when it can be."""
        deployer = self._deployer()
        return await deployer.why_not_resume(point.flow, point.checkpoint)

    async def resume(self, point: ResumePoint, emit: Callable[[Event], None]) -> DeployFinished:
        """Go on from the stage that did not finish. Like `deploy` in all other respects.

        Where something differs from then, it says what, and everything is made anew.
        """
        deployer = self._deployer()

        async def work(record: Recorder, both: Callable[[Event], None]) -> DeployFinished:
            return await deployer.resume(point.flow, both, point.checkpoint, record.keep)

        return await self._recorded(point.flow, emit, work)

    async def versions(
        self, *, project: str | None = None, name: str | None = None, archived: bool = False
    ) -> tuple[FlowVersion, ...]:
        """What is registered, newest first; `archived`: what was registered earlier, too.

        `name` is a flow's; `flow/deployment` where there are deployments. Of those the control
        plane has one state only: what they were before is what was deployed from this machine.
        """
        if Ability.CHANGE_IN_PLACE not in self.abilities:
            return await self.control_plane.flow_versions(
                project=project, name=name, archived=archived
            )
        flow, _, deployment = (name or "").partition("/")
        all_ = await self.control_plane.flow_versions(project=project, name=flow or None)
        found = tuple(each for each in all_ if deployment in ("", each.deployment))
        if not archived:
            return found
        from flowtui.deploy.deployment.earlier import earlier_versions

        def with_earlier() -> tuple[FlowVersion, ...]:
            return tuple(
                each
                for version in found
                for each in (version, *earlier_versions(version, self.history.applied(version.id)))
            )

        return await asyncio.to_thread(with_earlier)

    async def way_back(self, version: FlowVersion, *, exactly: bool = False) -> WayBack:
        """What rolling back to this version would change; see `roll_back`."""
        from flowtui.deploy.rolling_back import RollingBack

        return await RollingBack(self.control_plane, self.history).way_back(
            version, exactly=exactly
        )

    async def roll_back(
        self,
        version: FlowVersion,
        emit: Callable[[Event], None],
        flow: LocalFlow | None = None,
        *,
        exactly: bool = False,
    ) -> DeployFinished:
        """Go back to an earlier version: register it again, or apply again what was applied then.

        `flow` is its source where it is in this folder: the history then knows it for the same.
        `exactly`: what was changed of a deployment elsewhere is undone too. Like `deploy` in all
        other respects.
        """
        from flowtui.deploy.rolling_back import RollingBack

        rolling_back = RollingBack(self.control_plane, self.history)
        earlier = await asyncio.to_thread(rolling_back.made_by, version)
        # What is on disk is not what is registered: its own sources decide how it compares later.
        fingerprint = (earlier.fingerprint if earlier is not None else None) or ""
        record = await asyncio.to_thread(self.history.recorder, self.root, fingerprint)

        def both(event: Event) -> None:
            if not self.interrupted:
                record(event)
            emit(event)

        target = flow.target if flow is not None else f":{version.flow_name}"
        try:
            return await rolling_back.run(
                version, both, record.keep, target=target, exactly=exactly
            )
        finally:
            unwritten = await uncancelled(asyncio.to_thread(record.close))
            if unwritten is not None:
                emit(problem_found(record.deploy, None, unwritten.problem))

    async def close(self) -> None:
        await self._disconnect()

    async def _disconnect(self) -> None:
        control_plane, self._control_plane = self._control_plane, None
        if control_plane is not None:
            await control_plane.close()


def _connect() -> Connect:
    from flowtui.api.opening import connect

    return connect


def _table_of(flow: LocalFlow) -> str:
    """The name of the flow's own table in the project file."""
    if flow.name is None:
        raise UsageError(
            "the flow's name is not known before it is loaded",
            where=flow.target,
            fix="write its table into the project file yourself, under its name",
        )
    return flow.display_name


def ca_file_of(profile: Profile) -> Path | None:
    """The profile's own certificate authority."""
    return Path(os.path.expanduser(profile.ca_file)) if profile.ca_file else None  # noqa: PTH111  (an unknown ~user is a file that is not there, not an error of its own)


def _with_notes(error: CredentialsError, notes: Sequence[str]) -> CredentialsError:
    """Why no token was found may be the whole story: a locked keyring, an unreadable file."""
    where = "\n".join([error.problem.where, *notes])
    return CredentialsError.of(replace(error.problem, where=where))
