"""A project folder with `@flow` functions, deployed by the real binary to a real Prefect server."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Project
from tests.parts.prefect_server import PrefectServer
from tests.parts.prefects import prefect_python


@dataclass
class PrefectProject(Project):
    """Its flow and its pool have names of their own: tests share one server."""

    server: PrefectServer | None = None
    name: str = field(default_factory=lambda: f"flow-{uuid.uuid4().hex[:8]}")

    @property
    def pool(self) -> str:
        return f"pool-of-{self.name}"

    def make_pool(self, kind: str = "process") -> None:
        """From the server's own template."""
        templates = self.ask("GET", "/collections/views/aggregate-worker-metadata")
        template = next(
            each[kind]["default_base_job_configuration"]
            for each in templates.values()
            if kind in each
        )
        body = {"name": self.pool, "type": kind, "base_job_template": template}
        self.ask("POST", "/work_pools/", body)

    def configure_pool(self, storage: str = "", deployment: str = "") -> None:
        """flowtui.toml for this pool; both texts are lines of their tables."""
        assert self.server is not None
        python = prefect_python(self.server.version)
        self.write(
            "flowtui.toml",
            f'python = "{python}"\n[storage]\n{storage}\n'
            f'[deployment]\nwork_pool = "{self.pool}"\n{deployment}\n',
        )

    def write_flow(self, body: str = "return day", head: str = "", day: int = 1) -> Path:
        return self.write(
            "flows/etl.py",
            f"from prefect import flow\n{head}\n\n"
            f'@flow(name="{self.name}")\ndef etl(day: int = {day}):\n    {body}\n',
        )

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Past flowtui: what the server itself says."""
        assert self.server is not None
        with self.server.client() as client:
            answer = client.request(method, path, json=body)
            answer.raise_for_status()
            return json.loads(answer.content) if answer.content else None

    @property
    def deployment(self) -> dict[str, Any]:
        """The deployment as it is registered."""
        return self.ask("GET", f"/deployments/name/{self.name}/default")

    @property
    def deployments(self) -> list[dict[str, Any]]:
        wanted = {"flows": {"name": {"any_": [self.name]}}}
        return self.ask("POST", "/deployments/filter", wanted)

    def edit(self, **fields: Any) -> None:
        """As somebody does it in the web UI."""
        self.ask("PATCH", f"/deployments/{self.deployment['id']}", fields)
