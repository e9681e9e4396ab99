"""What answers at an address, asked without a token: for a person who is typing it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from flowtui.api.opening import connect, token_kind
from flowtui.errors import CredentialsError, FlowtuiError

_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, in words for a person."""

    good: bool
    """A control plane answers; it may want a token."""
    words: str
    fix: str = ""
    wants_token: bool = False


async def probe(api_url: str, ca_file: Path | None = None, *, seconds: float = _SECONDS) -> Answer:
    """Ask once; whatever goes wrong is an answer too. No token is looked for or sent."""
    try:
        async with asyncio.timeout(seconds):
            return await _asked(api_url, ca_file)
    except CredentialsError:
        return Answer(True, f"answers, and wants {token_kind(api_url).one}", wants_token=True)
    except TimeoutError:
        return Answer(False, f"no answer within {seconds:g} s", "check the address and the network")
    except FlowtuiError as error:
        return Answer(False, error.problem.what, error.problem.fix)


async def _asked(api_url: str, ca_file: Path | None) -> Answer:
    plane, identity = await connect(api_url, None, ca_file=ca_file)
    await plane.close()
    return Answer(True, f"answers: {identity.server}")
