"""What was applied of deployments, as the history remembers it: a server keeps no versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from flowtui.models import JsonObject


@dataclass(frozen=True, slots=True)
class AppliedPayload:
    """A payload that a deploy has just applied, to be kept."""

    deploy: str
    version_id: str
    """Id of the deployment."""
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class Applied:
    """A payload that a deploy applied, with what is known of that deploy."""

    deploy: str
    started: float
    """Seconds since the epoch."""
    version_id: str
    payload: JsonObject
    """What the project said, see `ControlPlane.register`: not what was changed elsewhere."""
    content_hash: str
    image: str | None = None
    """`registry/name:tag`."""
    digest: str | None = None


class Memory(Protocol):
    """Reading it blocks: call it in a thread."""

    def applied(self, version_id: str) -> tuple[Applied, ...]:
        """What was applied of this deployment from this machine, newest first."""
        ...

    def made_from(self, content_hash: str) -> tuple[Applied, ...]:
        """Good deploys of exactly this content, whichever deployment it was for, newest first."""
        ...


class NoMemory:
    """For who has no history."""

    def applied(self, version_id: str) -> tuple[Applied, ...]:
        del version_id
        return ()

    def made_from(self, content_hash: str) -> tuple[Applied, ...]:
        del content_hash
        return ()
