"""`flowtui watch`: every save of a hot flow deploys it, without a screen."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import click

from flowtui import project_state
from flowtui.cli.lasting import LastingOutput
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output, style
from flowtui.cli.targets import find_targets, root_of
from flowtui.deploy.events import (
    DeployFinished,
    Event,
    Level,
    LogLine,
    Outcome,
    StageFinished,
    to_json,
)
from flowtui.errors import CredentialsError, FlowtuiError, UsageError
from flowtui.hot import events as hot
from flowtui.hot.loop import HotLoop
from flowtui.models import Discovery, FlowKind, LocalFlow, version_in_words
from flowtui.text import clean, clean_block
from flowtui.workspace import Workspace

_NAME = 24
"""Cells of the flow's name, at most."""


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET…]")
@click.option("--all", "everything", is_flag=True, help="Every flow of the folder.")
@click.option("--create-project", is_flag=True, help="Create a project that does not exist.")
@click.option("-v", "--verbose", is_flag=True, help="Show every log line.")
@workspace_options
@json_option
def watch(
    targets: tuple[str, ...],
    everything: bool,
    create_project: bool,
    verbose: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> None:
    """Deploy flows whenever something they are made from is saved, until Ctrl-C.

    TARGET is a path (all flows in it), PATH:NAME, or the name of a flow; without one, the flows
    that the app keeps hot in this folder (key h). A broken save never replaces a good version. A
    terminal that goes away stops nothing.
    """

    async def work() -> None:
        _end_on_sigterm()
        root = root_of(targets)
        workspace = await Workspace.open(root, profile=profile, api_url=api_url)
        discovery = await asyncio.to_thread(workspace.discover)
        state = await asyncio.to_thread(project_state.load, workspace.root)
        chosen = _chosen(targets, discovery, state.hot, everything=everything)
        output = LastingOutput(project_state.state_file(workspace.root).with_suffix(".watch.log"))
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, output.hang_up)
        teller = Teller(Output(as_json=as_json), output, workspace.root, verbose=verbose)
        teller.introduce(chosen)
        try:
            await _connect(workspace, teller)
            await _watch(workspace, chosen, teller, create_project=create_project)
        finally:
            await workspace.close()

    try:
        asyncio.run(work())
    except asyncio.CancelledError:
        raise click.Abort from None


def _end_on_sigterm() -> None:
    """The same end as by Ctrl-C: what is running is cancelled and cleans up."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _chosen(
    words: tuple[str, ...], discovery: Discovery, hot_ones: tuple[str, ...], *, everything: bool
) -> tuple[str, ...]:
    """The targets to watch. Raises UsageError when there are none."""
    if words and everything:
        raise UsageError("--all and targets are both given", fix="leave one of them out")
    if everything:
        found = tuple(flow.target for flow in discovery.flows if _is_deployable(flow))
        if not found:
            raise UsageError(
                "there are no flows that could be deployed here",
                where=discovery.root,
                fix="flowtui flows shows what is found",
            )
        return found
    if not words and not hot_ones:
        raise UsageError(
            "no flow of this folder is hot",
            where=discovery.root,
            fix="name some: flowtui watch PATH or --all; or press h on a flow in the app",
        )
    if not words:
        return hot_ones
    found = find_targets(words, discovery)
    if not found.flows:
        broken = found.broken[0]
        raise UsageError(
            broken.words,
            where=f"{broken.path}:{broken.line}",
            fix="mend it first: which flows are in it is not known before",
        )
    return tuple(flow.target for flow in found.flows)


def _is_deployable(flow: LocalFlow) -> bool:
    return flow.kind is FlowKind.FLOW_OBJECT and flow.function is None


async def _connect(workspace: Workspace, teller: Teller) -> None:
    """A control plane that is down now is waited for; a wrong token is an error now."""
    try:
        await workspace.connect()
    except CredentialsError:
        raise
    except FlowtuiError as error:
        teller.note(f"not connected: {error.problem.what}; saves wait until it answers")


async def _watch(
    workspace: Workspace, targets: tuple[str, ...], teller: Teller, *, create_project: bool
) -> None:
    async def deploy(flow: LocalFlow, emit: Callable[[Event], None]) -> DeployFinished:
        def both(event: Event) -> None:
            emit(event)
            teller.deploy_event(flow, event)

        return await workspace.deploy(flow, both, create_project=create_project)

    loop = HotLoop(
        workspace,
        owner="flowtui watch",
        tell=teller.happened,
        deploy=deploy,
        at_once=workspace.config.habits.at_once,
    )
    changes = workspace.watch()
    # The first set comes once every later save will be seen.
    await anext(changes)
    loop.mark(targets)
    tasks = {asyncio.create_task(loop.run()), asyncio.create_task(_follow(loop, changes))}
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _follow(loop: HotLoop, changes: AsyncIterator[frozenset[str]]) -> None:
    await loop.follow(changes)
    raise FlowtuiError("the folder is not watched any more", fix="start flowtui watch again")


class Teller:
    """What happens, as lines for people on stderr or as JSON lines on stdout."""

    def __init__(
        self, output: Output, lasting: LastingOutput, root: Path, *, verbose: bool
    ) -> None:
        self._output = output
        self._lasting = lasting
        self._root = root
        self._verbose = verbose
        self._width = 0

    def introduce(self, targets: tuple[str, ...]) -> None:
        names = [target.rpartition(":")[2] for target in targets]
        self._width = min(max(map(len, names)), _NAME)
        if self._lasting.on_terminal:
            self.note(f"if this terminal goes away, it goes on and writes to {self._lasting.file}")

    def note(self, text: str) -> None:
        self._lasting.print(lambda: self._output.note(text))

    def happened(self, event: hot.HotEvent) -> None:
        if self._output.as_json:
            self._lasting.print(lambda: self._output.data(hot.to_json(event)))
            return
        match event:
            case hot.Watching():
                names = ", ".join(target.rpartition(":")[2] for target in event.targets)
                self.note(f"watching {self._root}: {names}. Ctrl-C ends.")
            case hot.Saved():
                self._line(event.flow, _saved(event))
            case hot.Held():
                self._line(event.flow, f"waits: {event.words}", "yellow")
            case hot.Superseded():
                self._line(event.flow, "cancelled: a newer save takes its place", "yellow")
            case hot.Started():
                pass  # its first stage says so
            case hot.Deployed():
                self._line(event.flow, _deployed(event), "green")
            case hot.Failed():
                self._failed(event)

    def deploy_event(self, flow: LocalFlow, event: Event) -> None:
        """Of a deploy that a save led to."""
        if self._output.as_json:
            if self._verbose or not isinstance(event, LogLine):
                self._lasting.print(lambda: self._output.data(to_json(event)))
            return
        match event:
            case LogLine() if self._verbose or event.level in (Level.WARNING, Level.ERROR):
                self._line(flow.display_name, f"  {event.stage} | {clean(event.text)}")
            case StageFinished() if event.outcome is not Outcome.SKIPPED:
                took = f"{event.seconds:.1f}s"
                self._line(flow.display_name, f"  {event.stage:<12} {event.outcome} {took}")
            case _:
                pass

    def _failed(self, event: hot.Failed) -> None:
        problem = event.problem
        self._line(event.flow, f"failed: {problem.what}", "red")
        for label, text in (("where", problem.where), ("next", problem.fix)):
            for line in text.splitlines():
                self._line(event.flow, f"  {label:<5} {line}")

    def _line(self, flow: str, text: str, colour: str = "") -> None:
        when = time.strftime("%H:%M:%S")
        name = clean(flow)[: self._width]
        shown = " ".join(clean_block(text).split("\n"))
        if colour:
            shown = style(shown, fg=colour, stream=sys.stderr)
        self._lasting.print(lambda: _say(f"{when}  {name:<{self._width}}  {shown}"))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _saved(event: hot.Saved) -> str:
    if event.many:
        what = "many files changed at once"
    elif len(event.paths) > 3:
        what = f"saved {', '.join(event.paths[:3])} and {len(event.paths) - 3} more"
    else:
        what = f"saved {', '.join(event.paths)}" if event.paths else "changed"
    return f"{what}: all of it is as it was" if event.unchanged else what


def _deployed(event: hot.Deployed) -> str:
    version = version_in_words(event.version, event.label) or "registered"
    if event.unchanged:
        return f"{version} was made from exactly this, {event.seconds:.1f}s"
    return f"{version} in {event.seconds:.1f}s"
