"""Prefect's own configuration, as far as it names control planes."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.prefect_settings import PrefectSettings, find, read_token

ACCOUNT = "11111111-1111-4111-8111-111111111111"
SPACE = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
WORKSPACE = f"https://api.prefect.cloud/api/accounts/{ACCOUNT}/workspaces/{SPACE}"
PROFILES = f"""
active = "cloud"

[profiles.local]
PREFECT_API_URL = "http://127.0.0.1:4200/api"

[profiles.ephemeral]
PREFECT_SERVER_EPHEMERAL_ENABLED = "true"

[profiles.cloud]
PREFECT_API_URL = "{WORKSPACE}"
PREFECT_API_KEY = "pnu_0123456789"

[profiles.guarded]
PREFECT_API_URL = "https://prefect.example.com/api"
PREFECT_API_AUTH_STRING = "ada:horse-battery"
PREFECT_API_KEY = "pnu_not_this_one"
PREFECT_API_SSL_CERT_FILE = "/etc/ssl/own.pem"

[profiles.odd]
PREFECT_API_URL = "ftp://x"
"""


def write(home: Path, name: str, text: str) -> Path:
    file = home / ".prefect" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def only(environ: dict[str, str] | None = None) -> PrefectSettings | None:
    found = find(environ or {}).settings
    assert len(found) <= 1
    return found[0] if found else None


def test_nothing_is_found_where_prefect_never_was() -> None:
    assert find({}).settings == () and find({}).passed_over == ()


# ------------------------------------------------------------------------------- Prefect 2 and 3


def test_profiles_with_an_address_the_active_one_first(own_home: Path) -> None:
    file = write(own_home, "profiles.toml", PROFILES)
    found = find({})
    assert [(each.name, each.active) for each in found.settings] == [
        ("cloud", True),
        ("local", False),
        ("guarded", False),
    ]
    cloud, local, guarded = found.settings
    assert (cloud.api_url, cloud.origin, local.token) == (WORKSPACE, str(file), None)
    assert guarded.ca_file == "/etc/ssl/own.pem" and guarded.token is not None
    assert guarded.token.words == "~/.prefect/profiles.toml"
    assert read_token(guarded.token) == "ada:horse-battery"
    assert cloud.token is not None and read_token(cloud.token) == "pnu_0123456789"
    assert "battery" not in repr(found) and "pnu_" not in repr(found)
    assert {each.name: each.why.partition(":")[0] for each in found.passed_over} == {
        "ephemeral": "it has no address",
        "odd": "its address cannot be used here",
    }


@pytest.mark.parametrize("variable", ["PREFECT_HOME", "PREFECT_PROFILES_PATH"])
def test_profiles_kept_elsewhere(variable: str, own_home: Path, tmp_path: Path) -> None:
    write(own_home, "profiles.toml", "[profiles.x]\nPREFECT_API_URL='https://no.example.com'\n")
    (tmp_path / "profiles.toml").write_text(PROFILES)
    named = {"PREFECT_HOME": tmp_path, "PREFECT_PROFILES_PATH": tmp_path / "profiles.toml"}
    found = find({variable: str(named[variable]), "PREFECT_PROFILE": "local"})
    assert [(each.name, each.active) for each in found.settings][:2] == [
        ("local", True),
        ("cloud", False),
    ]


def test_the_environment_comes_first_and_no_address_twice(own_home: Path) -> None:
    write(own_home, "profiles.toml", PROFILES)
    environ = {"PREFECT_API_URL": WORKSPACE + "/", "PREFECT_API_KEY": "pnu_of_the_environment"}
    first, *others = find(environ).settings
    assert (first.name, first.origin, first.active) == ("cloud", "PREFECT_API_URL", True)
    assert first.token is not None and first.token.words == "PREFECT_API_KEY"
    assert read_token(first.token, environ) == "pnu_of_the_environment"
    assert [each.name for each in others] == ["local", "guarded"]

    kept = find({"PREFECT_API_URL": WORKSPACE}).settings[0].token
    assert kept is not None and read_token(kept) == "pnu_0123456789"


def test_names_are_kept_apart(own_home: Path) -> None:
    write(own_home, "profiles.toml", "[profiles.prefect]\nPREFECT_API_URL='https://a.example.com'")
    write(own_home, "config.toml", '[cloud]\napi = "https://b.example.com"\n')
    found = find({"PREFECT_API_URL": "https://c.example.com"}).settings
    assert [(each.name, each.api_url[8:9]) for each in found] == [
        ("prefect", "c"),
        ("prefect-2", "a"),
        ("prefect-3", "b"),
    ]


@pytest.mark.parametrize("text", ["[profiles", "profiles = 1", "[profiles]\nx = 3", "[[profiles]]"])
def test_a_file_that_is_none_of_prefects(text: str, own_home: Path) -> None:
    write(own_home, "profiles.toml", text)
    assert find({}).settings == ()


# ------------------------------------------------------------------------------ Prefect 0.x and 1.x


def test_the_environment_is_stronger_than_the_file(own_home: Path) -> None:
    write(own_home, "config.toml", '[cloud]\napi = "https://file.example.com"\n')
    found = only({"PREFECT__CLOUD__GRAPHQL": "https://env.example.com/graphql"})
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
    found = only()
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
    found = only()
    assert found is not None and found.token is not None
    assert (found.api_url, found.token.file) == ("https://api.prefect.io", file)
    assert "tok-12345" not in repr(found)
    assert read_token(found.token) == "tok-12345"
