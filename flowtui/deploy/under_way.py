"""One deploy under way: its stages and its end, told as events, whatever it is that it does."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Outcome,
    Stage,
    StageFinished,
    StageStarted,
    problem_found,
    tidied,
)
from flowtui.deploy.stages.context import StageContext
from flowtui.errors import ExitCode, FlowtuiError, our_fault
from flowtui.models import FlowVersion

Emit = Callable[[Event], None]
Turn = Callable[[Stage], AbstractAsyncContextManager[object]]
"""Waits until a stage may begin, and holds its place while it runs."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a deploy came to."""

    outcome: Outcome
    version: FlowVersion | None = None
    image: str | None = None
    digest: str | None = None
    reason: str = ""


class UnderWay:
    """Emits what happens; knows nothing of what the stages do."""

    def __init__(self, flow_name: str, readers: Emit, turn: Turn | None = None) -> None:
        """`turn` lets deploys made together take turns; alone each stage begins at once."""
        self.id = uuid.uuid4().hex
        self.flow_name = flow_name
        """Changes once the flow is loaded, where its name is dynamic in the source."""
        self._readers = readers
        self._turn = turn or _at_once
        self._stage: Stage | None = None
        self._began: float | None = None
        """When the first stage did; before it the deploy waited for its turn."""

    def emit(self, event: Event) -> None:
        """The one place where text from outside enters the stream."""
        self._readers(tidied(event))

    async def carry_out(
        self,
        stages: Callable[[], Awaitable[Made]],
        *,
        target: str,
        project: str,
        api_url: str,
        resumes: str = "",
    ) -> DeployFinished:
        """Start, run the stages, and end: a failure is an outcome, a cancellation is raised."""
        started = time.monotonic()
        self.emit(
            DeployStarted(
                deploy=self.id,
                flow=self.flow_name,
                target=target,
                project=project,
                api_url=api_url,
                resumes=resumes,
            )
        )
        try:
            made = await stages()
        except FlowtuiError as error:
            self.emit(problem_found(self.id, self._stage, error.problem))
            failed = Made(Outcome.FAILED, reason=error.problem.what)
            return self._finish(failed, started, error.exit_code)
        except asyncio.CancelledError as cancel:
            # A registration that was on its way cannot be called back: its client says what stayed.
            left = "; ".join(getattr(cancel, "__notes__", ())) or "nothing was registered"
            stage = f" during {self._stage}" if self._stage else ""
            cancelled = Made(Outcome.CANCELLED, reason=f"cancelled{stage}; {left}")
            self._finish(cancelled, started, ExitCode.CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001  (a fault of ours must still end the deploy)
            problem = our_fault(error).problem
            self.emit(problem_found(self.id, self._stage, problem))
            return self._finish(Made(Outcome.FAILED, reason=problem.what), started, ExitCode.FAILED)
        return self._finish(made, started, ExitCode.OK)

    @asynccontextmanager
    async def stage(self, stage: Stage) -> AsyncGenerator[StageContext]:
        """One stage, when it is its turn."""
        async with self._turn(stage), self.stage_at_once(stage) as ctx:
            yield ctx

    @asynccontextmanager
    async def stage_at_once(self, stage: Stage) -> AsyncGenerator[StageContext]:
        """One stage: started and finished are emitted whatever happens within."""
        started = time.monotonic()
        self._stage = stage
        self._began = self._began or started
        self.emit(StageStarted(deploy=self.id, stage=stage))
        outcome, detail = Outcome.DONE, ""
        try:
            yield StageContext(self.id, stage, self.emit)
        except asyncio.CancelledError:
            outcome = Outcome.CANCELLED
            raise
        except FlowtuiError as error:
            outcome, detail = Outcome.FAILED, error.problem.what
            raise
        except BaseException as error:
            outcome, detail = Outcome.FAILED, f"unexpected {type(error).__name__}"
            raise
        finally:
            self.emit(
                StageFinished(
                    deploy=self.id,
                    stage=stage,
                    outcome=outcome,
                    seconds=time.monotonic() - started,
                    detail=detail,
                )
            )

    def skip(self, stage: Stage, why: str) -> None:
        self.emit(
            StageFinished(
                deploy=self.id, stage=stage, outcome=Outcome.SKIPPED, seconds=0.0, detail=why
            )
        )

    def _finish(self, made: Made, started: float, code: ExitCode) -> DeployFinished:
        finished = DeployFinished(
            deploy=self.id,
            flow=self.flow_name,
            outcome=made.outcome,
            seconds=time.monotonic() - (self._began or started),
            exit_code=int(code),
            reason=made.reason,
            version=made.version.version or None if made.version is not None else None,
            label=made.version.label if made.version is not None else "",
            version_id=made.version.id if made.version is not None else None,
            image=made.image,
            digest=made.digest,
        )
        self.emit(finished)
        return finished


def _at_once(_: Stage) -> AbstractAsyncContextManager[object]:
    return nullcontext()
