"""From what a flow needs to its image: everything that is sent to the engine, and its hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flowtui import __version__
from flowtui.deploy.docker.build_context import BuildContext, Entry, Gatherer
from flowtui.deploy.docker.dockerfile import all_build_args, render_dockerfile
from flowtui.deploy.docker.image_spec import (
    PREFIX_WITH_DOCKERFILE,
    ImageSpec,
    module_path,
    path_of_file,
)
from flowtui.deploy.plan import ContextSummary
from flowtui.models import JsonObject, Problem

HASH_LABEL = "io.flowtui.content-hash"
FLOW_LABEL = "io.flowtui.flow"
VERSION_LABEL = "io.flowtui.version"

_SECRET_NAME = re.compile(r"(?i)(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_|$)")
_URL_PASSWORD = re.compile(r"://[^/\s:@]+:[^/\s@]+@")


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
        dockerfile = (self.spec.dockerfile_path, len(self.dockerfile.encode()))
        if self.spec.code_folder:
            return self.context.summary(dockerfile)
        return self.context.summary(dockerfile, (self.spec.pickle_path, pickle_size))

    def extra_entries(self, pickle: bytes | None) -> tuple[Entry, ...]:
        """What completes the context: give them to `BuildContext.tar`."""
        dockerfile = Entry.of_bytes(self.spec.dockerfile_path, self.dockerfile.encode())
        if pickle is None:
            return (dockerfile,)
        return (dockerfile, Entry.of_bytes(self.spec.pickle_path, pickle))


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
        all_build_args(spec),
    )


def image_labels(spec: ImageSpec, content_hash: str) -> dict[str, str]:
    return {
        FLOW_LABEL: " ".join(spec.flow_name.split()),
        HASH_LABEL: content_hash,
        VERSION_LABEL: __version__,
    }


def gather(spec: ImageSpec) -> BuildContext:
    """The files of the build context.

    Without a Dockerfile of the user's only what is needed; with one the project folder by the
    never-send list and `.dockerignore`. Raises UsageError for a file that is not there.
    """
    gatherer = Gatherer()
    prefix = spec.prefix
    if spec.dockerfile:
        gatherer.add_folder(spec.project_root, reserved=PREFIX_WITH_DOCKERFILE)
    for number, (source, _) in enumerate(sorted(spec.files.items()), start=1):
        path = prefix + path_of_file(number, source)
        gatherer.add_named(path, spec.project_root / source, shown=source)
    for path, source in spec.tree.items():
        gatherer.add_file(f"{spec.tree_path}/{path}", source, what=f"{path} is gone")
    for module in spec.modules:
        if module.path:
            path = f"{prefix}src/{module_path(module)}"
            gatherer.add_file(path, Path(module.path), what=f"the module {module.name} is gone")
    return gatherer.finish()


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
