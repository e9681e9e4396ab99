"""The worker's launcher, on a Prefect whose worker is another than it knows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from flowtui import agents

FILES = {
    "prefect/__init__.py": "",
    "prefect/workers/__init__.py": "",
    "prefect/workers/base.py": "class BaseWorker:\n    def poll(self): ...\n",
    "prefect/utilities/__init__.py": "",
    "prefect/utilities/processutils.py": "",
    "prefect/cli/__init__.py": "import sys\ndef app(): print(sys.argv)\n",
}


def test_a_worker_that_it_does_not_know_runs_as_it_is(tmp_path: Path) -> None:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    launcher = Path(agents.__file__).with_name("worker_launcher.py")
    done = subprocess.run(
        [sys.executable, launcher, "worker", "start"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "['prefect', 'worker', 'start']\n"
    assert "their runs may stay Running" in done.stderr
