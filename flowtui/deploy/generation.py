"""A flow of one generation of Prefect, and a control plane of the other."""

from __future__ import annotations

from collections.abc import Collection

from flowtui.errors import DeployError
from flowtui.models import Ability, FlowKind, LocalFlow

_NEEDS = {
    FlowKind.FLOW_OBJECT: Ability.REGISTER_FLOW_OBJECTS,
    FlowKind.FLOW_FUNCTION: Ability.REGISTER_DEPLOYMENTS,
}
_GENERATIONS = {FlowKind.FLOW_OBJECT: "0.6 to 1.4", FlowKind.FLOW_FUNCTION: "2 and 3"}


def takes(flow: LocalFlow, abilities: Collection[Ability]) -> bool:
    """Whether a control plane registers such a flow; yes where its abilities are not known."""
    known = [kind for kind, ability in _NEEDS.items() if ability in abilities]
    return not known or flow.kind in known


def refuse_other(flow: LocalFlow, abilities: Collection[Ability], api_url: str) -> None:
    """Raises DeployError, before anything is loaded or built."""
    if takes(flow, abilities):
        return
    generation = _GENERATIONS[flow.kind]
    fix = (
        "use a profile of a `prefect server` or of Prefect Cloud: flowtui profiles"
        if flow.kind is FlowKind.FLOW_FUNCTION
        else "use a profile of a Prefect GraphQL API: flowtui profiles; `flowtui server` is one"
    )
    raise DeployError(
        f"“{flow.display_name}” is a flow of Prefect {generation}, which {api_url} does not take",
        where=f"{flow.path}:{flow.line}",
        fix=fix,
    )
