"""Pictures on Prefect 3: the tree with deployments and work pools, a plan's difference, a run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from screenshots.camera import Camera, camera
from screenshots.stage import STAGE
from tests.parts.prefect_server import PREFECT3, prefect_worker, running_prefect_server
from tests.parts.prefects import prefect_venv

POOL = "local"
_FLOWS = '''\
"""Sales of the day."""

from prefect import flow, task


@task
def load(country: str, rows: int) -> list[int]:
    return list(range(rows))


@flow(name="sales", description="Loads the sales of the day.", log_prints=True)
def sales(country: str, rows: int = 10) -> int:
    found = load(country, rows)
    print(f"{len(found)} rows of {country}")
    return len(found)
'''
_DECLARED = """\
name: shop
deployments:
- name: nightly
  entrypoint: flows/sales.py:sales
  tags: [prod]
  parameters: {country: de}
  schedules:
  - {cron: "0 2 * * *", timezone: Europe/Berlin, slug: night}
  work_pool: {name: local}
- name: hourly
  entrypoint: flows/sales.py:sales
  parameters: {country: fr, rows: 100}
  schedules:
  - {interval: 3600, slug: hours}
  work_pool: {name: local}
"""


@contextmanager
def shop() -> Iterator[tuple[Path, str]]:
    """A project of Prefect 3 with two declared deployments; the address of a server with a pool
    and its worker."""
    shutil.rmtree(STAGE, ignore_errors=True)
    project = STAGE / "shop"
    (project / "flows").mkdir(parents=True)
    (project / "flows" / "sales.py").write_text(_FLOWS, encoding="utf-8")
    (project / "prefect.yaml").write_text(_DECLARED, encoding="utf-8")
    (project / "flowtui.toml").write_text(
        'project = "Shop"\n\n[storage]\ntype = "local"\n', encoding="utf-8"
    )
    (project / ".venv").symlink_to(prefect_venv(PREFECT3), target_is_directory=True)
    os.environ["FLOWTUI_HOME"] = str(STAGE / "home")
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    os.environ["COLORTERM"] = "truecolor"
    with running_prefect_server() as server:
        server.client().post("/work_pools/", json={"name": POOL, "type": "process"})
        with prefect_worker(server, POOL, name="box-1"):
            yield project, server.api_url
    shutil.rmtree(STAGE)


async def pictures(project: Path, api_url: str, size: tuple[int, int]) -> list[Path]:
    """The tree, a plan that changes one schedule, and a run that the worker takes."""
    async with camera(project, size, api_url=api_url) as cam:
        await cam.until(lambda: cam.app.session.connected)
        await cam.idle()
        for name in ("sales/nightly", "sales/hourly"):
            await _deployed(cam, name)
        await cam.press("1", "g", "j", "enter")
        await cam.idle()
        await cam.press("G", "enter")
        await cam.select("sales/nightly")
        await cam.see("next runs" if size[0] > 100 else "registered")
        await cam.take("tree-prefect3")
        declared = (project / "prefect.yaml").read_text(encoding="utf-8")
        changed = declared.replace('"0 2 * * *"', '"30 1 * * 1-5"').replace("[prod]", "[prod, eu]")
        (project / "prefect.yaml").write_text(changed, encoding="utf-8")
        await cam.planned("sales/nightly")
        await cam.take("plan-prefect3")
        await cam.press("escape")
        await cam.select("sales/hourly")
        await cam.press("x")
        await cam.see("Run sales/hourly")
        await cam.press("enter")
        await cam.see("Completed")
        await cam.take("run-prefect3")
        return cam.taken


async def _deployed(cam: Camera, name: str) -> None:
    await cam.planned(name)
    await cam.press("enter")
    await cam.finished()
    await cam.press("escape")
