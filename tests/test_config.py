from __future__ import annotations

import multiprocessing
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowtui import addresses
from flowtui.config import (
    DeployHabits,
    ProjectConfig,
    UserConfig,
    find_root,
    load_project,
    load_user,
    remove_profile,
    resolve_profile,
    save_profile,
    set_active,
    user_file,
)
from flowtui.errors import ExitCode, UsageError
from flowtui.models import (
    DeployTable,
    ExecutionOptions,
    Origin,
    Profile,
    StorageKind,
    StorageOptions,
)
from tests.parts.config_reference import PAGE, page_with, reference

EVERYTHING = """
profile = "team"
project = "My Project"
python = ".venv/bin/python"
exclude = ["scratch/*"]
load_timeout = 30
health_timeout = 45.5

[storage]
type = "docker"
registry_url = "registry.example.com/flows"
base_image = "python:3.11-slim"
python_dependencies = ["pandas", "requests==2.31"]
image_name = "etl"
image_tag = "v1"
env_vars = {A = "1", B = ""}
files = {"data/x.csv" = "/opt/x.csv"}
prefect_version = "1.4.1"
local_image = false
build_args = {C = "2"}
extra_dockerfile_commands = ["RUN true"]
ignore_healthchecks = true

[execution]
executor = "prefect.executors.LocalDaskExecutor"
executor_kwargs = {scheduler = "threads", n = 4, nested = {a = [1, 2.5, true]}}

[run_config]
type = "DockerRun"
env = {D = "3"}
labels = ["a"]
image = "x"
ports = [80]
host_config = {privileged = false}

[flows."my flow"]
project = "Other"
storage.type = "local"
storage.directory = "flows"
run_config.type = "UniversalRun"
"""


def project(folder: Path, text: str, name: str = "flowtui.toml") -> ProjectConfig:
    (folder / name).write_text(text)
    return load_project(folder)


# ------------------------------------------------------------------------------ the project file


def test_every_key_arrives(tmp_path: Path) -> None:
    config = project(tmp_path, EVERYTHING)
    assert config == ProjectConfig(
        root=tmp_path,
        file=tmp_path / "flowtui.toml",
        profile="team",
        python=".venv/bin/python",
        table=DeployTable(
            "My Project",
            StorageOptions(
                type=StorageKind.DOCKER,
                registry_url="registry.example.com/flows",
                base_image="python:3.11-slim",
                python_dependencies=("pandas", "requests==2.31"),
                image_name="etl",
                image_tag="v1",
                env_vars={"A": "1", "B": ""},
                files={"data/x.csv": "/opt/x.csv"},
                prefect_version="1.4.1",
                local_image=False,
                build_args={"C": "2"},
                extra_dockerfile_commands=("RUN true",),
                ignore_healthchecks=True,
            ),
            ExecutionOptions(
                "prefect.executors.LocalDaskExecutor",
                {"scheduler": "threads", "n": 4, "nested": {"a": [1, 2.5, True]}},
                {
                    "type": "DockerRun",
                    "env": {"D": "3"},
                    "labels": ["a"],
                    "image": "x",
                    "ports": [80],
                    "host_config": {"privileged": False},
                },
            ),
        ),
        flows={
            "my flow": DeployTable(
                "Other",
                StorageOptions(type=StorageKind.LOCAL, directory="flows"),
                ExecutionOptions(run_config={"type": "UniversalRun"}),
            )
        },
        exclude=("scratch/*",),
        load_timeout=30.0,
        health_timeout=45.5,
    )
    assert isinstance(config.load_timeout, float)


def test_pyproject_says_the_same(tmp_path: Path) -> None:
    own = project(tmp_path, EVERYTHING)
    (tmp_path / "flowtui.toml").unlink()
    table = EVERYTHING.replace("\n[", "\n[tool.flowtui.")
    same = project(tmp_path, f"[tool.flowtui]\n{table}", "pyproject.toml")
    assert same.file == tmp_path / "pyproject.toml"
    assert (same.table, same.flows, same.exclude) == (own.table, own.flows, own.exclude)


def test_nothing_is_needed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    config = load_project(tmp_path)
    assert config == ProjectConfig(root=tmp_path)
    assert (config.load_timeout, config.health_timeout) == (60, 120)


def test_settings_in_both_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.flowtui]\nproject = 'x'\n")
    with pytest.raises(UsageError, match=r"flowtui.toml and in \[tool.flowtui\]"):
        project(tmp_path, "project = 'y'")
    assert project(tmp_path, "# nothing").table.project == "x"
    (tmp_path / "pyproject.toml").write_text("[tool.flowtui]\n")
    assert project(tmp_path, "project = 'y'").table.project == "y"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("projct = 'x'", ["'projct'", "did you mean project?"]),
        ("zzz = 1", ["'zzz'", "exclude, execution, flows"]),
        ("project = 1", ["project must be text, not int 1"]),
        ("project = ''", ["project must be text, not an empty text"]),
        ("exclude = 'x'", ["exclude must be list of texts", '"x"']),
        ("exclude = [1]", ["exclude must be list of texts", "a list"]),
        ("load_timeout = " + "9" * 400, ["at most a week"]),
        ("load_timeout = " + "9" * 5000, ["too many digits"]),
        ("exclude = " + "[" * 5000 + "]" * 5000, ["nested too deeply"]),
        ("load_timeout = 0", ["number of seconds, more than 0"]),
        ("load_timeout = inf", ["number of seconds"]),
        ("load_timeout = true", ["number of seconds", "true"]),
        ("storage = 'docker'", ["storage must be table"]),
        ("[storage]\nregistry = 'x'", ["'storage.registry'", "storage.registry_url?"]),
        ("[storage]\ntype = 'Docker'", ['storage.type must be "docker" or "local"']),
        ("[storage]\nlocal_image = 'no'", ["storage.local_image must be true or false"]),
        ("[storage]\nenv_vars = {A = 1}", ["storage.env_vars must be table of texts"]),
        ("[storage]\nfiles = {a = 'b'}", ["absolute path in the image"]),
        ("[storage]\nbase_image = 'a'\ndockerfile = 'b'", ["exclude each other"]),
        ("[execution]\nexecutor_kwargs = {a = 2020-01-01}", ["table of data (no dates)"]),
        ("[run_config]\nlabels = []", ["run_config.type is missing", "UniversalRun"]),
        ("[run_config]\ntype = 'DockerRn'", ["'DockerRn'", "did you mean DockerRun?"]),
        ("[run_config]\ntype = 'LocalRun'\nimage = 'x'", ["'run_config.image'"]),
        ("[flows.a]\nstorag = {}", ["'flows.\"a\".storag'", 'flows."a".storage?']),
        ("flows.a = 1", ['flows."a" must be a table']),
        ("[flows.a.storage]\nbase_image = 'a'\ndockerfile = 'b'", ['flows."a".storage.base_image']),
        ("a = \nb = 1", ["not valid TOML", "line 1"]),
    ],
)
@pytest.mark.parametrize("name", ["flowtui.toml", "pyproject.toml"])
def test_a_mistake_is_named_with_its_remedy(
    tmp_path: Path, text: str, said: list[str], name: str
) -> None:
    if name == "pyproject.toml":
        text = "[tool.flowtui]\n" + text.replace("[flows", "[tool.flowtui.flows")
        for table in ("storage", "execution", "run_config"):
            text = text.replace(f"[{table}]", f"[tool.flowtui.{table}]")
        said = [part for part in said if part != "line 1"]
    with pytest.raises(UsageError) as caught:
        project(tmp_path, text, name)
    message = str(caught.value).replace("tool.flowtui.", "")
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(tmp_path / name) in caught.value.problem.where
    for part in said:
        assert part in message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "flowtui.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_project(tmp_path)


# ----------------------------------------------------------------------------------- the root


def test_the_nearest_folder_with_settings_is_the_root(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    file = inner / "flow.py"
    file.touch()
    assert find_root(inner) == inner
    assert find_root(file) == inner
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'flowtui-user'\n")
    assert find_root(inner) == inner, "a pyproject without the table is somebody else's"
    (tmp_path / "pyproject.toml").write_text("[tool.flowtui]\n")
    assert find_root(file) == tmp_path
    (tmp_path / "a" / "flowtui.toml").touch()
    assert find_root(inner) == tmp_path / "a"


def test_a_broken_project_file_is_found_so_that_it_can_be_reported(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.flowtui\n")
    (tmp_path / "a").mkdir()
    assert find_root(tmp_path / "a") == tmp_path
    with pytest.raises(UsageError, match="not valid TOML"):
        load_project(tmp_path)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        find_root(tmp_path / "nowhere")


# -------------------------------------------------------------------------------- the user's file


@pytest.mark.parametrize("mark", ["prefect.yaml", ".venv/pyvenv.cfg"])
def test_a_project_without_settings_is_known_by_its_marks(tmp_path: Path, mark: str) -> None:
    inner = tmp_path / "team" / "flows"
    inner.mkdir(parents=True)
    (tmp_path / "team" / mark).parent.mkdir(exist_ok=True)
    (tmp_path / "team" / mark).touch()
    assert find_root(inner) == tmp_path / "team"
    (tmp_path / "flowtui.toml").touch()
    assert find_root(inner) == tmp_path, "settings say it best"


def test_profiles_survive_the_way_to_the_file_and_back() -> None:
    save_profile(Profile("team", "HTTPS://Prefect.Example.com:443/graphql/", ca_file="/ca.pem"))
    save_profile(Profile('o"d\\d ü]', "http://10.0.0.1:4200"))
    set_active("team")
    user = load_user()
    assert user.active == "team"
    assert user.profiles["team"] == Profile(
        "team", "https://prefect.example.com/graphql", Origin.USER_FILE, "/ca.pem"
    )
    assert set(user.profiles) == {"embedded", "team", 'o"d\\d ü]'}
    remove_profile("team")
    user = load_user()
    assert (user.active, set(user.profiles)) == (None, {"embedded", 'o"d\\d ü]'})
    assert stat.S_IMODE(user_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(user_file().parent.stat().st_mode) == 0o700


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1), ca_file=st.text(min_size=1))
def test_any_text_is_written_so_that_toml_reads_it_back(name: str, ca_file: str) -> None:
    try:
        name.encode()
        ca_file.encode()
        save_profile(Profile(name, "http://127.0.0.1:1", ca_file=ca_file))
    except (UsageError, UnicodeEncodeError):
        return
    assert load_user().profiles[name].ca_file == ca_file
    remove_profile(name)


def _save(number: int) -> None:
    save_profile(Profile(f"profile {number}", f"http://127.0.0.1:{5000 + number}"))


def test_processes_that_write_at_once_lose_nothing() -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_save, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(load_user().profiles) == 9
    names = {path.name for path in user_file().parent.iterdir()}
    assert names == {".lock", "config.toml"}


@pytest.mark.parametrize(
    "change",
    [
        lambda: save_profile(Profile("a", "https://a.example")),
        lambda: set_active("embedded"),
    ],
)
def test_a_configuration_folder_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot be written: Not a directory") as caught:
        change()
    assert str(tmp_path / "file") in caught.value.problem.where
    assert "FLOWTUI_HOME" in caught.value.problem.fix


def test_the_built_in_profile_stays_what_it_is() -> None:
    for change in (
        lambda: save_profile(Profile("embedded", "http://127.0.0.1:1")),
        lambda: remove_profile("embedded"),
    ):
        with pytest.raises(UsageError, match="built in"):
            change()
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text('[profiles.embedded]\napi_url = "http://127.0.0.1:1"\n')
    with pytest.raises(UsageError, match="built in"):
        load_user()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('profile = "x"', "did you mean profiles?"),
        ("[profiles.x]", "api_url is missing"),
        ("[profiles.x]\napi_url = 'x'", "not an API address"),
        ("[profiles.x]\napi_url = 'https://u:hunter2@x'", "credentials in it"),
        ("[profiles.x]\napi_url = 'http://x'\ntoken = 'y'", "unknown key 'profiles.\"x\".token'"),
        ("[profiles]\nx = 1", 'profiles."x" must be a table'),
    ],
)
def test_a_bad_user_file(text: str, said: str) -> None:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text)
    with pytest.raises(UsageError) as caught:
        load_user()
    assert said in str(caught.value)
    assert str(user_file()) in caught.value.problem.where
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("change", [set_active, remove_profile])
def test_a_profile_that_is_not_there(change: Any) -> None:
    save_profile(Profile("team", "http://127.0.0.1:1"))
    with pytest.raises(UsageError, match="no profile 'taem'") as caught:
        change("taem")
    assert "did you mean 'team'? Known profiles: embedded, team" in caught.value.problem.fix


# ---------------------------------------------------------------------------- which profile it is

TEAM = Profile("team", "https://team.example.com", Origin.USER_FILE, "/ca.pem")
OTHER = Profile("other", "https://other.example.com", Origin.USER_FILE)
EMBEDDED = Profile("embedded", addresses.EMBEDDED)


@pytest.mark.parametrize(
    ("given", "environ", "in_project", "active", "expected"),
    [
        ({}, {}, None, None, EMBEDDED),
        ({}, {}, None, "team", TEAM),
        ({}, {}, "other", "team", Profile("other", OTHER.api_url, Origin.PROJECT_FILE)),
        (
            {},
            {"FLOWTUI_PROFILE": "team"},
            "other",
            None,
            Profile("team", TEAM.api_url, Origin.ENVIRONMENT, "/ca.pem"),
        ),
        (
            {},
            {"FLOWTUI_PROFILE": "team", "FLOWTUI_API_URL": "http://x:1/"},
            "other",
            None,
            Profile("team", "http://x:1", Origin.ENVIRONMENT),
        ),
        (
            {},
            {"FLOWTUI_API_URL": "https://team.example.com/"},
            None,
            None,
            Profile("team", TEAM.api_url, Origin.ENVIRONMENT, "/ca.pem"),
        ),
        (
            {"profile": "other"},
            {"FLOWTUI_API_URL": "http://x:1"},
            "team",
            "team",
            Profile("other", OTHER.api_url, Origin.COMMAND_LINE),
        ),
        (
            {"api_url": "http://x:1/graphql"},
            {"FLOWTUI_PROFILE": "team"},
            None,
            None,
            Profile("x:1/graphql", "http://x:1/graphql", Origin.COMMAND_LINE),
        ),
        (
            {"api_url": "http://x:1", "profile": "new"},
            {},
            None,
            None,
            Profile("new", "http://x:1", Origin.COMMAND_LINE),
        ),
        ({}, {"FLOWTUI_PROFILE": "", "FLOWTUI_API_URL": ""}, None, None, EMBEDDED),
    ],
)
def test_the_strongest_says_which_profile(
    given: Mapping[str, str],
    environ: Mapping[str, str],
    in_project: str | None,
    active: str | None,
    expected: Profile,
) -> None:
    user = UserConfig({each.name: each for each in (EMBEDDED, TEAM, OTHER)}, active)
    config = ProjectConfig(Path("/p"), Path("/p/flowtui.toml"), profile=in_project)
    options = {"profile": None, "api_url": None, **given}
    assert resolve_profile(user, config, environ=environ, **options) == expected


@pytest.mark.parametrize(
    ("options", "environ", "in_project", "where"),
    [
        ({"profile": "tean"}, {}, None, "--profile"),
        ({}, {"FLOWTUI_PROFILE": "tean"}, None, "FLOWTUI_PROFILE"),
        ({}, {}, "tean", "/p/flowtui.toml"),
        ({"api_url": "team.example.com"}, {}, None, "--api-url"),
        ({}, {"FLOWTUI_API_URL": "ftp://x"}, None, "FLOWTUI_API_URL"),
    ],
)
def test_who_named_it_wrongly_is_said(
    options: Mapping[str, str], environ: Mapping[str, str], in_project: str | None, where: str
) -> None:
    user = UserConfig({each.name: each for each in (EMBEDDED, TEAM, OTHER)})
    config = ProjectConfig(Path("/p"), Path("/p/flowtui.toml"), profile=in_project)
    with pytest.raises(UsageError) as caught:
        resolve_profile(
            user, config, environ=environ, **{"profile": None, "api_url": None, **options}
        )
    assert caught.value.problem.where == where
    assert caught.value.problem.fix


# --------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" http://127.0.0.1:4200/ ", "http://127.0.0.1:4200"),
        ("HTTPS://API.Prefect.io:443/graphql//", "https://api.prefect.io/graphql"),
        ("http://[::1]:80/x", "http://[::1]/x"),
    ],
)
def test_one_way_of_writing_an_address(written: str, normal: str) -> None:
    assert addresses.normalise(written) == normal
    assert addresses.normalise(normal) == normal


@pytest.mark.parametrize(
    "written",
    [
        "",
        "x",
        "http://",
        "ws://x",
        "http://x:99999",
        "http://x?a=b",
        "http://x#y",
        "http://a b",
        "http://x/\x1b",
    ],
)
def test_what_is_no_address(written: str) -> None:
    with pytest.raises(UsageError) as caught:
        addresses.normalise(written, where="here")
    assert caught.value.problem.where == "here"
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.8.8.8:1", True),
        ("http://localhost", True),
        ("http://a.localhost", True),
        ("http://[::1]:4200", True),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1", False),
        ("http://0.0.0.0", False),
    ],
)
def test_what_stays_on_this_machine(address: str, expected: bool) -> None:
    assert addresses.is_loopback(address) is expected


# ---------------------------------------------------------------------------------- the page


def test_the_page_lists_the_keys_that_are_validated() -> None:
    page = PAGE.read_text()
    assert page_with(reference(), page) == page, "run: python -m tests.parts.config_reference"


def test_the_example_on_the_page_is_valid(tmp_path: Path) -> None:
    first, second = (part.partition("```")[0] for part in PAGE.read_text().split("```toml\n")[1:3])
    assert project(tmp_path, first).flows["nightly load"].project == "Nightly"
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(second)
    assert load_user().active == "team"


def test_the_fields_of_the_vocabulary_are_the_keys() -> None:
    from dataclasses import fields

    from flowtui import config_keys

    assert {key.name for key in config_keys.STORAGE} == {f.name for f in fields(StorageOptions)}
    names = {f.name for f in fields(ExecutionOptions)} - {"run_config"}
    assert {key.name for key in config_keys.EXECUTION} == names


def test_how_deploys_go_is_said_by_the_project(tmp_path: Path) -> None:
    assert load_project(tmp_path).habits == DeployHabits(show_plan=None, at_once=1)
    (tmp_path / "flowtui.toml").write_text("[deploy]\nat_once = 3\nshow_plan = false\n")
    assert load_project(tmp_path).habits == DeployHabits(show_plan=False, at_once=3)


@pytest.mark.parametrize("value", ["0", "17", "true", '"2"', "1.5"])
def test_deploys_at_once_are_a_small_whole_number(tmp_path: Path, value: str) -> None:
    (tmp_path / "flowtui.toml").write_text(f"[deploy]\nat_once = {value}\n")
    with pytest.raises(UsageError, match=r"deploy\.at_once must be a whole number from 1 to 16"):
        load_project(tmp_path)
