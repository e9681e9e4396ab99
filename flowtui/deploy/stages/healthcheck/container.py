"""Runs the probe in a hardened container of the image."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from flowtui.deploy import diagnosis
from flowtui.deploy.docker.engine import LABEL, Engine
from flowtui.deploy.docker.engine_errors import EngineRefusedError
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.output import ProbeOutput
from flowtui.deploy.stages.healthcheck.place import Ending
from flowtui.deploy.uncancelled import uncancelled
from flowtui.errors import DeployError
from flowtui.models import JsonObject

_TMP = 64 * 2**20
"""Bytes of /tmp."""
_PROCESSES = 256
_NOBODY = "65534:65534"
_STDOUT = 1
_PURPOSE = "health check"


async def run_in_container(
    ctx: StageContext,
    engine: Engine,
    image_id: str,
    arguments: Sequence[str],
    *,
    marker: str,
    memory: int,
    environment: Mapping[str, str] | None = None,
) -> Ending:
    """Run the image's Python with these arguments; the container is always removed.

    With the whole answer, which stands between two `marker`s, nothing more is waited for: the
    engine takes a second to end a container, and does that beside what comes next. `memory` is in
    bytes. Raises DeployError when the image has no Python that starts.
    """
    await engine.prune_containers(f"{LABEL}={_PURPOSE}", older_than="1h")  # of a killed flowtui
    name = f"flowtui-check-{secrets.token_hex(6)}"
    labels = {LABEL: _PURPOSE, f"{LABEL}.deploy": ctx.deploy}
    answered = False
    try:
        for program in ("python", "python3"):
            config = _container(image_id, program, arguments, memory, labels, environment or {})
            # Not cancelled half-way: the engine would go on and make what was just removed.
            await uncancelled(engine.create_container(config, name=name))
            async with engine.attached(name) as output:
                if await uncancelled(_started(engine, name)):
                    stdout = await _answer_of(ctx, output)
                    answered = stdout.count(marker.encode()) > 1
                    if answered:
                        return Ending(stdout, 0)
                    end = await engine.container_end(name)
                    return Ending(stdout, end.exit_code, end.out_of_memory)
            await uncancelled(engine.remove_container(name))
    finally:
        if answered:
            engine.meanwhile(_ended_and_removed(engine, name))
        else:
            await uncancelled(engine.remove_container(name))
    raise DeployError(
        "the image has no `python`",
        where="in the image",
        fix="use a base image with Python in it, on the PATH",
    )


async def _ended_and_removed(engine: Engine, name: str) -> None:
    try:
        await engine.container_end(name)
    finally:
        await engine.remove_container(name)


async def _started(engine: Engine, name: str) -> bool:
    """False when the image does not have the program."""
    try:
        await engine.start_container(name)
    except EngineRefusedError as refusal:
        if "executable file not found" in refusal.message:
            return False
        raise _not_started(refusal.message) from refusal
    return True


def _container(
    image_id: str,
    program: str,
    arguments: Sequence[str],
    memory: int,
    labels: Mapping[str, str],
    environment: Mapping[str, str],
) -> JsonObject:
    known = {"HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    return {
        "Image": image_id,
        # Old dask.distributed looks up its own host name when it is imported (Prefect < 0.9), and
        # without a network only this one has an address.
        "Hostname": "localhost",
        "Entrypoint": [program],
        "Cmd": list(arguments),
        "User": _NOBODY,
        "WorkingDir": "/tmp",
        "Env": [f"{name}={value}" for name, value in {**known, **environment}.items()],
        "Labels": dict(labels),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={_TMP},mode=1777"},
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": memory,
            "MemorySwap": memory,
            "PidsLimit": _PROCESSES,
            "LogConfig": {"Type": "none", "Config": {}},
        },
    }


def _not_started(message: str) -> DeployError:
    if "exec format error" in message:
        problem = diagnosis.of_build(message, base="")
        return DeployError(problem.what, where="in the image", fix=problem.fix)
    return DeployError(
        f"the health check's container does not start: {message}",
        where="in the image",
        fix="see whether `docker run` starts the base image",
    )


async def _answer_of(ctx: StageContext, output: AsyncGenerator[tuple[int, bytes]]) -> bytes:
    answer = ProbeOutput(ctx)
    async with aclosing(output) as pieces:
        async for stream, piece in pieces:
            take = answer.take_stdout if stream == _STDOUT else answer.take_stderr
            take(piece)
    answer.end()
    return bytes(answer.stdout)
