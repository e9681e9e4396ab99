"""The part of `deploy_rest` with images: a real engine, a real registry, a docker work pool.

Each way builds, pushes and registers; both stand on the same base image, which has Prefect and the
flows' one package in it, so that neither downloads anything.

Prefect's project is what `prefect init --recipe docker` makes of a folder with a Dockerfile: one
build step and one push step for all deployments, which Prefect runs once for each `prefect deploy`
(it keeps what a step gave, for the same arguments). The Dockerfile has the lines that the recipe's
`dockerfile: auto` writes: requirements first, then the whole folder. It differs in the base image,
as there is no way to Docker Hub here, and in `pip` where that one has `uv`; the layer it makes is
reused by every later build. The image is neither looked into nor run, and registered by its tag.

flowtui builds an image of the flow's own files on the same requirements, runs the health check of
each flow in it, pushes it, asks the registry whether it is there, and registers its digest.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.deploy_ways import Way, both
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine, running_engine
from tests.parts.prefect_server import PrefectServer, prefect_command
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry, running_registry

POOL = "bench-images"
_SLUGIFY = "import importlib.metadata as m; print(m.version('python-slugify'))"


@contextmanager
def image_ways(server: PrefectServer, flows: int) -> Iterator[tuple[Way, Way]]:
    """Both ways to deploy these many flows in images; nothing of them stays on the engine."""
    with running_engine() as engine, running_registry() as registry:
        prefect_command(server, "work-pool", "create", POOL, "--type", "docker", folder=Path.cwd())
        base = _pushed_base(engine, registry, server.version)
        with tempfile.TemporaryDirectory(prefix="flowtui-bench-") as name:
            folder = Path(name)
            peer, ours = both(server, folder, "image", flows)
            for way in (peer, ours):
                way.environment["DOCKER_HOST"] = engine.url
            _write_peer(peer, server.version, f"{registry.host}/peer/flows", base, flows)
            _write_ours(ours, server.version, f"{registry.host}/ours", base)
            try:
                yield peer, ours
            finally:
                _remove_images(engine, registry)


def _pushed_base(engine: RunningEngine, registry: RunningRegistry, version: str) -> str:
    """Where both pull it from, as Prefect's build step always does."""
    base = f"{registry.host}/base/prefect:{version}"
    engine.docker("tag", prefect_image(engine, version), base)
    engine.docker("push", "--quiet", base)
    return base


def _remove_images(engine: RunningEngine, registry: RunningRegistry) -> None:
    """By name: the base image is one of the tests', and keeps the name that it has for them."""
    for depth in ("*", "*/*"):
        named = f"reference={registry.host}/{depth}"
        listed = ("images", "--filter", named, "--format", "{{.Repository}}:{{.Tag}}")
        if found := [each for each in engine.docker(*listed).split() if "<none>" not in each]:
            engine.docker("rmi", "--no-prune", *found)


def _requirements(version: str) -> str:
    """What a person pins: installed in the project, and in the base image."""
    found = _output(prefect_python(version), _SLUGIFY)
    return f"prefect=={version}\npython-slugify=={found}\n"


def _output(python: Path, program: str) -> str:
    asked = [str(python), "-c", program]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def _write_peer(way: Way, version: str, image: str, base: str, flows: int) -> None:
    folder = f"/opt/prefect/{way.root.name}"
    (way.root / "requirements.txt").write_text(_requirements(version))
    (way.root / "Dockerfile").write_text(
        f"FROM {base}\n"
        f"COPY requirements.txt {folder}/requirements.txt\n"
        f"RUN python -m pip install -r {folder}/requirements.txt\n"
        f"COPY . {folder}/\nWORKDIR {folder}/\n"
    )
    (way.root / "prefect.yaml").write_text(_prefect_yaml(way, version, image, flows))


def _prefect_yaml(way: Way, version: str, image: str, flows: int) -> str:
    """As `prefect init --recipe docker` writes it, with a deployment for each flow."""
    head = f"""\
name: {way.root.name}
prefect-version: {version}

build:
- prefect_docker.deployments.steps.build_docker_image:
    id: build_image
    requires: prefect-docker>=0.3.1
    image_name: {image}
    tag: dev
    dockerfile: Dockerfile

push:
- prefect_docker.deployments.steps.push_docker_image:
    requires: prefect-docker>=0.3.1
    image_name: '{{{{ build_image.image_name }}}}'
    tag: '{{{{ build_image.tag }}}}'

pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/prefect/{way.root.name}

deployments:
"""
    deployment = """\
- name: d{number:02}
  entrypoint: flow_{number:02}.py:etl
  work_pool:
    name: {pool}
    job_variables:
      image: '{{{{ build_image.image }}}}'
"""
    return head + "".join(deployment.format(number=each, pool=POOL) for each in range(flows))


def _write_ours(way: Way, version: str, registry_url: str, base: str) -> None:
    (way.root / "flowtui.toml").write_text(
        f'python = "{prefect_python(version)}"\n'
        f'[storage]\ntype = "docker"\nbase_image = "{base}"\nregistry_url = "{registry_url}"\n'
        f'[deployment]\nwork_pool = "{POOL}"\n'
    )
