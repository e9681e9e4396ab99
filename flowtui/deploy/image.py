"""From what a flow needs to its image: the Dockerfile, the build context, the content hash."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from flowtui import __version__
from flowtui.deploy.build_context import BuildContext, Entry, Gatherer
from flowtui.deploy.plan import ContextSummary
from flowtui.deploy.slug import slug
from flowtui.errors import UsageError
from flowtui.models import JsonObject, LocalModule, Problem

FLOWS_FOLDER = "/opt/prefect/flows"
SOURCE_FOLDER = "/opt/flowtui/src"
HASH_LABEL = "io.flowtui.content-hash"
FLOW_LABEL = "io.flowtui.flow"
VERSION_LABEL = "io.flowtui.version"

_PREFIX_WITH_DOCKERFILE = ".flowtui"
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SECRET_NAME = re.compile(r"(?i)(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_|$)")
_URL_PASSWORD = re.compile(r"://[^/\s:@]+:[^/\s@]+@")
_DIRECTIVE = re.compile(r"#\s*(?P<name>[A-Za-z][A-Za-z0-9]*)\s*=\s*(?P<value>.+?)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """Everything that decides what an image is, before anything is read from disk."""

    flow_name: str
    project_root: Path
    python_minor: str
    """Of the interpreter that pickles, for example `3.11`."""
    prefect_version: str
    cloudpickle_version: str
    base_image: str | None = None
    """None with `dockerfile`; without either it is `default_base_image(python_minor)`."""
    dockerfile: str | None = None
    """Path of the user's Dockerfile, relative to the project folder."""
    python_dependencies: tuple[str, ...] = ()
    """Requirements as pip takes them. An entry that starts with `-` is split into options."""
    env_vars: Mapping[str, str] = field(default_factory=dict[str, str])
    build_args: Mapping[str, str] = field(default_factory=dict[str, str])
    extra_dockerfile_commands: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """From a path here (relative to the project folder, or absolute) to one in the image."""
    modules: tuple[LocalModule, ...] = ()
    """The project's own modules that the flow imports; they go to `SOURCE_FOLDER`."""

    @property
    def flow_path(self) -> str:
        """Where the pickle is in the image: the same path for every version of the flow."""
        return flow_path(self.flow_name)

    @property
    def prefix(self) -> str:
        """Folder of our own files in the context: beside the user's only with `dockerfile`."""
        return f"{_PREFIX_WITH_DOCKERFILE}/" if self.dockerfile else ""

    @property
    def dockerfile_path(self) -> str:
        """Where the generated Dockerfile is in the context."""
        return f"{self.prefix}Dockerfile"

    @property
    def pickle_path(self) -> str:
        """Where the pickle is in the context."""
        return f"{self.prefix}flow/{slug(self.flow_name)}.prefect"


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """An image as it will be built, all but the pickle."""

    spec: ImageSpec
    content_hash: str
    """64 hexadecimal digits."""
    dockerfile: str
    """As the engine gets it, and as a person sees it before the build."""
    context: BuildContext
    build_args: Mapping[str, str]
    """The user's, and values of environment variables that a Dockerfile cannot express."""

    @property
    def tag(self) -> str:
        return self.content_hash[:16]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Warnings known before the build."""
        return (*self.context.problems, *_exposed_secrets(self.spec))

    def summary(self, pickle_size: int = 0) -> ContextSummary:
        """The whole context as it will be sent; `pickle_size` in bytes, 0 if not yet known."""
        return self.context.summary(
            (self.spec.dockerfile_path, len(self.dockerfile.encode())),
            (self.spec.pickle_path, pickle_size),
        )

    def extra_entries(self, pickle: bytes) -> tuple[Entry, Entry]:
        """What completes the context: give them to `BuildContext.tar`."""
        return (
            Entry.of_bytes(self.spec.dockerfile_path, self.dockerfile.encode()),
            Entry.of_bytes(self.spec.pickle_path, pickle),
        )


def prepare(
    spec: ImageSpec,
    *,
    flow_sources: Mapping[str, bytes],
    base_identity: str = "",
    destination: str = "",
    settings: JsonObject | None = None,
    salt: str = "",
) -> ImageRecipe:
    """Read what the image needs from disk and decide its Dockerfile and content hash.

    Blocking: run it in a thread. Parameters are those of `content_hash`. Raises UsageError for
    settings that cannot work and files that are not there.
    """
    context = gather(spec)
    fixed = render_dockerfile(spec)
    identity = content_hash(
        spec,
        context,
        fixed,
        flow_sources=flow_sources,
        base_identity=base_identity,
        destination=destination,
        settings=settings,
        salt=salt,
    )
    return ImageRecipe(
        spec,
        identity,
        render_dockerfile(spec, labels=image_labels(spec, identity)),
        context,
        {**spec.build_args, **_smuggled(spec.env_vars)},
    )


def default_base_image(python_minor: str) -> str:
    """The official slim image of this Python: pip adds Prefect, whatever its version.

    Prefect 0.6.1 takes `python:X.Y` and later ones `prefecthq/prefect:V-pythonX.Y`; the slim image
    is a tenth of the first, and the second does not exist for Pythons newer than the release.
    """
    return f"python:{python_minor}-slim"


def flow_path(flow_name: str) -> str:
    """Where the pickle of this flow is in its image."""
    return f"{FLOWS_FOLDER}/{slug(flow_name)}.prefect"


def pins_for(prefect_version: str, python_minor: str) -> tuple[str, ...]:
    """Requirements that keep this old Prefect importable today, beside `prefect==…` itself.

    Measured on Prefect 0.6.1 to 1.4.1 with the packages of November 2026.
    """
    release = _numbers(prefect_version)
    python = _numbers(python_minor)
    pins: list[str] = []
    if release < (0, 12):
        pins.append("requests<2.32")  # docker<5 breaks on a newer one
    if release < (0, 15):
        pins.append("urllib3<2")  # Retry(method_whitelist=…) is gone
    if (0, 12) <= release < (2,):
        pins.append("marshmallow<4")
    if (0, 15) <= release < (1,) and python >= (3, 12):
        pins.append("setuptools<81")  # distutils is gone from the standard library
    return tuple(pins)


def installer_pin_for(prefect_version: str) -> str | None:
    """The pip that still installs this Prefect: 0.15's metadata is refused from 24.1 on."""
    return "pip<24.1" if (0, 15) <= _numbers(prefect_version) < (1,) else None


def image_labels(spec: ImageSpec, content_hash: str) -> dict[str, str]:
    return {
        FLOW_LABEL: " ".join(spec.flow_name.split()),
        HASH_LABEL: content_hash,
        VERSION_LABEL: __version__,
    }


def render_dockerfile(spec: ImageSpec, *, labels: Mapping[str, str] | None = None) -> str:
    """The Dockerfile of the image, in the order in which things change.

    Dependencies come first and the pickle last, so that a changed source reuses their layers. The
    order of the rest is Prefect's own: environment, dependencies, files, the user's commands.
    Raises UsageError for settings that a Dockerfile cannot hold.
    """
    head, escape = _head(spec)
    blocks = [
        head,
        [f"ARG {_env_name(name, 'build_args')}" for name in sorted(spec.build_args)]
        if not spec.dockerfile
        else [],
        _env_lines(spec.env_vars, escape),
        _pip_lines(spec, escape),
        _file_lines(spec, escape),
        [_command(command) for command in spec.extra_dockerfile_commands],
        _module_lines(spec, escape),
        [_label_line(labels, escape)] if labels else [],
        [_copy(spec.pickle_path, spec.flow_path, escape)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def gather(spec: ImageSpec) -> BuildContext:
    """The files of the build context.

    Without a Dockerfile of the user's only what is needed; with one the project folder by the
    never-send list and `.dockerignore`. Raises UsageError for a file that is not there.
    """
    gatherer = Gatherer()
    prefix = spec.prefix
    if spec.dockerfile:
        gatherer.add_folder(spec.project_root, reserved=_PREFIX_WITH_DOCKERFILE)
    for number, (source, _) in enumerate(sorted(spec.files.items()), start=1):
        path = prefix + _file_path(number, source)
        gatherer.add_named(path, spec.project_root / source, shown=source)
    for module in spec.modules:
        if module.path:
            path = f"{prefix}src/{module_path(module)}"
            gatherer.add_file(path, Path(module.path), what=f"the module {module.name} is gone")
    return gatherer.finish()


def module_path(module: LocalModule) -> str:
    """Where a module's file is below the import root: `a.b` in `b.py` gives `a/b.py`."""
    parts = module.name.split(".")
    file = PurePosixPath(Path(module.path).as_posix()).name
    folder = parts if file.startswith("__init__.") else parts[:-1]
    return "/".join([*folder, file])


def content_hash(
    spec: ImageSpec,
    context: BuildContext,
    dockerfile: str,
    *,
    flow_sources: Mapping[str, bytes],
    base_identity: str = "",
    destination: str = "",
    settings: JsonObject | None = None,
    salt: str = "",
) -> str:
    """sha256 over everything that makes this version of the flow what it is.

    In it, and why:
    - the Dockerfile without its labels (they hold this hash and flowtui's own version, and a new
      flowtui alone must not redeploy every flow);
    - names, modes and contents of all files of the context;
    - `flow_sources`, the flow's own file(s): their code is inside the pickle;
    - the versions of Python (minor), Prefect and cloudpickle: they decide how the pickle is
      written and read;
    - build arguments, names and values, and the user's environment variables (both can reach the
      image without standing in the Dockerfile);
    - `base_identity`, the digest or ID of the base image where it is known: a moved tag counts;
    - `destination`, the control plane's address and project: the same flow elsewhere is new there;
    - `settings`, whatever else changes the pickle or the registration (executor, run config, image
      name);
    - `salt`, to force a new image.

    Not in it: the pickle. Pickles of the same flow differ from run to run (sets, memo order, the
    task slugs of Prefect 0.6), so it would make every deploy a change.
    """
    files = [
        [entry.path, entry.executable, entry.kind.decode(), entry.digest or entry.link]
        for entry in context.entries
    ]
    sources = {path: hashlib.sha256(text).hexdigest() for path, text in flow_sources.items()}
    everything = {
        "scheme": 1,
        "dockerfile": dockerfile,
        "files": files,
        "sources": sources,
        "versions": [spec.python_minor, spec.prefect_version, spec.cloudpickle_version],
        "build_args": dict(spec.build_args),
        "env_vars": dict(spec.env_vars),
        "base": base_identity,
        "destination": destination,
        "settings": settings or {},
        "salt": salt,
    }
    text = json.dumps(everything, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _head(spec: ImageSpec) -> tuple[list[str], str]:
    """The first lines, and the escape character that they choose."""
    if spec.dockerfile and spec.base_image:
        raise UsageError(
            "base_image and dockerfile exclude each other",
            fix="keep one of them; a Dockerfile names its base image itself",
        )
    if not spec.dockerfile:
        base = spec.base_image or default_base_image(spec.python_minor)
        if not re.fullmatch(r"[^\s$]+", base):
            raise UsageError(f"this is not the name of a base image: {base!r}", where="base_image")
        return [f"FROM {base}"], "\\"
    path = spec.project_root / spec.dockerfile
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the Dockerfile cannot be read: {error}",
            where=str(path),
            fix="correct `dockerfile`; it is taken relative to the project folder",
        ) from error
    return text.rstrip().splitlines(), _escape_of(text)


def _escape_of(dockerfile: str) -> str:
    for line in dockerfile.splitlines():
        directive = _DIRECTIVE.match(line.strip())
        if directive is None:
            break
        if directive["name"].lower() == "escape":
            return directive["value"]
    return "\\"


def _env_lines(env_vars: Mapping[str, str], escape: str) -> list[str]:
    lines: list[str] = []
    smuggled = _smuggled(env_vars)
    for name, value in sorted(env_vars.items()):
        _env_name(name, "env_vars")
        if _smuggle_name(name) in smuggled:
            lines += [f"ARG {_smuggle_name(name)}", f'ENV {name}="${{{_smuggle_name(name)}}}"']
        else:
            lines.append(f"ENV {name}={_quoted(value, escape)}")
    return lines


def _smuggled(env_vars: Mapping[str, str]) -> dict[str, str]:
    """Values with line breaks: a Dockerfile cannot write them, a build argument can carry them."""
    return {
        _smuggle_name(name): value
        for name, value in env_vars.items()
        if "\n" in value or "\r" in value
    }


def _smuggle_name(name: str) -> str:
    return f"FLOWTUI_ENV_{name}"


def _env_name(name: str, setting: str) -> str:
    if not _ENV_NAME.fullmatch(name):
        raise UsageError(
            f"this is not the name of an environment variable: {name!r}",
            where=setting,
            fix="use letters, digits and underscores, and no digit first",
        )
    return name


def _quoted(value: str, escape: str) -> str:
    if "\0" in value:
        raise UsageError("a value with a NUL character cannot go into an image", where="env_vars")
    return '"' + re.sub(r'["$]|' + re.escape(escape), lambda m: escape + m.group(), value) + '"'


def _pip_lines(spec: ImageSpec, escape: str) -> list[str]:
    arguments: list[str] = []
    for dependency in dict.fromkeys(spec.python_dependencies):
        if not dependency.strip() or re.search(r"[\n\r\0]", dependency):
            raise UsageError(
                f"this is not a requirement: {dependency!r}", where="python_dependencies"
            )
        is_option = dependency.startswith("-")
        arguments += shlex.split(dependency) if is_option else [dependency.strip()]
    if not arguments:
        return []
    install = "RUN python -m pip install --no-cache-dir --disable-pip-version-check"
    pip_pin = installer_pin_for(spec.prefect_version)
    needs_old_pip = pip_pin and any(
        re.match(r"prefect\b(?!-)", argument, re.IGNORECASE) for argument in arguments
    )
    lines = [f"{install} {shlex.quote(pip_pin)}"] if pip_pin and needs_old_pip else []
    separator = f" {escape}\n    "
    return [*lines, separator.join([install, *map(shlex.quote, arguments)])]


def _file_lines(spec: ImageSpec, escape: str) -> list[str]:
    prefix = spec.prefix
    lines: list[str] = []
    for number, (source, target) in enumerate(sorted(spec.files.items()), start=1):
        if not target.startswith("/") or re.search(r"[\n\r\0]", target):
            raise UsageError(
                f"a path in the image must be absolute, this is not: {target!r}",
                where=f"files, for {source}",
                fix=f"write for example /app/{PurePosixPath(source).name}",
            )
        if target.endswith("/") and (spec.project_root / source).is_file():
            target = target + PurePosixPath(source).name
        lines.append(_copy(prefix + _file_path(number, source), target, escape))
    return lines


def _file_path(number: int, source: str) -> str:
    """A name in the context that no instruction has to quote."""
    return f"files/{number}/" + re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(source).name or "_")


def _module_lines(spec: ImageSpec, escape: str) -> list[str]:
    if not any(module.path for module in spec.modules):
        return []
    prefix = spec.prefix
    return [
        _copy(f"{prefix}src/", f"{SOURCE_FOLDER}/", escape),
        f'ENV PYTHONPATH="${{PYTHONPATH:+${{PYTHONPATH}}:}}{SOURCE_FOLDER}"',
    ]


def _label_line(labels: Mapping[str, str], escape: str) -> str:
    pairs = (f"{name}={_quoted(value, escape)}" for name, value in sorted(labels.items()))
    return f"LABEL {f' {escape}{chr(10)}      '.join(pairs)}"


def _copy(source: str, target: str, escape: str) -> str:
    """COPY in its JSON form; Docker still expands variables and quotes inside the strings."""
    special = re.compile(r"[\"'$]|" + re.escape(escape))
    escaped = special.sub(lambda match: escape + match.group(), target)
    return "COPY " + json.dumps([source, escaped], ensure_ascii=False)


def _command(command: str) -> str:
    if not command.strip() or "\0" in command:
        raise UsageError("an empty command", where="extra_dockerfile_commands")
    return command.rstrip()


def _exposed_secrets(spec: ImageSpec) -> Iterable[Problem]:
    for setting, names in (("env_vars", spec.env_vars), ("build_args", spec.build_args)):
        for name in sorted(names):
            if _SECRET_NAME.search(name):
                yield Problem(
                    f"{name} looks like a secret: whoever has the image can read it",
                    setting,
                    "give it to the flow run instead: a Prefect secret or the agent's environment",
                )
    for dependency in spec.python_dependencies:
        if _URL_PASSWORD.search(dependency):
            yield Problem(
                "a password in an address: whoever has the image can read it",
                "python_dependencies",
                "use an index without a password, or a base image with the package in it",
            )


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
