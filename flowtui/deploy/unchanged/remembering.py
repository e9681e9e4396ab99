"""Keeps the answer of a deploy that left nothing to do, with all that it rests on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowtui import addresses, config, paths
from flowtui.deploy.docker.docker_config import find_endpoint
from flowtui.deploy.docker.registry import ImageReference
from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Level,
    LogLine,
    Outcome,
    Planned,
    to_json,
)
from flowtui.deploy.plan import Lane
from flowtui.deploy.unchanged import look
from flowtui.deploy.unchanged.answer import Answer, keep
from flowtui.deploy.unchanged.images import Image, base_id, is_there
from flowtui.deploy.unchanged.rows import MOST_ROWS, Row, ask, row_of
from flowtui.errors import FlowtuiError
from flowtui.json_shapes import items, mapping
from flowtui.models import Interpreter, StorageKind
from flowtui.source.interpreter import find_interpreter

_HARMLESS = ("distutils-precedence.pth", "_virtualenv.pth")
"""`.pth` files that every environment has; others with code may lead imports anywhere."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class Done:
    """Deploys that went well."""

    root: Path
    settings: config.ProjectConfig
    api_url: str
    """Where the REST API is rooted; it wants no token."""
    began_ns: int
    """Before anything was looked at, in nanoseconds since the epoch."""
    events: Sequence[Event]


async def remember(key: str, done: Done) -> bool:
    """Keep it for the question; False for what has to be looked at properly each time."""
    finished = [each for each in done.events if isinstance(each, DeployFinished)]
    ids = tuple(each.version_id for each in finished if each.version_id is not None)
    if not _is_simple(done, finished) or len(ids) != len(finished) or len(ids) > MOST_ROWS:
        return False
    interpreter = await find_interpreter(done.root, done.settings.python)
    return await asyncio.to_thread(_kept, key, done, interpreter, ids)


def _is_simple(done: Done, finished: Sequence[DeployFinished]) -> bool:
    """Nothing but what files, the environment and the API tell decides over it."""
    planned = [each for each in done.events if isinstance(each, Planned)]
    behind_proxy = not addresses.is_loopback(done.api_url) and any(
        os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES
    )
    return (
        bool(finished)
        and len(planned) == len(finished)
        and not any(".." in each.settings.get("files", "") for each in planned)
        and all(each.outcome in (Outcome.DONE, Outcome.UNCHANGED) for each in finished)
        and not behind_proxy
    )


def _kept(key: str, done: Done, interpreter: Interpreter, ids: Sequence[str]) -> bool:
    told = ask(done.api_url, ids)
    if told is None or len(told) != len(set(ids)):
        return False
    try:
        packages = _packages(interpreter)
        files = {path: look.file(path) for path in (*_files(done, interpreter), *packages.files)}
        trees = {path: look.tree(path) for path in (str(done.root), *packages.trees)}
        stored = {path: look.tree(path, hidden=True) for path in _stored(told)}
        images = _images(done.events, told)
    except (look.CannotTellError, FlowtuiError, OSError, UnicodeDecodeError):
        return False
    newest = max(each.changed_ns for each in (*files.values(), *trees.values()))
    if newest >= done.began_ns:
        return False  # it may have been looked at before that change, or after it
    rows: dict[str, Row] = {str(each.get("id")): row_of(each) for each in told}
    events = [to_json(each) for each in _as_unchanged(done.events)]
    looks = (_digests(files), _digests(trees), _digests(stored))
    keep(key, Answer(done.api_url, rows, *looks, images, events))
    return True


def _digests(looks: Mapping[str, look.Look]) -> dict[str, str]:
    return {path: each.digest for path, each in looks.items()}


def _files(done: Done, interpreter: Interpreter) -> Iterable[str]:
    """Files outside the project's visible ones that decide, those among them that are not there."""
    yield str(config.user_file())
    for folder in done.root.parents:
        yield str(folder / config.PROJECT_FILE)
        yield str(folder / config.PYPROJECT)
    for name in (".venv", "venv"):
        yield str(done.root / name)
    yield interpreter.executable
    yield os.path.realpath(interpreter.executable)


@dataclass(frozen=True, slots=True)
class _Packages:
    files: tuple[str, ...]
    """The folders that packages are installed in, and what adds others to them."""
    trees: tuple[str, ...]
    """Folders of code that are added."""


def _packages(interpreter: Interpreter) -> _Packages:
    """Raises CannotTellError where imports may lead somewhere else."""
    environment = Path(interpreter.executable).parent.parent
    settings = environment / "pyvenv.cfg"
    if not settings.exists():
        environment = Path(os.path.realpath(interpreter.executable)).parent.parent
    elif "include-system-site-packages = true" in settings.read_text(encoding="utf-8"):
        raise look.CannotTellError(str(settings))
    minor = interpreter.python_minor
    folder = environment / "lib" / f"python{minor}" / "site-packages"
    if not folder.is_dir():
        raise look.CannotTellError(str(folder))
    added = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    links = [file for file in sorted(folder.glob("*.pth")) if file.name not in _HARMLESS]
    for link in links:
        added += _leads_to(link)
    return _Packages((str(folder), *map(str, links)), tuple(added))


def _leads_to(link: Path) -> list[str]:
    found: list[str] = []
    for line in link.read_text(encoding="utf-8").splitlines():
        if line.startswith(("import ", "import\t")):
            raise look.CannotTellError(str(link))
        place = link.parent / line.strip()
        if line.strip() and not line.startswith("#") and place.is_dir():
            found.append(str(place))
    return found


def _stored(told: Sequence[Mapping[str, Any]]) -> set[str]:
    """Folders of flowtui's own that runs take the source from."""
    own = f"{paths.data_dir()}{os.sep}"
    found: set[str] = set()
    for each in told:
        for step in items(each.get("pull_steps")):
            for options in mapping(step).values():
                folder = str(mapping(options).get("directory") or "")
                if folder.startswith(own):
                    found.add(folder)
    return found


def _images(events: Sequence[Event], told: Sequence[Mapping[str, Any]]) -> list[Image]:
    """Raises CannotTellError for an image that cannot simply be asked for, FlowtuiError for Docker
    settings that are no good."""
    planned = {each.deploy: each for each in events if isinstance(each, Planned)}
    rows = {str(each.get("id")): each for each in told}
    found: dict[Image, None] = {}
    for each in events:
        if not isinstance(each, DeployFinished):
            continue
        plan = planned[each.deploy]
        if plan.storage == StorageKind.LOCAL:
            continue
        variables = mapping(rows[each.version_id or ""].get("job_variables"))
        found[_image(str(variables.get("image") or ""), plan.settings)] = None
    return list(found)


def _image(named: str, settings: Mapping[str, str]) -> Image:
    reference = ImageReference.parse(named)
    if reference.digest is None or "registry_url" not in settings:
        raise look.CannotTellError(named)
    host, digest = reference.registry, reference.digest
    schemes = ("http", "https") if addresses.is_loopback(f"http://{host}") else ("https",)
    registries = (f"{scheme}://{host}" for scheme in schemes)
    registry = next((r for r in registries if is_there(r, reference.repository, digest)), None)
    if registry is None:
        raise look.CannotTellError(named)
    image = Image(registry, reference.repository, digest)
    base = settings.get("base_image")
    if not base or "dockerfile" in settings:
        return image
    endpoint = find_endpoint(os.environ)
    place = endpoint.url.partition("://")[2]
    known = base_id(place, base) if endpoint.is_local else None
    if known is None:
        raise look.CannotTellError(base)
    return replace(image, socket=place, base=base, base_id=known)


def _as_unchanged(events: Sequence[Event]) -> list[Event]:
    """What a deploy would tell now: the same flows and warnings, and that nothing is to do."""
    words = {
        each.deploy: f"{each.version_words} was made from exactly this input"
        for each in events
        if isinstance(each, DeployFinished)
    }
    told: list[Event] = []
    for event in events:
        match event:
            case DeployStarted() | LogLine(level=Level.WARNING | Level.ERROR):
                told.append(event)
            case Planned():
                told.append(replace(event, lane=Lane.NOTHING, reasons=(words[event.deploy],)))
            case DeployFinished():
                told.append(
                    replace(
                        event,
                        outcome=Outcome.UNCHANGED,
                        seconds=0.0,
                        reason=words[event.deploy],
                        image=None,
                        digest=None,
                    )
                )
            case _:
                pass
    return told
