"""Prefect's own configuration, as far as it names a control plane."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.prefect_settings import find, read_token


def write(home: Path, name: str, text: str) -> Path:
    file = home / ".prefect" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_nothing_is_found_where_prefect_never_was() -> None:
    assert find({}) is None


def test_the_environment_is_stronger_than_the_file(own_home: Path) -> None:
    write(own_home, "config.toml", '[cloud]\napi = "https://file.example.com"\n')
    found = find({"PREFECT__CLOUD__GRAPHQL": "https://env.example.com/graphql"})
    assert found is not None
    assert (found.api_url, found.origin) == (
        "https://env.example.com/graphql",
        "PREFECT__CLOUD__GRAPHQL",
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ('[cloud]\napi = "https://a.example.com/"\n', "https://a.example.com"),
        ('[cloud]\ngraphql = "${cloud.api}/graphql"\n', None),
        ('[server]\nendpoint = "http://s.example.com:4200"\n', "http://s.example.com:4200"),
        ('[server]\nhost = "http://s.example.com"\nport = 4201\n', "http://s.example.com:4201"),
        ("[cloud\n", None),
        ("cloud = 1\n", None),
        ('[cloud]\napi = "https://me:pw@a.example.com"\n', None),
    ],
)
def test_addresses_of_the_file(text: str, address: str | None, own_home: Path) -> None:
    write(own_home, "config.toml", text)
    found = find({})
    assert (found.api_url if found is not None else None) == address


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("auth.toml", 'api_key = "tok-12345"\ntenant_id = "x"\n'),
        ("client/https-api.prefect.io/settings.toml", 'api_token = "tok-12345"\n'),
    ],
)
def test_a_login_without_an_address_is_prefect_cloud(name: str, text: str, own_home: Path) -> None:
    file = write(own_home, name, text)
    found = find({})
    assert found is not None
    assert (found.api_url, found.token_file) == ("https://api.prefect.io", file)
    assert "tok-12345" not in repr(found)
    assert read_token(file) == "tok-12345"
