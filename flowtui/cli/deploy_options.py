"""Settings of a deploy on the command line: what `deploy` and `plan` take alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from flowtui import executors
from flowtui.cli.deployment_options import deployment_of, deployment_options
from flowtui.errors import UsageError
from flowtui.models import DeployTable, ExecutionOptions, StorageKind, StorageOptions

_Command = TypeVar("_Command", bound=Callable[..., Any])

_STORAGE_HELP = {
    "registry_url": "Registry and namespace the image is pushed to.",
    "base_image": "Image to build on.",
    "dockerfile": "Dockerfile to build on, relative to the project folder.",
    "image_name": "Name of the image. Default: made from the flow's name.",
    "image_tag": "Tag of the image. Default: hash of everything that goes in.",
    "prefect_version": "Prefect version in the image. Default: the project's.",
    "directory": "Local storage: folder that flow files are stored under.",
}
_LIST_HELP = {
    "python_dependencies": ("--python-dependency", "Requirement to install in the image."),
    "extra_dockerfile_commands": ("--extra-dockerfile-command", "Line added to the Dockerfile."),
}
_MAPPING_HELP = {
    "env_vars": ("--env-var", "KEY=VALUE", "Environment variable of the image."),
    "files": ("--file", "PATH=IMAGE_PATH", "File or folder to copy into the image."),
    "build_args": ("--build-arg", "KEY=VALUE", "Docker build argument."),
}
_FLAG_HELP = {
    "local_image": "Do not pull the base image.",
    "ignore_healthchecks": "Push and register without a health check.",
}
_EXECUTION_OPTIONS = (
    click.option(
        "--executor",
        metavar="NAME",
        help="How tasks are run: local, local-dask, dask, or an executor's dotted path.",
    ),
    click.option(
        "--executor-arg",
        "executor_args",
        multiple=True,
        metavar="KEY=VALUE",
        help="Argument of the executor; VALUE is JSON or else text.",
    ),
    click.option("--executor-kwargs", metavar="JSON", help="Its arguments as one JSON object."),
    click.option("--run-config", metavar="JSON", help='Run config: {"type": "DockerRun", …}.'),
)
"""Prefect 0.6 to 1.4."""


def deploy_options(command: _Command) -> _Command:
    """Every setting of a deploy, as its keyword of Prefect's; `overrides_of` reads them."""
    for option in reversed(_EXECUTION_OPTIONS):
        command = option(command)
    command = deployment_options(command)
    for name, text in _FLAG_HELP.items():
        option = f"--{name.replace('_', '-')}/--no-{name.replace('_', '-')}"
        command = click.option(option, name, default=None, help=text)(command)
    for name, (option, metavar, text) in _MAPPING_HELP.items():
        command = click.option(option, name, multiple=True, metavar=metavar, help=text)(command)
    for name, (option, text) in _LIST_HELP.items():
        command = click.option(option, name, multiple=True, metavar="TEXT", help=text)(command)
    for name, text in reversed(_STORAGE_HELP.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, help=text)(command)
    kinds = click.Choice([str(kind) for kind in StorageKind])
    command = click.option("--storage", type=kinds, help="Where the flow is stored.")(command)
    return click.option("--project", help="Project to register in.")(command)


def overrides_of(values: dict[str, Any]) -> DeployTable:
    """What was said on the command line, from the values of `deploy_options`."""
    storage: dict[str, Any] = {name: values[name] for name in (*_STORAGE_HELP, *_FLAG_HELP)}
    storage |= {name: tuple(values[name]) or None for name in _LIST_HELP}
    storage |= {
        name: _mapping(option, values[name]) for name, (option, _, _) in _MAPPING_HELP.items()
    }
    storage["in_place"] = values["in_place"]
    storage["type"] = StorageKind(values["storage"]) if values["storage"] else None
    if storage["base_image"] and storage["dockerfile"]:
        raise UsageError(
            "--base-image and --dockerfile are both given",
            fix="keep one: a Dockerfile names its own base image",
        )
    return DeployTable(
        project=values["project"],
        storage=StorageOptions(**storage),
        execution=ExecutionOptions(
            executor=_executor(values["executor"]),
            executor_kwargs=_executor_kwargs(values["executor_kwargs"], values["executor_args"]),
            run_config=_json_object("--run-config", values["run_config"]),
        ),
        deployment=deployment_of(values),
    )


def _executor(name: str | None) -> str | None:
    if name is None or executors.is_name(name):
        return name
    raise UsageError(
        f"--executor {name} is no name of an executor",
        fix=f"{', '.join(executors.CLASSES)}, or a dotted path",
    )


def _executor_kwargs(text: str | None, words: tuple[str, ...]) -> dict[str, Any] | None:
    whole = _json_object("--executor-kwargs", text) or {}
    return {**whole, **(executors.arguments(words, option="--executor-arg") or {})} or None


def _mapping(option: str, words: tuple[str, ...]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not separator or not key:
            raise UsageError(f"{option} wants KEY=VALUE, not “{word}”")
        found[key] = value
    return found or None


def _json_object(option: str, text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{option} is not JSON: {error}", where=text) from error
    if not isinstance(value, dict):
        raise UsageError(f"{option} wants a JSON object", where=text)
    return cast("dict[str, Any]", value)
