"""The `build:` and `push:` steps of a prefect.yaml: what flowtui does in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowtui.errors import UsageError
from flowtui.json_shapes import mapping
from flowtui.models import Problem, StorageKind, StorageOptions

_BUILD = "build_docker_image"
_PUSH = "push_docker_image"
_AUTO = "auto"


@dataclass(frozen=True, slots=True)
class BuildSteps:
    options: StorageOptions = field(default_factory=StorageOptions)
    pushes: bool = True
    problems: tuple[Problem, ...] = ()


def read(build: Sequence[Any], push: Sequence[Any], image: object, *, where: str) -> BuildSteps:
    """Prefect's Docker steps become settings of the image; others are not run, and said so.

    `image` is what a call of `.deploy(…)` names: a text, or `name`, `tag` and `dockerfile`.
    Raises UsageError where the deployment needs what such a step does.
    """
    steps = [(name, mapping(told)) for step in (*build, *push) for name, told in _steps(step)]
    others = [(name, told) for name, told in steps if not _is(name, _BUILD, _PUSH)]
    for name, _ in others:
        if name.rpartition(".")[2].startswith("push_"):
            raise UsageError(
                f"the step {name} would upload the source, and flowtui does not run it",
                where=where,
                fix="use Docker or Local storage instead: --storage docker, --storage local, and "
                "take the steps `push` and `pull` out",
            )
    built = next((told for name, told in steps if _is(name, _BUILD)), None)
    pushed = any(_is(name, _PUSH) for name, _ in steps)
    problems = [
        Problem(
            f"the step {name} is not run",
            where,
            "run it before, where the flow needs what it does",
        )
        for name, _ in others
    ]
    if built is None and image:
        return BuildSteps(_options(_of_call(image)), problems=tuple(problems))
    if built is None:
        return BuildSteps(problems=tuple(problems))
    problems += _unknown(built, where)
    return BuildSteps(_options(built), pushed, tuple(problems))


def _of_call(image: object) -> dict[str, Any]:
    """As a step has it; a tag in a text is one of Prefect's own builds, and changes each time."""
    told = mapping(image)
    if told:
        return {**told, "image_name": told.get("name")}
    name = str(image)
    return {"image_name": name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name}


def _options(told: dict[str, Any]) -> StorageOptions:
    """The tag is left to flowtui where it is made by another step: it names the content."""
    registry, _, name = str(told.get("image_name") or "").rpartition("/")
    tag, dockerfile = str(told.get("tag") or ""), str(told.get("dockerfile") or _AUTO)
    arguments = {key: str(each) for key, each in mapping(told.get("buildargs")).items()}
    return StorageOptions(
        type=StorageKind.DOCKER,
        registry_url=registry or None,
        image_name=name or None,
        image_tag=tag if tag and "{{" not in tag else None,
        dockerfile=None if dockerfile == _AUTO else dockerfile,
        build_args=arguments or None,
    )


def _unknown(told: dict[str, Any], where: str) -> Iterator[Problem]:
    known = {"id", "requires", "image_name", "tag", "dockerfile", "buildargs", "push", "path"}
    for name in sorted(set(told) - known):
        yield Problem(
            f"{name} of the step {_BUILD} is left out", where, "write it into the Dockerfile"
        )


def _steps(step: object) -> Iterator[tuple[str, object]]:
    yield from mapping(step).items()


def _is(name: str, *wanted: str) -> bool:
    return name.rpartition(".")[2] in wanted
