"""Every key of the configuration files: its type, what it means, and the check of its value.

One table for all readers: `flowtui.config` and `flowtui.preferences` validate by it,
`docs/configuration.md` is written from it.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from flowtui import executors
from flowtui.errors import UsageError

Table: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of value, in words for a person, and the test for it."""

    words: str
    accepts: Callable[[Any], bool]


_LONGEST_SECONDS = 7 * 24 * 3600
_FASTEST_RATE = 30


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_seconds(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= _LONGEST_SECONDS


def _is_rate(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 1 <= value <= _FASTEST_RATE


def _is_text_or_texts(value: object) -> bool:
    return _is_text(value) or (_is_texts(value) and value != [])


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in cast("list[Any]", value))


def _is_text_table(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(item, str) for item in cast("dict[str, Any]", value).values()
    )


def _is_file_table(value: object) -> bool:
    return _is_text_table(value) and all(
        target.startswith("/") for target in cast("dict[str, str]", value).values()
    )


def is_json(value: object) -> bool:
    """TOML knows dates and infinity, JSON does not."""
    if isinstance(value, dict):
        return all(is_json(item) for item in cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return all(is_json(item) for item in cast("list[Any]", value))
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int)


TEXT = Kind("text", _is_text)
SECONDS = Kind("number of seconds, more than 0 and at most a week", _is_seconds)
RATE = Kind(f"number from 1 to {_FASTEST_RATE}", _is_rate)
EXECUTOR = Kind(
    ", ".join(f'"{name}"' for name in executors.CLASSES) + " or the dotted path of an executor",
    lambda value: isinstance(value, str) and executors.is_name(value),
)
TEXT_OR_TEXTS = Kind("text or list of texts", _is_text_or_texts)
COUNT = Kind(
    "a whole number from 1 to 16",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 16,
)
BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
TEXTS = Kind("list of texts", _is_texts)
TEXT_TABLE = Kind("table of texts", _is_text_table)
FILE_TABLE = Kind("table from a path here to an absolute path in the image", _is_file_table)
DATA = Kind(
    "table of data (no dates)",
    lambda value: isinstance(value, dict) and is_json(cast("Any", value)),
)
LIST = Kind(
    "list of data (no dates)", lambda value: isinstance(value, list) and is_json(cast("Any", value))
)
TABLES = Kind(
    "list of tables of data (no dates)",
    lambda value: (
        isinstance(value, list) and all(DATA.accepts(each) for each in cast("list[Any]", value))
    ),
)
POSITIVE = Kind(
    "a whole number from 1",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1,
)
TABLE = Kind("table", lambda value: isinstance(value, dict))


def one_of(*choices: str) -> Kind:
    words = " or ".join(f'"{choice}"' for choice in choices)
    return Kind(words, lambda value: value in choices)


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    kind: Kind
    help: str
    default: str = ""
    """In words; empty for none."""


RUN_CONFIGS = ("UniversalRun", "LocalRun", "DockerRun", "KubernetesRun")

PROJECT = (
    Key("profile", TEXT, "Name of the profile (control plane) this folder belongs to."),
    Key("project", TEXT, "Prefect project that the flows are registered in."),
    Key(
        "python",
        TEXT,
        "The project's interpreter, relative to the root; flows are loaded with it.",
        "the project's own virtual environment",
    ),
    Key("exclude", TEXTS, "Patterns, as in .gitignore, of files that are not searched for flows."),
    Key("load_timeout", SECONDS, "How long loading a flow file may take.", "60"),
    Key("health_timeout", SECONDS, "How long the health check may take.", "120"),
)
STORAGE = (
    Key(
        "type",
        one_of("docker", "local"),
        "Docker image, or a file on this machine (for machines without an engine).",
        "docker if an engine answers, else local",
    ),
    Key("registry_url", TEXT, "Registry and namespace the image is pushed to."),
    Key(
        "base_image",
        TEXT,
        "Image to start from. Not together with `dockerfile`.",
        "by the interpreter's minor version",
    ),
    Key(
        "dockerfile",
        TEXT,
        "Path of a Dockerfile to start from, relative to the root. Not together with `base_image`.",
    ),
    Key(
        "python_dependencies",
        TEXTS,
        "Requirements installed into the image, as for pip.",
        "inferred from what the flow imports",
    ),
    Key("image_name", TEXT, "Name of the image.", "from the flow's name"),
    Key("image_tag", TEXT, "Tag of the image.", "hash of everything that goes in"),
    Key("env_vars", TEXT_TABLE, "Environment variables in the image. Not for secrets."),
    Key("files", FILE_TABLE, "Files and folders copied into the image."),
    Key(
        "prefect_version",
        TEXT,
        "Prefect version in the image.",
        "the version in the project's interpreter",
    ),
    Key("local_image", BOOLEAN, "Use the base image that the engine has; do not pull it.", "false"),
    Key("build_args", TEXT_TABLE, "Arguments of the Docker build. Not for secrets."),
    Key(
        "extra_dockerfile_commands",
        TEXTS,
        "Dockerfile lines added after the dependencies are installed.",
    ),
    Key("ignore_healthchecks", BOOLEAN, "Register without a health check.", "false"),
    Key("directory", TEXT, "Local storage only: the folder that flow files are stored under."),
    Key(
        "in_place",
        BOOLEAN,
        "Local storage of a deployment only: runs take the project's own files, which may have "
        "changed since they were checked.",
        "false: a copy of them",
    ),
)
DEPLOYMENT = (
    Key(
        "work_pool",
        TEXT,
        "Work pool that runs the deployment.",
        "the one it is registered with, else the only one of the type that the storage needs",
    ),
    Key("work_queue", TEXT, "Queue of the work pool.", "its default queue"),
    Key("job_variables", DATA, "What the work pool's job template takes, for example `env`."),
    Key("parameters", DATA, "Values of the flow's parameters."),
    Key(
        "schedules",
        TABLES,
        "Schedules: each with `cron`, `interval` (seconds) or `rrule`, and `timezone`, `active`, "
        "`slug`, `parameters`.",
    ),
    Key("tags", TEXTS, "Tags of the deployment and its runs."),
    Key("description", TEXT, "Description of the deployment.", "the flow's own"),
    Key("version", TEXT, "Version of the deployment.", "hash of its content and the git commit"),
    Key("paused", BOOLEAN, "Whether its schedules start no runs.", "false"),
    Key("concurrency_limit", POSITIVE, "How many of its runs may be active at once.", "no limit"),
    Key(
        "concurrency_options",
        DATA,
        "What becomes of runs beyond the limit: `collision_strategy` is ENQUEUE or CANCEL_NEW.",
    ),
    Key("enforce_parameter_schema", BOOLEAN, "Refuse runs with other parameters.", "true"),
    Key(
        "pull_steps",
        TABLES,
        "Steps of Prefect's that fetch the source when a run starts.",
        "one that sets the working folder",
    ),
)
"""Deployments of Prefect 2 and 3."""
EXECUTION = (
    Key(
        "executor",
        EXECUTOR,
        "How the tasks of a run are executed.",
        "the flow's own",
    ),
    Key("executor_kwargs", DATA, "Keyword arguments of the executor, for example `address`."),
)
DEPLOY = (
    Key(
        "show_plan",
        BOOLEAN,
        "Show the plan before a deploy of the app; one that must create a project is always shown.",
        "what [ui] of the user's file says",
    ),
    Key("at_once", COUNT, "Hot flows that may be deployed at the same time.", "1"),
)

_RUN_CONFIG_TYPE = Key("type", one_of(*RUN_CONFIGS), "Class of the run config. Required.")
_ENV = Key("env", TEXT_TABLE, "Environment variables of the flow run.")
_LABELS = Key("labels", TEXTS, "Labels an agent must have to take the flow run.")
_IMAGE = Key("image", TEXT, "Image the flow run uses.", "the storage's image")

RUN_CONFIG_KEYS: Mapping[str, tuple[Key, ...]] = {
    "UniversalRun": (_RUN_CONFIG_TYPE, _ENV, _LABELS),
    "LocalRun": (
        _RUN_CONFIG_TYPE,
        _ENV,
        _LABELS,
        Key("working_dir", TEXT, "Folder the flow run works in."),
    ),
    "DockerRun": (
        _RUN_CONFIG_TYPE,
        _ENV,
        _LABELS,
        _IMAGE,
        Key("ports", LIST, "Ports opened on the container."),
        Key("host_config", DATA, "Host settings of the container, as docker-py takes them."),
    ),
    "KubernetesRun": (
        _RUN_CONFIG_TYPE,
        _ENV,
        _LABELS,
        _IMAGE,
        Key("job_template_path", TEXT, "Path or address of a job template."),
        Key("job_template", DATA, "The job template itself."),
        Key("cpu_limit", TEXT, "CPU limit of the job."),
        Key("cpu_request", TEXT, "CPU request of the job."),
        Key("memory_limit", TEXT, "Memory limit of the job."),
        Key("memory_request", TEXT, "Memory request of the job."),
        Key("service_account_name", TEXT, "Service account of the job."),
        Key("image_pull_secrets", TEXTS, "Names of the secrets to pull the image with."),
        Key("image_pull_policy", TEXT, "When the image is pulled."),
    ),
}
"""Keyword arguments of Prefect 1.4.1's run configs."""

_TABLES = (
    Key("storage", TABLE, "Where the flow is stored: [storage]."),
    Key("execution", TABLE, "How a flow run is executed: [execution]."),
    Key("run_config", TABLE, "The run config: [run_config]."),
    Key("deployment", TABLE, "A deployment of Prefect 2 or 3: [deployment]."),
)
ROOT = (
    *PROJECT,
    *_TABLES,
    Key("deploy", TABLE, "How deploys go here: [deploy]."),
    Key("flows", TABLE, 'Settings of one flow: [flows."its name"], [flows."flow/deployment"].'),
)
FLOW = (Key("project", TEXT, "Prefect project that this flow is registered in."), *_TABLES)

USER = (
    Key("active", TEXT, "Name of the profile used when nothing else is said.", "embedded"),
    Key("profiles", TABLE, "One table for each profile."),
    Key("ui", TABLE, "How the app looks and behaves: [ui]."),
    Key("keys", TABLE, "Keys other than the default ones: [keys]."),
)
UI = (
    Key(
        "theme",
        TEXT,
        "Theme of a folder where none was chosen in the app yet; the palette lists all themes.",
        "flowtui-dark",
    ),
    Key(
        "mouse",
        one_of("auto", "on", "off"),
        "Whether flowtui hears the mouse. Off, the terminal's own selection works.",
        "auto: off over SSH",
    ),
    Key(
        "ascii",
        one_of("auto", "on", "off"),
        "Whether marks and borders are plain ASCII.",
        "auto: by the locale and the terminal",
    ),
    Key(
        "color",
        one_of("auto", "16", "none"),
        "All colours of the terminal, the 16 of its own palette, or none.",
        "auto",
    ),
    Key("read_only", BOOLEAN, "Change nothing: no deploys, no deletes.", "false"),
    Key("log_rate", RATE, "Paints a second of a log that scrolls.", "10, over SSH 5"),
    Key("show_plan", BOOLEAN, "Show the plan and ask before a deploy.", "true"),
)
"""The table [ui] of the user's file."""
PROFILE = (
    Key("api_url", TEXT, "Address of the control plane. Required."),
    Key("ca_file", TEXT, "File with the certificates to trust, beside the system's own."),
)


def check(table: Table, keys: Iterable[Key], *, file: str, prefix: str = "") -> None:
    """Raise UsageError for the first unknown key or wrong type, naming file, key and remedy."""
    known = {key.name: key for key in keys}
    for name, value in table.items():
        full = f"{prefix}{name}"
        key = known.get(name)
        if key is None:
            raise UsageError(
                f"unknown key {full!r}", where=file, fix=_suggestion(name, tuple(known), prefix)
            )
        if not key.kind.accepts(value):
            raise UsageError(
                f"{full} must be {key.kind.words}, not {_shown(value)}",
                where=f"{file}, key {full}",
                fix=key.help,
            )


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that was probably meant."""
    matches = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return matches[0] if matches else None


def _suggestion(name: str, known: tuple[str, ...], prefix: str) -> str:
    meant = nearest(name, known)
    if meant is not None:
        return f"did you mean {prefix}{meant}?"
    return f"keys that are known here: {', '.join(sorted(known))}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{value[:40]}"' if value else "an empty text"
    if isinstance(value, dict):
        return "a table" if is_json(cast("Any", value)) else "a table with such values"
    if isinstance(value, list):
        return "a list" if is_json(cast("Any", value)) else "a list with such values"
    return f"{type(value).__name__} {value}"[:60]
