"""What is registered, asked with one request.

By `http.client` and not over `api.rest`: importing that takes longer than all else of an unchanged
deploy together. Whatever is out of the ordinary is no answer, and the deploy asks properly.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

_SECONDS = 10.0
MOST_ROWS = 200
"""What the API gives at once."""
_HEADERS = {
    "Content-Type": "application/json",
    "X-PREFECT-API-VERSION": "0.8.4",
}


@dataclass(frozen=True)
class Row:
    """Of a deployment that is registered: what tells whether anything of it has changed."""

    updated: str
    """Moves with every change, whoever makes it."""
    version: str
    status: str
    """READY or NOT_READY: whether a worker takes its runs."""
    work_pool: str


def read_rows(api_url: str, ids: Sequence[str]) -> dict[str, Row] | None:
    """By id those that there are; None where there is no plain answer. Blocking."""
    told = ask(api_url, ids)
    if told is None:
        return None
    return {str(each.get("id")): row_of(each) for each in told}


def row_of(told: Mapping[str, Any]) -> Row:
    updated, version = told.get("updated"), told.get("version")
    status, pool = told.get("status"), told.get("work_pool_name")
    return Row(str(updated), str(version), str(status), str(pool))


def ask(api_url: str, ids: Sequence[str]) -> list[dict[str, Any]] | None:
    """The deployments as the API tells them. Blocking."""
    if not 0 < len(ids) <= MOST_ROWS:
        return None
    parts = urlsplit(api_url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    wanted = {"deployments": {"id": {"any_": list(ids)}}, "limit": MOST_ROWS}
    try:
        connection.request(
            "POST", f"{parts.path}/deployments/filter", json.dumps(wanted), headers=_HEADERS
        )
        answer = connection.getresponse()
        content = answer.read()
        told = json.loads(content) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return cast("list[dict[str, Any]]", told) if isinstance(told, list) else None
