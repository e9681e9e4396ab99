"""The stand-ins answer unmodified Prefect clients as recorded: every request is replayed."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.parts.recorded_cloud import TOKEN, RecordedCloud, recorded_cloud

RECORDINGS = Path(__file__).parent / "recordings"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def replay(cloud: RecordedCloud, recording: dict[str, Any], ids: dict[str, str]) -> Any:
    """Send a recorded request, with the ids that this server gave instead of the recorded ones."""

    def translated(text: str) -> str:
        return _UUID.sub(lambda match: ids.get(match.group(), match.group()), text)

    body = {
        "query": translated(recording["body"]["query"]),
        "variables": translated(recording["body"]["variables"]),
    }
    headers = {key: value.replace("<TOKEN>", TOKEN) for key, value in recording["headers"].items()}
    request = urllib.request.Request(
        cloud.url + recording["path"],
        data=json.dumps(body).encode(),
        headers={**headers, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def shape(value: Any) -> Any:
    """Keys and types; lists by their first item, whose number depends on what was created."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, str):
        return "id" if _UUID.fullmatch(value) else "text"
    return type(value).__name__


def learn(recorded: Any, answered: Any, ids: dict[str, str]) -> None:
    if isinstance(recorded, dict) and isinstance(answered, dict):
        for key in recorded:
            learn(recorded[key], answered.get(key), ids)
    elif isinstance(recorded, str) and _UUID.fullmatch(recorded):
        ids[recorded] = answered


@pytest.mark.parametrize(("version", "camel"), [("0.6.1", True), ("1.4.1", False)])
def test_every_recorded_request_is_answered_in_the_recorded_shape(
    version: str, camel: bool
) -> None:
    lines = (RECORDINGS / f"prefect-{version}.jsonl").read_text().splitlines()
    ids: dict[str, str] = {}
    with recorded_cloud(camel=camel) as cloud:
        for line in lines:
            recording = json.loads(line)
            answer = replay(cloud, recording, ids)
            learn(recording["response"], answer, ids)
            assert shape(answer) == shape(recording["response"]), recording["step"]
            assert ("errors" in answer) == ("errors" in recording["response"]), recording["step"]
            if "errors" in answer:
                expected = recording["response"]["errors"][0]["message"]
                assert answer["errors"][0]["message"] == expected
    assert len(lines) > 10


def test_a_wrong_token_is_refused() -> None:
    line = (RECORDINGS / "prefect-1.4.1.jsonl").read_text().splitlines()[0]
    recording = json.loads(line)
    recording["headers"]["authorization"] = "Bearer wrong"
    with recorded_cloud() as cloud, pytest.raises(urllib.error.HTTPError) as caught:
        replay(cloud, recording, {})
    assert caught.value.code == 401
