"""The vocabulary of flowtui as small frozen data classes. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnosed cause with a fix: what is wrong, where, and what to do next."""

    what: str
    where: str = ""
    fix: str = ""


class FlowKind(StrEnum):
    """How a flow is written."""

    FLOW_OBJECT = "Flow"
    """Prefect 0.x and 1.x: `Flow("name")`."""
    FLOW_FUNCTION = "@flow"
    """Prefect 2 and 3: a function decorated with `@flow`."""


class FlowState(StrEnum):
    """How a flow on disk compares with what is registered of it."""

    UNKNOWN = "unknown"
    """No control plane answered yet."""
    NOT_DEPLOYED = "not deployed"
    UP_TO_DATE = "up to date"
    CHANGED = "changed"
    ELSEWHERE = "deployed elsewhere"
    """Registered, but not from this machine: no record of its sources to compare with."""
    BROKEN = "broken"
    DELETED = "deleted"
    """Registered from this folder, where it is not on disk any more."""


class StorageKind(StrEnum):
    DOCKER = "docker"
    LOCAL = "local"


class Origin(StrEnum):
    """Where a setting's value came from, strongest first."""

    COMMAND_LINE = "command line"
    FLOW_TABLE = "flow's table in the project file"
    PROJECT_FILE = "project file"
    ENVIRONMENT = "environment"
    USER_FILE = "user configuration"
    DECLARATION = "declared in the project"
    """A deployment in prefect.yaml, or a call of `.deploy(…)`, `.serve(…)`, `.to_deployment(…)`."""
    FLOW_OBJECT = "the flow's own object"
    INFERRED = "inferred"
    DEFAULT = "default"


DEFAULT_DEPLOYMENT = "default"
"""Name of the deployment of a `@flow` for which the project declares none."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A deployment that the project itself declares for a flow of Prefect 2 or 3.

    Read from `deployments:` of a prefect.yaml and from calls of `.deploy(…)`, `.serve(…)` and
    `.to_deployment(…)`, without running anything.
    """

    name: str
    where: str
    """For example `prefect.yaml:12` or `flows/etl.py:40 .deploy(…)`."""
    values: JsonObject = field(default_factory=dict[str, "Json"], hash=False)
    """What it says, under the names of prefect.yaml: `entrypoint`, `version`, `tags`,
    `description`, `parameters`, `schedules`, `concurrency_limit`, `enforce_parameter_schema`,
    `paused`, `work_pool: {name, work_queue_name, job_variables}`, `build`, `push`, `pull`, …

    Of a call also `image`: `"name:tag"`, or `{name, tag, dockerfile}` of a `DockerImage`."""
    dynamic: tuple[str, ...] = ()
    """Names of values that only running the file tells; the loaded flow has them. `name` among
    them: the name is not known before, and its source stands for it in angle brackets."""
    path: str = ""
    """The file that says so, relative to the project root."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class LocalFlow:
    """A flow found on disk without importing it: what one deploy deploys.

    A `@flow` with several declared deployments is found once for each of them.
    """

    path: str
    """Relative to the project root, with forward slashes."""
    line: int
    """1-based line of the `Flow(...)` call or of the decorated `def`."""
    name: str | None
    """None when the name is not a literal; it is resolved when the flow is loaded."""
    kind: FlowKind
    variable: str | None = None
    """The Python name the flow is bound to, where there is one."""
    expression: str = ""
    """Source text of a dynamic name."""
    function: str | None = None
    """The function that makes the flow when it is called; None for a flow at module level."""
    deployment: str = ""
    """Prefect 2 and 3: the deployment's name. Empty for earlier Prefects, which have none."""
    declared: Declaration | None = None
    """Where the project declares that deployment; None where it has none of its own."""

    @property
    def display_name(self) -> str:
        """The flow's name; `flow/deployment` where the project declares a deployment."""
        name = self.name if self.name is not None else f"<{self.expression or 'dynamic'}>"
        return f"{name}/{self.deployment}" if self.declared is not None else name

    @property
    def target(self) -> str:
        """What `flowtui deploy` takes for exactly this flow."""
        target = f"{self.path}:{self.name or self.variable or f'line {self.line}'}"
        return f"{target}/{self.deployment}" if self.declared is not None else target


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file that mentions Prefect but does not parse, or one thing in a file that does."""

    path: str
    line: int
    column: int
    message: str
    subject: str = ""
    """What in the file it is about: a flow, or a deployment of a prefect.yaml. Empty: all of it."""

    @property
    def words(self) -> str:
        """`flows/etl.py does not parse: …`, `nightly in prefect.yaml: …`."""
        if self.subject:
            return f"{self.subject} in {self.path}: {self.message}"
        return f"{self.path} does not parse: {self.message}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one walk over a project folder found, sorted by path and line."""

    root: str
    flows: tuple[LocalFlow, ...] = ()
    broken: tuple[BrokenFile, ...] = ()
    files_seen: int = 0


@dataclass(frozen=True, slots=True)
class LocalModule:
    """A module of the project that a flow imports."""

    name: str
    """Dotted import name, for example `helpers.dates`."""
    path: str
    """Absolute path of its file (for packages the `__init__.py`; empty for a namespace package)."""


@dataclass(frozen=True, slots=True)
class Package:
    """An installed distribution that a flow imports."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The project's Python, as it told about itself."""

    executable: str
    python_version: str
    """Full version, for example `3.11.7`."""
    prefect_version: str | None
    cloudpickle_version: str | None
    origin: str = ""
    """Why this one: `configured`, `.venv`, `active virtualenv`, …"""

    @property
    def python_minor(self) -> str:
        return ".".join(self.python_version.split(".")[:2])


@dataclass(frozen=True, slots=True)
class LoadedFlow:
    """A flow as its own Prefect sees it, reported by the worker as JSON."""

    name: str
    interpreter: Interpreter
    serialized: JsonObject
    """`flow.serialize()` of the flow's own Prefect, with the attached storage if there is one.

    Of a `@flow`, which Prefect 2 and 3 do not serialize: `name`, `entrypoint` (`file.py:function`,
    `file.py:Class.method`), `module_entrypoint` (`package.module.function`, empty where there is
    none), `description`, `version`, `is_async`, and `parameter_openapi_schema` as that very Prefect
    computes it."""
    storage: JsonObject | None
    """Public attributes of the flow's own `storage=`, under Prefect's keyword names; key `type`."""
    environment: JsonObject | None
    """The serialized execution environment the flow's author set (Prefect < 1.0)."""
    run_config: JsonObject | None
    """The serialized run config the flow's author set (Prefect >= 0.13)."""
    executor: str | None
    """Dotted path of the executor the flow's author gave: to the flow, or to its environment."""
    modules: tuple[LocalModule, ...]
    packages: tuple[Package, ...]
    executor_kwargs: JsonObject | None = None
    """Its arguments, as far as they are JSON and its class is Prefect's own."""
    executors: tuple[str, ...] = ()
    """Dotted paths of the executor classes that this Prefect has."""
    executor_found: str | None = None
    """Dotted path, in this Prefect, of the executor that the settings name."""
    executor_in_force: str | None = None
    """Dotted path of the executor that a run of this very object uses; None where the settings of
    the process that runs it decide."""
    environment_replaced: str | None = None
    """Name of the author's environment in which the executor of the settings has no place."""
    log: tuple[str, ...] = ()
    """What the user's code printed while it was loaded."""
    project: str | None = None
    """Project named in the file's own `flow.deploy(…)` or `flow.register(…)`, which is ignored."""
    declared: Declaration | None = None
    """The flow's declaration with what only running the file tells filled in."""


@dataclass(frozen=True, slots=True)
class StorageOptions:
    """Keywords of Prefect's storage, all optional: None means "not set here".

    Names are Prefect's own (`prefect.storage.Docker`, union of 0.6.1 to 1.4.1), except
    `build_args`, which Prefect takes inside `build_kwargs`, and `in_place`.
    """

    type: StorageKind | None = None
    registry_url: str | None = None
    base_image: str | None = None
    dockerfile: str | None = None
    """Path of a Dockerfile, relative to the project root. Excludes `base_image`."""
    python_dependencies: tuple[str, ...] | None = None
    image_name: str | None = None
    image_tag: str | None = None
    env_vars: Mapping[str, str] | None = None
    files: Mapping[str, str] | None = None
    """From a path here (relative to the project root) to an absolute path in the image."""
    prefect_version: str | None = None
    local_image: bool | None = None
    """Do not pull the base image."""
    build_args: Mapping[str, str] | None = None
    extra_dockerfile_commands: tuple[str, ...] | None = None
    ignore_healthchecks: bool | None = None
    directory: str | None = None
    """Local storage only: the folder that flow files are stored under."""
    in_place: bool | None = None
    """Local storage of a deployment only: run the project's own files, no copy of them."""


@dataclass(frozen=True, slots=True)
class ExecutionOptions:
    """How a flow run is executed; None means "not set here"."""

    executor: str | None = None
    """Short name (see `flowtui.executors`) or dotted path of a Prefect executor class."""
    executor_kwargs: Mapping[str, Json] | None = None
    run_config: JsonObject | None = None
    """A run config as data: key `type` (UniversalRun, LocalRun, DockerRun, KubernetesRun) and its
    keyword arguments."""


@dataclass(frozen=True, slots=True)
class DeploymentOptions:
    """Of a deployment of Prefect 2 or 3, under Prefect's own names; None means "not set here"."""

    work_pool: str | None = None
    work_queue: str | None = None
    job_variables: JsonObject | None = None
    parameters: JsonObject | None = None
    schedules: tuple[JsonObject, ...] | None = None
    """As in prefect.yaml: `cron`, `interval` (seconds) or `rrule`, with `timezone`, `active`,
    `slug`, `parameters`, …"""
    tags: tuple[str, ...] | None = None
    description: str | None = None
    version: str | None = None
    """None: flowtui's own, content hash and commit."""
    paused: bool | None = None
    concurrency_limit: int | None = None
    concurrency_options: JsonObject | None = None
    """What happens to runs beyond the limit: `collision_strategy` (ENQUEUE or CANCEL_NEW), …"""
    enforce_parameter_schema: bool | None = None
    entrypoint: str | None = None
    """As a declaration says it; None: the file and the function that were found."""
    pull_steps: tuple[JsonObject, ...] | None = None
    """None: flowtui's own, which sets the working folder."""


@dataclass(frozen=True, slots=True)
class DeployTable:
    """One table of deploy settings: of the project, of one flow, or of the command line."""

    project: str | None = None
    storage: StorageOptions = StorageOptions()
    execution: ExecutionOptions = ExecutionOptions()
    """Prefect 0.6 to 1.4."""
    deployment: DeploymentOptions = DeploymentOptions()
    """Prefect 2 and 3."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What flowtui decided for a flow before it is serialized and pickled."""

    storage: JsonObject
    """Key `type` (Docker or Local), `path` (where the pickle will be) and the storage class's own
    keywords (`registry_url`, `image_name`, `image_tag`, `prefect_version`; `directory`)."""
    execution: ExecutionOptions = ExecutionOptions()
    source_dir: str | None = None
    """A folder put on `sys.path` when the pickle is loaded: Local storage's copy of the project's
    modules. Docker storage sets PYTHONPATH in the image instead."""


@dataclass(frozen=True, slots=True)
class PickledFlow:
    """A loaded flow with the storage that flowtui decided, ready for the image and the server."""

    loaded: LoadedFlow
    pickle: bytes = field(repr=False)
    """The file content that goes into the storage, in the format of the flow's own Prefect."""


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    name: str
    description: str = ""
    flow_count: int = 0


class Schedule(StrEnum):
    """Whether the control plane starts runs of a version by itself."""

    UNKNOWN = "unknown"
    """This API does not tell."""
    NONE = "no schedule"
    ACTIVE = "active"
    PAUSED = "paused"


def short_version(number: int | None, label: str = "") -> str:
    """`v3`; where versions are not numbered what they are called, which may be nothing."""
    return f"v{number}" if number else label


def version_in_words(number: int | None, label: str = "") -> str:
    """`version 3`, `version 4f2a9c1+ab12cd3`; empty where there is neither."""
    named = str(number) if number else label
    return f"version {named}" if named else ""


@dataclass(frozen=True, slots=True)
class FlowVersion:
    """What is registered of a flow: a version of it (Prefect 0.6 to 1.4), or a deployment (2, 3).

    A deployment is changed in place. What it was before is an archived version, known only to the
    history of the machine that deployed it, under the id `deployment id@deploy id`.
    """

    id: str
    name: str
    """The flow's name."""
    version: int
    """0 where the control plane does not number."""
    project: str
    """Name of the project it is registered in; empty for a deployment in none."""
    archived: bool
    created: datetime | None
    core_version: str
    storage: JsonObject | None = None
    schedule: Schedule = Schedule.UNKNOWN
    schedule_problem: str = ""
    """Why an active schedule starts no runs, where the control plane says."""
    deployment: str = ""
    """The deployment's name; empty where the control plane has none."""
    label: str = ""
    """A deployment's `version`, free text."""
    entrypoint: str = ""
    tags: tuple[str, ...] = ()
    """Of a deployment, without the one that names its project."""
    description: str = ""
    work_pool: str = ""
    work_queue: str = ""
    paused: bool = False
    updated: datetime | None = None

    @property
    def flow_name(self) -> str:
        """`flow/deployment`, or the flow's name where there are no deployments."""
        return f"{self.name}/{self.deployment}" if self.deployment else self.name

    @property
    def changed(self) -> datetime | None:
        """When it became what it is: registered, or changed in place."""
        return self.updated or self.created

    @property
    def short(self) -> str:
        """`v3`; a deployment's own version as it stands, or `registered` where it has none."""
        return short_version(self.version, self.label) or "registered"

    @property
    def number(self) -> str:
        """`3`, or what a deployment calls its version: for a column of versions."""
        return str(self.version) if self.version else self.label

    @property
    def words(self) -> str:
        """`version 3`, `version 4f2a9c1+ab12cd3`, or `the deployment` where it has no version."""
        return version_in_words(self.version, self.label) or "the deployment"

    @property
    def image(self) -> str | None:
        """`registry/name:tag` or `registry/name@digest` for Docker storage, None for every other.

        A deployment's storage has the key `image`, whole.
        """
        storage = self.storage or {}
        if storage.get("type") == "Docker" and isinstance(whole := storage.get("image"), str):
            return whole
        if storage.get("type") != "Docker" or not storage.get("image_name"):
            return None
        image = f"{storage['image_name']}:{storage.get('image_tag')}"
        return f"{storage['registry_url']}/{image}" if storage.get("registry_url") else image


@dataclass(frozen=True, slots=True)
class RegisteredDeployment:
    """A deployment of Prefect 2 or 3, and its payload in the form that `register` takes."""

    version: FlowVersion
    payload: JsonObject


class Ability(StrEnum):
    """What a control plane can do, in the words that say what it cannot."""

    CREATE_PROJECTS = "create projects"
    RENAME_PROJECTS = "rename projects"
    DESCRIBE_PROJECTS = "describe projects"
    DELETE_PROJECTS = "delete projects"
    MOVE_FLOWS = "move flows to another project"
    MOVE_VERSIONS = "move the earlier versions of a flow along with it"
    ARCHIVE_VERSIONS = "archive versions"
    SWITCH_SCHEDULES = "switch schedules on and off"
    RETURN_FLOWS = "return what is registered"
    """Of a version its whole serialization: what rolling back registers again."""
    TELL_RUNS = "tell which runs there were"
    TELL_PARAMETERS = "tell the parameters of a flow"
    START_RUNS = "start runs"
    CANCEL_RUNS = "cancel runs"
    TELL_RUN_DETAILS = "tell the task runs, states and log of a run"
    TELL_AGENTS = "tell which agents there are"
    REGISTER_FLOW_OBJECTS = "register flows of Prefect 0.6 to 1.4"
    REGISTER_DEPLOYMENTS = "register deployments of Prefect 2 and 3"
    CHANGE_IN_PLACE = "change what is registered in place"
    """A deploy changes single fields of it; what was before is kept by flowtui alone."""
    ANY_PROJECT = "take any project name"
    """A project is a tag: it is there as soon as something is in it."""
    DELETE_VERSIONS = "delete what is registered"
    TELL_WORK_POOLS = "tell which work pools there are"
    CREATE_WORK_POOLS = "create work pools"
    STREAM_RUN_CHANGES = "say at once when a run changes"


def ability_for(kind: FlowKind) -> Ability:
    """What a control plane must be able to do for flows of this kind."""
    if kind is FlowKind.FLOW_FUNCTION:
        return Ability.REGISTER_DEPLOYMENTS
    return Ability.REGISTER_FLOW_OBJECTS


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a control plane says we are, and what it is."""

    api_url: str
    """Where the API is: what a worker takes as PREFECT_API_URL. A profile's address may lack the
    `/api` of a `prefect server`."""
    server: str
    """For example `flowtui server 0.1.0`, `Prefect GraphQL API, camelCase (0.6)`,
    `Prefect 3.9.1`."""
    tenant: str = ""
    authenticated: bool = False
    abilities: frozenset[Ability] = frozenset()


@dataclass(frozen=True, slots=True)
class Profile:
    """One control plane. Its credentials are found by its address, never kept in here."""

    name: str
    api_url: str
    origin: Origin = Origin.DEFAULT
    ca_file: str | None = None
    """File with certificates to trust beside the system's own."""
