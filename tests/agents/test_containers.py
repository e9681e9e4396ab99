"""The address at which containers reach the control plane, by engine and by server."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.agents.containers import docker_place
from flowtui.agents.spec import Place
from flowtui.credentials import Secret
from flowtui.deploy.docker.host_address import HostAddress, host_address
from flowtui.errors import CredentialsError, EngineError, UsageError
from tests.deploy.test_reachability import VERSION, answering

BRIDGE = ("/v1.43/networks/bridge", 200, {"IPAM": {"Config": [{"Gateway": "172.17.0.1"}]}})
LINUX = ("/v1.43/info", 200, {"OperatingSystem": "Debian GNU/Linux 12", "SecurityOptions": []})
ENGINE = (("/version", 200, VERSION), LINUX, BRIDGE)


def at(port: int) -> dict[str, str]:
    return {"DOCKER_HOST": f"tcp://127.0.0.1:{port}"}


async def told(*answers: tuple[str, int, object]) -> HostAddress:
    async with answering(("/version", 200, VERSION), *answers) as port:
        found = await host_address(at(port))
        assert found.engine_url == f"tcp://127.0.0.1:{port}"
        return found


async def test_docker_on_linux() -> None:
    found = await told(LINUX, BRIDGE)
    assert (found.name, found.listen) == ("172.17.0.1", "172.17.0.1")
    assert not found.open_to_network


async def test_an_engine_that_tells_the_network_only() -> None:
    subnet = {"IPAM": {"Config": [{"Subnet": "10.9.0.0/16"}]}}
    assert (await told(LINUX, ("/v1.43/networks/bridge", 200, subnet))).name == "10.9.0.1"


async def test_podman() -> None:
    missing = ("/v1.43/networks/bridge", 404, {"message": "no such network"})
    podman = {"IPAM": {"Config": [{"Gateway": "10.88.0.1"}]}}
    assert (await told(LINUX, missing, ("/v1.43/networks/podman", 200, podman))).name == "10.88.0.1"


async def test_docker_desktop_leads_to_loopback() -> None:
    found = await told(("/v1.43/info", 200, {"OperatingSystem": "Docker Desktop"}))
    assert (found.name, found.listen) == ("host.docker.internal", "")


async def test_a_rootless_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowtui.deploy.docker.host_address._own_address", lambda: "192.168.1.7")
    options = ["name=seccomp,profile=builtin", "name=rootless"]
    found = await told(("/v1.43/info", 200, {"SecurityOptions": options}))
    assert found.name == found.listen == "192.168.1.7"
    assert found.open_to_network


async def test_an_engine_without_a_bridge() -> None:
    missing = ("/v1.43/networks/", 404, {"message": "no such network"})
    with pytest.raises(EngineError, match="no bridge network"):
        await told(LINUX, missing)


@pytest.mark.parametrize("host", ["ssh://me@build.example.com", "tcp://build.example.com:2375"])
async def test_a_remote_engine_has_no_way_back(host: str) -> None:
    with pytest.raises(EngineError, match="another machine") as caught:
        await host_address({"DOCKER_HOST": host})
    assert "flowtui server --host" in caught.value.problem.fix


async def test_an_engine_that_is_silent() -> None:
    async with answering() as port:
        with pytest.raises(EngineError, match="does not answer"):
            await host_address(at(port), seconds=0.05)


async def place(
    containers: str | None, token: Secret | None = None, gateway: str = "172.17.0.1"
) -> tuple[int, Place]:
    """Of a server that tells this address for containers, or of something else (None)."""
    bridge = ("/v1.43/networks/bridge", 200, {"IPAM": {"Config": [{"Gateway": gateway}]}})
    name = "another server" if containers is None else "flowtui server"
    about = {"name": name, "containers": containers}
    async with (
        answering(("/version", 200, VERSION), LINUX, bridge) as engine,
        answering(("/", 200, about)) as port,
    ):
        return port, await docker_place(f"http://127.0.0.1:{port}", token, (), at(engine))


async def test_the_embedded_servers_address_and_its_own_token(own_home: Path) -> None:
    file = own_home / "flowtui" / "data" / "server-token"
    file.parent.mkdir(parents=True)
    file.write_text("the-token-it-made-itself\n")
    _, found = await place("http://172.17.0.1:4200")
    assert found.api_url == "http://172.17.0.1:4200"
    assert found.token is not None and found.token.reveal() == "the-token-it-made-itself"
    assert found.engine_url.startswith("tcp://127.0.0.1:")


async def test_no_token_for_containers() -> None:
    with pytest.raises(CredentialsError, match="wants its token") as caught:
        await place("http://172.17.0.1:4200")
    assert "FLOWTUI_API_KEY" in caught.value.problem.fix


async def test_a_token_of_the_profile_comes_first() -> None:
    _, found = await place("http://172.17.0.1:4200", Secret("of-the-profile"))
    assert found.token == Secret("of-the-profile")


async def test_an_embedded_server_on_loopback_alone_cannot_be_reached() -> None:
    with pytest.raises(UsageError, match="listens on loopback only") as caught:
        await place("")
    assert "flowtui server --containers" in caught.value.problem.fix


async def test_no_token_goes_to_an_address_that_is_not_this_machine() -> None:
    """Whoever answers on loopback must not send the token elsewhere."""
    with pytest.raises(UsageError, match="this engine's reach this machine as"):
        await place("http://203.0.113.9:4200", Secret("of-the-profile"))


async def test_a_control_plane_of_others_on_loopback_gets_a_warning() -> None:
    port, found = await place(None)
    assert found.api_url == f"http://localhost:{port}"  # what Docker agents rewrite
    assert "172.17.0.1" in found.notes[0]


async def test_docker_desktop_gets_the_name_that_agents_rewrite() -> None:
    desktop = ("/v1.43/info", 200, {"OperatingSystem": "Docker Desktop"})
    async with answering(("/version", 200, VERSION), desktop) as engine:
        found = await docker_place("http://127.0.0.1:4321", None, (), at(engine))
    assert found.api_url == "http://localhost:4321"
    assert found.notes == ()


@pytest.mark.parametrize(
    ("api_url", "networks", "told"),
    [
        ("https://prefect.example.com", (), "https://prefect.example.com"),
        ("http://127.0.0.1:4200", ("host",), "http://127.0.0.1:4200"),
        ("http://localhost:4200", ("host",), "http://127.0.0.1:4200"),
    ],
)
async def test_an_address_that_containers_reach_stays(
    api_url: str, networks: tuple[str, ...], told: str
) -> None:
    found = await docker_place(api_url, None, networks, {"DOCKER_HOST": "unix:///run/d.sock"})
    assert (found.api_url, found.engine_url) == (told, "unix:///run/d.sock")


@pytest.mark.parametrize(
    "environ",
    [
        {"DOCKER_HOST": "ssh://me@build"},
        {"DOCKER_HOST": "tcp://build:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "/nowhere"},
    ],
)
async def test_an_engine_that_agents_do_not_reach(environ: dict[str, str]) -> None:
    with pytest.raises(EngineError, match="does not reach an engine"):
        await docker_place("https://prefect.example.com", None, (), environ)


async def test_the_doctor_says_whether_containers_have_a_way_back(tmp_path: Path) -> None:
    from flowtui.doctor.checks import CannotTell, State
    from flowtui.doctor.containers import way_back
    from flowtui.doctor.subject import Subject

    about = {"name": "flowtui server", "containers": "http://172.17.0.1:4200"}
    async with answering(*ENGINE) as engine, answering(("/", 200, about)) as port:
        found = Subject(tmp_path, api_url=f"http://127.0.0.1:{port}", environ=at(engine))
        (check,) = await way_back(found)
        assert check.state is State.OK and "http://172.17.0.1:4200" in check.value
        nobody = Subject(tmp_path, api_url="http://127.0.0.1:1", environ=at(engine))
        with pytest.raises(CannotTell):
            await way_back(nobody)
    alone = {"name": "flowtui server", "containers": ""}
    async with answering(*ENGINE) as engine, answering(("/", 200, alone)) as port:
        found = Subject(tmp_path, api_url=f"http://127.0.0.1:{port}", environ=at(engine))
        (check,) = await way_back(found)
        assert check.state is State.WARNING and "flowtui server --containers" in check.fix
