"""The control plane in use, the token for it, and the keyring."""

from __future__ import annotations

import time
from collections.abc import Sequence

from flowtui.credentials import CredentialStore
from flowtui.doctor.checks import Check, State, bad
from flowtui.doctor.subject import Subject
from flowtui.errors import CredentialsError, FlowtuiError


async def profile(subject: Subject) -> Sequence[Check]:
    chosen = (await subject.workspace()).profile
    value = f"{chosen.name}, {chosen.api_url} (from: {chosen.origin})"
    ca = f", trusting {chosen.ca_file}" if chosen.ca_file else ""
    return (Check("profile", State.OK, f"{value}{ca}"),)


async def connection(subject: Subject) -> Sequence[Check]:
    workspace = await subject.workspace()
    started = time.monotonic()
    try:
        identity = await workspace.connect()
    except CredentialsError as error:
        return (bad("reached", error.problem), _token(workspace.token_source))
    except FlowtuiError as error:
        return (bad("reached", error.problem), _token(workspace.token_source))
    took = f"{(time.monotonic() - started) * 1000:.0f} ms"
    tenant = f", tenant {identity.tenant}" if identity.tenant else ""
    notes = workspace.credentials.notes
    checks = [
        Check("reached", State.OK, f"{identity.server}{tenant}, in {took}"),
        _token(workspace.token_source),
    ]
    if notes:
        fix = "unlock or repair that place, or log in again and keep the token elsewhere"
        checks.append(Check("token places", State.WARNING, "\n".join(notes), fix))
    return checks


def _token(source: str) -> Check:
    return Check("token", State.OK, "none in use" if source == "none" else f"from: {source}")


async def keyring(subject: Subject) -> Sequence[Check]:
    """Which one answers, judged by its kind: nothing is read, so nothing has to be unlocked."""
    store = (await subject.workspace()).credentials
    status = await store.keyring_status()
    fix = (
        "nothing has to be done: tokens can be kept for a session, in a private file, or come "
        "from FLOWTUI_API_KEY"
    )
    if not status.safe:
        return (Check("keyring", State.WARNING, f"{status.name}: {status.reason}", fix),)
    if not await _answers(store):
        words = f"{status.name}, waiting for an unlock on the desktop"
        return (Check("keyring", State.WARNING, words, "unlock it there"),)
    return (Check("keyring", State.OK, f"{status.name}, safe to keep tokens in"),)


async def _answers(store: CredentialStore) -> bool:
    return await store.wait_for_keyring(0)
