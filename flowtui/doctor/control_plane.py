"""The control plane in use, the token for it, and the keyring."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from flowtui import addresses
from flowtui.credentials import CredentialStore, TokenKind
from flowtui.doctor.checks import Check, State, bad
from flowtui.doctor.subject import Subject
from flowtui.errors import FlowtuiError
from flowtui.models import Ability, FlowKind, LocalFlow
from flowtui.quantities import counted
from flowtui.workspace import Workspace


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
    except FlowtuiError as error:
        return (bad("reached", error.problem), _token(workspace))
    took = f"{(time.monotonic() - started) * 1000:.0f} ms"
    word = addresses.tenant_word(identity.api_url)
    tenant = f", {word} {identity.tenant}" if identity.tenant else ""
    place = f", at {identity.api_url}" if identity.api_url != workspace.profile.api_url else ""
    notes = workspace.credentials.notes
    checks = [
        Check("reached", State.OK, f"{identity.server}{tenant}{place}, in {took}"),
        _token(workspace),
    ]
    if notes:
        fix = "unlock or repair that place, or log in again and keep the token elsewhere"
        checks.append(Check("token places", State.WARNING, "\n".join(notes), fix))
    return (*checks, *_not_taken((await subject.discovery()).flows, identity.abilities))


def _not_taken(flows: Sequence[LocalFlow], abilities: frozenset[Ability]) -> Iterator[Check]:
    """Flows here that are of the other generation than the control plane."""
    for kind, ability, versions, fix in (
        (FlowKind.FLOW_OBJECT, Ability.REGISTER_FLOW_OBJECTS, "0.6 to 1.4", "flowtui server"),
        (
            FlowKind.FLOW_FUNCTION,
            Ability.REGISTER_DEPLOYMENTS,
            "2 and 3",
            "a prefect server or Prefect Cloud",
        ),
    ):
        count = sum(flow.kind is kind for flow in flows)
        if count and ability not in abilities:
            yield Check(
                "flows it takes",
                State.WARNING,
                f"{counted(count, 'flow')} here of Prefect {versions} cannot be deployed to it",
                f"use the profile of a control plane that takes them: {fix}, for example",
            )


def _token(workspace: Workspace) -> Check:
    """Where it is from, and what kind the control plane takes."""
    from flowtui.api.opening import token_kind

    source, kind = workspace.token_source, token_kind(workspace.profile.api_url)
    words = "none in use" if source == "none" else f"from: {source}"
    takes = "" if kind is TokenKind.TOKEN else f" (it takes {kind.one})"
    return Check("token", State.OK, f"{words}{takes}")


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
