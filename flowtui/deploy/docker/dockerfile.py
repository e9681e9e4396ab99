"""The Dockerfile of a flow's image."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath

from flowtui.deploy.docker.image_spec import (
    SOURCE_FOLDER,
    ImageSpec,
    default_base_image,
    path_of_file,
)
from flowtui.deploy.docker.prefect_pins import installer_pin_for
from flowtui.errors import UsageError

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_COMPILE = (
    "RUN PYTHONDONTWRITEBYTECODE= PREFECT_HOME=/tmp "
    "python -c 'import cloudpickle, prefect; from prefect import task' || true"
)
"""Leaves the bytecode of Prefect and of what it imports in the image, where the base has none: the
official Python images have none of Python's own, others none at all. Without it each container
compiles that for itself. An import that fails is for the health check to tell."""
_DIRECTIVE = re.compile(r"#\s*(?P<name>[A-Za-z][A-Za-z0-9]*)\s*=\s*(?P<value>.+?)\s*$")


def render_dockerfile(spec: ImageSpec, *, labels: Mapping[str, str] | None = None) -> str:
    """The Dockerfile of the image, in the order in which things change.

    Dependencies come first and the pickle last, so that a changed source reuses their layers. The
    order of the rest is Prefect's own: environment, dependencies, files, the user's commands.
    Without `labels` it is what makes the image what it is, and nothing more: no labels, and not
    what only makes its programs start sooner. Raises UsageError for settings that a Dockerfile
    cannot hold.
    """
    head, escape = _head(spec)
    blocks = [
        head,
        [f"ARG {_env_name(name, 'build_args')}" for name in sorted(spec.build_args)]
        if not spec.dockerfile
        else [],
        _env_lines(spec.env_vars, escape),
        [*_pip_lines(spec, escape), *([_COMPILE] if labels and spec.python_dependencies else [])],
        _file_lines(spec, escape),
        [_command(command) for command in spec.extra_dockerfile_commands],
        _module_lines(spec, escape),
        _place_lines(spec) if spec.code_folder else [],
        [_label_line(labels, escape)] if labels else [],
        [_copy(f"{spec.tree_path}/", f"{spec.code_folder}/", escape)]
        if spec.code_folder
        else [_copy(spec.pickle_path, spec.flow_path, escape)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def all_build_args(spec: ImageSpec) -> dict[str, str]:
    """The user's, and values of environment variables that a Dockerfile cannot express."""
    return {**spec.build_args, **_smuggled(spec.env_vars)}


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
        arguments += _pip_arguments(dependency)
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


def _pip_arguments(dependency: str) -> list[str]:
    wrong = UsageError(f"this is not a requirement: {dependency!r}", where="python_dependencies")
    if not dependency.strip() or re.search(r"[\n\r\0]", dependency):
        raise wrong
    if not dependency.startswith("-"):
        return [dependency.strip()]
    try:
        return shlex.split(dependency)
    except ValueError:  # a quote that is not closed
        raise wrong from None


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
        lines.append(_copy(prefix + path_of_file(number, source), target, escape))
    return lines


def _module_lines(spec: ImageSpec, escape: str) -> list[str]:
    if not any(module.path for module in spec.modules):
        return []
    prefix = spec.prefix
    return [
        _copy(f"{prefix}src/", f"{SOURCE_FOLDER}/", escape),
        f'ENV PYTHONPATH="${{PYTHONPATH:+${{PYTHONPATH}}:}}{SOURCE_FOLDER}"',
    ]


def _place_lines(spec: ImageSpec) -> list[str]:
    """Where runs work; PYTHONPATH for what Prefect does not look for itself."""
    folder = spec.code_folder
    roots = ":".join(f"{folder}/{root}".rstrip("/") for root in spec.import_roots)
    return [
        *([f'ENV PYTHONPATH="{roots}${{PYTHONPATH:+:${{PYTHONPATH}}}}"'] if roots else []),
        f"WORKDIR {folder}",
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
