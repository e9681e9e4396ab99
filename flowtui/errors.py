"""Errors a person can act on, and the exit codes of the command line."""

from __future__ import annotations

import traceback
from enum import IntEnum
from pathlib import Path
from typing import Self

from flowtui.models import Problem


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    """A deploy failed: loading, building, health check or registration said no. Or a run that was
    followed failed."""
    USAGE = 2
    """The command line or a configuration file is wrong."""
    CREDENTIALS = 3
    CONTROL_PLANE = 4
    """The control plane is unreachable or refuses."""
    ENGINE = 5
    """The Docker engine or the registry is unreachable or refuses."""
    RUN_CANCELLED = 6
    """A run that was followed ended as Cancelled."""
    CHANGES = 10
    """A plan: a deploy would change something."""
    CANCELLED = 130


class FlowtuiError(Exception):
    """Base of every error shown to a person: what is wrong, where, and what to do next."""

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.problem = Problem(what, where, fix)

    @classmethod
    def of(cls, problem: Problem) -> Self:
        return cls(problem.what, where=problem.where, fix=problem.fix)

    def __str__(self) -> str:
        parts = [self.problem.what]
        if self.problem.where:
            parts.append(f"  where: {self.problem.where}")
        if self.problem.fix:
            parts.append(f"  next:  {self.problem.fix}")
        return "\n".join(parts)


class DeployError(FlowtuiError):
    """A stage of a deploy failed because of the flow, its image or its settings."""


class UsageError(FlowtuiError):
    exit_code = ExitCode.USAGE


class CredentialsError(FlowtuiError):
    exit_code = ExitCode.CREDENTIALS


class ControlPlaneError(FlowtuiError):
    exit_code = ExitCode.CONTROL_PLANE


class EngineError(FlowtuiError):
    exit_code = ExitCode.ENGINE


def our_fault(error: Exception) -> FlowtuiError:
    """An exception nobody foresaw, without its traceback and locals: those may hold secrets."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return FlowtuiError(
        f"flowtui failed: {type(error).__name__}: {error}",
        where=f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}",
        fix="this is a fault of flowtui: please report it; FLOWTUI_DEBUG=1 shows the traceback",
    )
