"""What a Prefect REST API can do, as far as it is asked for here."""

from __future__ import annotations

from flowtui.models import Ability

ABILITIES = frozenset(
    {
        Ability.ANY_PROJECT,
    }
)
"""Of Prefect 2.20 and later, `prefect server` and Prefect Cloud alike."""
