"""Recorded traffic of real clients and agents, replayed: what was answered without errors then is
answered without errors now, in the same shape.

The recordings were made against another server, so the ids in them are mapped to ours as answers
come in. Of equal requests six at most were kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowtui.server.app import Door, build_app
from flowtui.server.database import open_database

pytestmark = pytest.mark.slow

CAPTURES = Path(__file__).parent / "captures"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Replay:
    def __init__(self, client: TestClient) -> None:
        self._client = client
        self._ours: dict[str, str] = {}

    def answer(self, record: Mapping[str, Any]) -> dict[str, Any]:
        headers = {**record["headers"], "authorization": "Bearer whatever"}
        body = self._translated(record["body"])
        response = self._client.post(
            record["path"], json=body, headers=json.loads(self._mapped(json.dumps(headers)))
        )
        assert response.status_code == 200
        return response.json()

    def _translated(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return json.loads(self._mapped(json.dumps(body)))

    def _mapped(self, text: str) -> str:
        return _UUID.sub(lambda match: self._ours.get(match.group(), match.group()), text)

    def learn(self, recorded: Any, actual: Any) -> None:
        """Pair the ids of a recorded answer with those of ours."""
        if isinstance(recorded, dict) and isinstance(actual, dict):
            for key in recorded.keys() & actual.keys():
                self.learn(recorded[key], actual[key])
        elif isinstance(recorded, list) and isinstance(actual, list):
            left = list(actual)
            for item in recorded:
                if left:
                    best = max(left, key=lambda other: self._likeness(item, other))
                    left.remove(best)
                    self.learn(item, best)
        elif _is_id(recorded) and _is_id(actual):
            self._ours.setdefault(recorded, actual)

    def _likeness(self, recorded: Any, actual: Any) -> int:
        if isinstance(recorded, dict) and isinstance(actual, dict):
            return sum(self._likeness(value, actual.get(key)) for key, value in recorded.items())
        known = self._ours.get(recorded) if isinstance(recorded, str) else None
        return 5 if known is not None and known == actual else int(recorded == actual)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def differs(recorded: Any, actual: Any) -> bool:
    """True when an object misses a key or has one too many; JSON documents may differ inside."""
    if isinstance(recorded, dict) and isinstance(actual, dict):
        return any(key not in actual for key in recorded) or any(
            differs(recorded[key], actual[key])
            for key in recorded
            if key not in ("serialized_state", "settings", "serialized_flow")
        )
    if isinstance(recorded, list) and isinstance(actual, list):
        return bool(recorded and actual) and differs(recorded[0], actual[0])
    return isinstance(recorded, dict | list) and actual is None


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_recorded_traffic_is_answered(capture: Path, tmp_path: Path) -> None:
    database = open_database(tmp_path / "server.db")
    client = TestClient(build_app(database, Door(None, check_host=True)), "http://127.0.0.1:4200")
    replay = Replay(client)
    problems: list[str] = []
    for line in capture.read_text().splitlines():
        record = json.loads(line)
        recorded, actual = record["response"], replay.answer(record)
        replay.learn(recorded.get("data"), actual.get("data"))
        about = f"{record['seq']} {record['step']}: {json.dumps(actual)[:300]}"
        if "errors" in recorded:
            wanted = recorded["errors"][0]["message"]
            if actual.get("errors", [{}])[0].get("message") != wanted:
                problems.append(about)
        elif "errors" in actual:
            problems.append(about)
        elif differs(recorded["data"], actual["data"]):
            problems.append(f"{about} was {json.dumps(recorded)[:300]}")
    database.close()
    assert problems == []
