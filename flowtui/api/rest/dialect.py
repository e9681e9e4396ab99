"""What differs between the releases of Prefect 2 and 3, as far as deployments are concerned.

Rows are given the form of Prefect 3.9 whatever server wrote them; bodies are given the form that
the server takes. From the schemas of 2.10, 2.14, 2.16, 2.20, 3.0 to 3.4 and 3.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowtui.api.rest.connection import Connection
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import items, mapping
from flowtui.models import Json, JsonObject
from flowtui.releases import release

_CREATED_ONLY = frozenset({"labels"})
"""What no release changes but by putting the whole deployment anew."""
_CREATED_ONLY_BEFORE_3_2 = frozenset({"parameter_openapi_schema", "pull_steps"})
_EXTRAS_OF_SCHEDULES = ("max_scheduled_runs", "max_active_runs", "catchup")


@dataclass(frozen=True, slots=True)
class Dialect:
    release: tuple[int, ...]
    """Of the server; empty for Prefect Cloud, which takes what the newest release takes."""

    def since(self, *first: int) -> bool:
        return not self.release or self.release >= first

    @property
    def created_only(self) -> frozenset[str]:
        """Fields that a PATCH does not take: all of a deployment has to be put again for them."""
        return _CREATED_ONLY if self.since(3, 2) else _CREATED_ONLY | _CREATED_ONLY_BEFORE_3_2

    @property
    def tells_states_apart(self) -> bool:
        """Whether runs can be asked for by the names that their states do not have."""
        return self.since(3)

    @property
    def empties_job_variables(self) -> bool:
        """Earlier ones take no variables at all for none given."""
        return self.since(3)

    @property
    def forgets(self) -> frozenset[str]:
        """Fields that are not told again: the server keeps nothing of them."""
        if self.since(3, 2):
            return frozenset() if not self.release else frozenset({"version_info"})
        return frozenset({"version_info", "labels"})

    def body(self, fields: JsonObject, *, where: str) -> dict[str, Json]:
        """Fields of a deployment as this release takes them.

        What it does not know and nobody misses is left out. Raises ControlPlaneError for what
        somebody would miss.
        """
        body = dict(fields)
        if not self.since(3, 3):
            body.pop("version_info", None)
        if not self.since(3, 2):
            body.pop("labels", None)
        if not self.since(3):
            self._without(body, "concurrency_limit", where, "limit the runs of a deployment")
            _rename(body, "job_variables", "infra_overrides")
        if not self.since(2, 14):
            body.pop("enforce_parameter_schema", None)
        if "schedules" in body:
            schedules = [dict(mapping(each)) for each in items(body.pop("schedules"))]
            body |= self._schedules(schedules, where)
        if "paused" in body and not self.since(2, 16):
            body["is_schedule_active"] = not body.pop("paused")
        return body

    def _schedules(self, schedules: list[dict[str, Any]], where: str) -> dict[str, Json]:
        if self.since(3, 2):
            return {"schedules": [_filled(each) for each in schedules]}
        for each in schedules:
            self._without(each, "parameters", where, "give a schedule parameters of its own")
            each.pop("slug", None)
        if self.since(2, 16):
            return {"schedules": [_filled(each) for each in schedules]}
        if len(schedules) > 1:
            raise _cannot("keep several schedules of a deployment", where)
        only = schedules[0] if schedules else {}
        return {"schedule": only.get("schedule"), "is_schedule_active": only.get("active", True)}

    def _without(self, body: dict[str, Any], key: str, where: str, action: str) -> None:
        if body.pop(key, None):
            raise _cannot(action, where)


async def spoken(api: Connection) -> Dialect:
    """The dialect of the server, asked for its release where it was not yet."""
    if not api.release and not api.credential.is_cloud:
        api.release = release(str(await api.get("/admin/version", missing_ok=True)))
    return Dialect(api.release)


def deployment(row: JsonObject) -> dict[str, Any]:
    """A deployment's row in the form of Prefect 3.9, with its schedules as they were created."""
    told: dict[str, Any] = dict(row)
    if "job_variables" not in told:
        told["job_variables"] = told.get("infra_overrides") or {}
    if "paused" not in told:
        told["paused"] = not told.get("is_schedule_active", True)
    if "schedules" not in told:
        schedule = told.get("schedule")
        # One that was paused with its deployment is told once, as the deployment's pause.
        told["schedules"] = [{"active": True, "schedule": schedule}] if schedule else []
    told["schedules"] = sorted(
        (mapping(each) for each in items(told["schedules"])),
        key=lambda each: str(each.get("created") or ""),
    )
    limit = mapping(told.get("global_concurrency_limit"))
    if told.get("concurrency_limit") is None and limit.get("name") == f"deployment:{row['id']}":
        told["concurrency_limit"] = limit.get("limit")
    return told


def schedule(row: Mapping[str, Any]) -> dict[str, Json]:
    """A schedule of a deployment's row as a payload has it."""
    told: dict[str, Json] = {
        "slug": row.get("slug"),
        "active": bool(row.get("active", True)),
        "schedule": mapping(row.get("schedule")),
    }
    if parameters := mapping(row.get("parameters")):
        told["parameters"] = parameters
    told |= {key: row[key] for key in _EXTRAS_OF_SCHEDULES if row.get(key)}
    return told


def _filled(schedule: Mapping[str, Any]) -> dict[str, Json]:
    return {key: value for key, value in schedule.items() if value is not None}


def _rename(body: dict[str, Any], name: str, before: str) -> None:
    if name in body:
        body[before] = body.pop(name)


def _cannot(action: str, where: str) -> ControlPlaneError:
    return ControlPlaneError(
        f"this Prefect cannot {action}", where=where, fix="leave it out, or use a newer server"
    )
