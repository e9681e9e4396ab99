"""What a Prefect REST API can do, as far as it is asked for here."""

from __future__ import annotations

from flowtui.models import Ability

ABILITIES = frozenset(Ability) - {
    Ability.CREATE_PROJECTS,  # each is there as soon as something is in it
    Ability.DESCRIBE_PROJECTS,
    Ability.MOVE_VERSIONS,
    Ability.ARCHIVE_VERSIONS,
    Ability.REGISTER_FLOW_OBJECTS,
}
"""Of Prefect 3, `prefect server` and Prefect Cloud alike."""


def abilities(release: tuple[int, ...]) -> frozenset[Ability]:
    """Of a server of this release; empty for Prefect Cloud.

    One of Prefect 2 has no events, but as an experiment.
    """
    if release and release < (3,):
        return ABILITIES - {Ability.STREAM_RUN_CHANGES}
    return ABILITIES
