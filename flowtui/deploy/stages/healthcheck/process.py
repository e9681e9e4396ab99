"""Runs the probe in a fresh process of the project's interpreter, outside the project folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence

from flowtui import child_processes
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.output import ProbeOutput
from flowtui.deploy.stages.healthcheck.place import Ending
from flowtui.errors import DeployError

_ENVIRONMENT = ("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


async def run_in_process(
    ctx: StageContext,
    interpreter: str,
    arguments: Sequence[str],
    *,
    time_limit: float,
    environment: Mapping[str, str] | None = None,
    start: child_processes.Start | None = None,
) -> Ending:
    """Run the interpreter in an empty folder with a clean environment and a session of its own.

    `time_limit` is in seconds; `start` is another way to start it. Raises TimeoutError, and
    DeployError when it does not start.
    """
    output = ProbeOutput(ctx)
    try:
        with tempfile.TemporaryDirectory(
            prefix="flowtui-check-", ignore_cleanup_errors=True
        ) as folder:
            code = await child_processes.run(
                [interpreter, *arguments],
                on_output=output.take_stdout,
                on_errors=output.take_stderr,
                cwd=folder,
                env={**_clean_environment(os.environ), **(environment or {})},
                time_limit=time_limit,
                start=start,
            )
    except TimeoutError:
        raise
    except OSError as error:
        raise DeployError(
            f"the interpreter does not start: {error.strerror}",
            where=interpreter,
            fix="correct `python`, or make the project's virtual environment anew",
        ) from error
    finally:
        output.end()
    return Ending(bytes(output.stdout), 128 - code if code < 0 else code)


def _clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name in _ENVIRONMENT or name.startswith(("LC_", "SSL_CERT_"))
    } | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8:backslashreplace",
    }
