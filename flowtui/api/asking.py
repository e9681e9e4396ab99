"""What the modules that read and start runs need of a connected GraphQL control plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from flowtui.api.dialect import LEAST_PAGE, Naming
from flowtui.errors import ControlPlaneError
from flowtui.models import Ability, FlowVersion, Json, JsonObject

T = TypeVar("T")


class Api(Protocol):
    """The part of `GraphQLControlPlane` that asks and reads answers."""

    @property
    def api_url(self) -> str: ...
    @property
    def naming(self) -> Naming: ...
    async def abilities(self) -> frozenset[Ability]: ...
    async def rows(
        self,
        table: str,
        where: Mapping[str, Json],
        order: str,
        fields: Mapping[str, str],
        *,
        optional: tuple[str, ...] = (),
        limit: int | None = None,
        distinct: str = "",
        offset: int = 0,
        page: int = LEAST_PAGE,
    ) -> list[dict[str, Any]]: ...
    def understood(
        self, rows: Sequence[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], T]
    ) -> tuple[T, ...]: ...
    async def mutate(
        self,
        name: str,
        values: Mapping[str, Json],
        selection: str,
        *,
        optional: tuple[str, ...] = (),
        safe: bool = False,
        safe_with: str = "",
    ) -> JsonObject: ...
    async def version(self, version_id: str) -> FlowVersion | None: ...


async def require(api: Api, ability: Ability) -> None:
    """Raises ControlPlaneError where the API cannot do it."""
    if ability not in await api.abilities():
        raise ControlPlaneError(
            f"this API cannot {ability}",
            where=api.api_url,
            fix="do it in the control plane's own UI",
        )
