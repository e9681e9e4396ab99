"""Builds on a real engine: what reaches the image, what fails and how, and cancelling."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.image import ImageRecipe, prepare
from flowtui.deploy.docker.image_spec import ImageSpec
from flowtui.deploy.events import LogLine, Stage
from flowtui.deploy.stages.build import build_image, ensure_image, in_bytes, silence_noticed
from flowtui.errors import DeployError, EngineError, UsageError
from flowtui.models import LocalModule
from tests.deploy.stage_helpers import Recorder, built, cancelled_within, no_containers
from tests.parts.base_images import prefect_image, python_image
from tests.parts.engine import RunningEngine
from tests.parts.registry import free_port

pytestmark = pytest.mark.real


def recipe(folder: Path, base: str | None, **settings: Any) -> ImageRecipe:
    spec = ImageSpec(
        flow_name="sample",
        project_root=folder,
        python_minor="3.11",
        prefect_version="1.4.1",
        cloudpickle_version="3.1.2",
        base_image=base,
        **settings,
    )
    return prepare(spec, flow_sources={})


def run(engine: RunningEngine, image: str, code: str) -> str:
    return engine.docker("run", "--rm", "--network", "none", image, "python", "-c", code)


async def test_values_and_names_reach_the_image_as_they_are(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    base = python_image(docker_engine, "3.11")
    values = {
        "SPACES": "two  words",
        "QUOTES": 'it\'s "quoted"',
        "DOLLAR": "$HOME ${PATH} $$",
        "BACKSLASH": "a\\b\\",
        "LINES": "one\ntwo\r\nthree\n",
        "EMPTY": "",
        "UMLAUT": "grün",
        "PYTHONPATH": "/mine",
    }
    target = "/app/with space $x 'and' \"quotes\"/[d] a.txt"
    (tmp_path / "we ird [1].txt").write_text("weird")
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "leaf").write_text("leaf")
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("x = 'helper'")
    made = recipe(
        tmp_path,
        base,
        env_vars=values,
        files={"we ird [1].txt": target, "tree": "/app/tree/"},
        modules=(LocalModule("helpers", str(tmp_path / "helpers/__init__.py")),),
        build_args={"WORD": "given"},
        extra_dockerfile_commands=("RUN echo $WORD > /word",),
    )
    image = await built(made, b"the pickle", "sample:values")
    code = (
        f"import os, json, stat, helpers; wanted = {values!r}; wanted.pop('PYTHONPATH')\n"
        "wrong = {k: os.environ.get(k) for k in wanted if os.environ.get(k) != wanted[k]}\n"
        "assert not wrong, wrong\n"
        "assert os.environ['PYTHONPATH'] == '/mine:/opt/flowtui/src'\n"
        "assert helpers.x == 'helper'\n"
        f"assert open({target!r}).read() == 'weird'\n"
        "assert open('/app/tree/sub/leaf').read() == 'leaf'\n"
        "assert open('/word').read() == 'given\\n'\n"
        "path = '/opt/prefect/flows/sample.prefect'\n"
        "assert open(path, 'rb').read() == b'the pickle'\n"
        "assert stat.S_IMODE(os.stat(path).st_mode) == 0o644\n"
        "print('all right')"
    )
    assert run(docker_engine, image.id, code) == "all right"
    labels = docker_engine.docker("inspect", "--format", "{{json .Config.Labels}}", image.id)
    assert made.content_hash in labels and '"io.flowtui.flow":"sample"' in labels


async def test_labels_hold_any_flow_name(docker_engine: RunningEngine, tmp_path: Path) -> None:
    spec = ImageSpec(
        flow_name='it\'s "a" $flow \\ α',
        project_root=tmp_path,
        python_minor="3.11",
        prefect_version="1.4.1",
        cloudpickle_version="3.1.2",
        base_image=python_image(docker_engine, "3.11"),
    )
    image = await built(prepare(spec, flow_sources={}), b"p", "sample:labels")
    async with await Engine.connect() as engine:
        found = await engine.image(image.id)
    assert found is not None
    assert found.labels["io.flowtui.flow"] == spec.flow_name


async def test_the_same_recipe_is_all_from_the_cache(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    command = f"RUN echo {uuid.uuid4().hex}"
    base = python_image(docker_engine, "3.11")
    first = recipe(tmp_path, base, extra_dockerfile_commands=(command,))
    one = await built(first, b"one", "sample:cache")
    again = await built(first, b"one", "sample:cache")
    assert one.id == again.id
    recorder = Recorder(Stage.BUILD)
    async with await Engine.connect() as engine:
        await build_image(recorder.ctx, engine, first, b"two", image="sample:cache", pull=False)
    step = next(n for n, line in enumerate(recorder.lines) if command in line)
    assert "Using cache" in recorder.lines[step + 1]


async def test_bytecode_is_there_where_the_base_has_none_and_writes_none(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    where = "sorted(map(str, pathlib.Path(json.__file__).parent.glob('__pycache__/*.pyc')))"
    remove = f"import json, pathlib; [pathlib.Path(each).unlink() for each in {where}]"
    (tmp_path / "Dockerfile").write_text(
        f"FROM {prefect_image(docker_engine, '1.4.1')}\n"
        f'ENV PYTHONDONTWRITEBYTECODE=1\nRUN python -c "{remove}"\n'
    )
    needed = {"dockerfile": "Dockerfile", "python_dependencies": ("prefect==1.4.1",)}
    image = await built(recipe(tmp_path, None, **needed), b"p", "sample:bytecode")
    found = run(docker_engine, image.id, f"import json, pathlib; print(len({where}))")
    assert int(found) > 0


async def test_a_prefect_that_cannot_be_imported_is_for_the_health_check_to_tell(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    base = python_image(docker_engine, "3.11")
    made = recipe(tmp_path, base, python_dependencies=("pip",))
    image = await built(made, b"p", "sample:no-prefect")
    assert run(docker_engine, image.id, "print('built')") == "built"


async def test_a_users_dockerfile_sees_its_project_without_secrets(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    base = python_image(docker_engine, "3.11")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text(
        f"# escape=`\nFROM {base} AS one\nCOPY . /ctx\nENV FROM_USER=y`\nes\n"
    )
    (tmp_path / ".dockerignore").write_text("*.log\n!keep.log\nbig/\n")
    for name in ("a.py", "drop.log", "keep.log", ".env", "big/data", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    made = recipe(tmp_path, None, dockerfile="docker/Dockerfile", env_vars={"A": 'b`c"$d'})
    assert made.context.never_sent == (".env", ".git/")
    image = await built(made, b"pickle", "sample:dockerfile")
    code = (
        "import os; names = sorted(os.path.relpath(os.path.join(at, name), '/ctx')"
        " for at, _, files in os.walk('/ctx') for name in files); print(names)\n"
        "assert os.environ['A'] == 'b`c\"$d' and os.environ['FROM_USER'] == 'yes'"
    )
    listed = run(docker_engine, image.id, code)
    assert listed == str(
        [
            ".flowtui/Dockerfile",
            ".flowtui/flow/sample.prefect",
            "a.py",
            "docker/Dockerfile",
            "keep.log",
        ]
    )


async def test_dockerignore_is_read_as_docker_reads_it(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    """The docker command line is the witness: the same folder must give the same files."""
    base = python_image(docker_engine, "3.11")
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nCOPY . /ctx\n")
    for name in (
        "a.txt", "A.TXT", "d/a.txt", "d/e/a.txt", "d/e/b.md", "x1.py", "x2.py", "[1].py", "s p.txt",
        "logs/one.log", "logs/keep/two.log", "node/mod/index.js", "z.c", "zzc", "deep/a/b/c/d.txt",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    rules = (
        "# comment\n*.txt\n!s p.txt\n**/e/*.md\nx[1-1].py\nlogs\n!logs/keep\nnode/*\n!node/mod\n"
        "z.c\n/deep/*/b/**\n!deep/a/b/c/d.txt\n\\[1].py\n"
    )
    (tmp_path / ".dockerignore").write_text(rules)
    code = (
        "import os; print(sorted(os.path.relpath(os.path.join(at, name), '/ctx')"
        " for at, _, files in os.walk('/ctx') for name in files))"
    )
    docker_engine.docker("build", "--tag", "sample:witness", str(tmp_path))
    witness = run(docker_engine, "sample:witness", code)
    made = recipe(tmp_path, None, dockerfile="Dockerfile")
    image = await built(made, b"pickle", "sample:ours")
    ours = run(docker_engine, image.id, code)
    extra = {".dockerignore", ".flowtui/Dockerfile", ".flowtui/flow/sample.prefect"}
    assert set(eval(ours)) - extra == set(eval(witness)) - extra


@pytest.mark.parametrize(
    ("settings", "said", "fix"),
    [
        ({"extra_dockerfile_commands": ("FLY away",)}, "unknown instruction: FLY", "Dockerfile"),
        ({"extra_dockerfile_commands": ("COPY gone.txt /",)}, "not in the build context", "files"),
        ({"extra_dockerfile_commands": ("RUN exit 3",)}, "returned a non-zero code: 3", "log"),
        (
            {"extra_dockerfile_commands": ("RUN --mount=type=cache,target=/x true",)},
            "needs BuildKit",
            "without",
        ),
        (
            {"python_dependencies": ("--no-index", "leftpad==9")},
            "no package on the index fits leftpad==9",
            "python_dependencies",
        ),
        (
            {"python_dependencies": ("--index-url http://127.0.0.1:9/simple", "leftpad==9"),
             "env_vars": {"PIP_RETRIES": "1"}},
            "cannot reach the package index",
            "proxy",
        ),
        ({"python_dependencies": ("not a requirement!",)}, "not a requirement", "correct"),
        (
            {"extra_dockerfile_commands": ("RUN sh -c 'kill -9 $$'; exit $?",)},
            "was killed",
            "memory",
        ),
    ],
)  # fmt: skip
async def test_each_failed_build_has_its_own_words(
    settings: dict[str, Any], said: str, fix: str, docker_engine: RunningEngine, tmp_path: Path
) -> None:
    base = python_image(docker_engine, "3.11")
    mark = uuid.uuid4().hex
    with pytest.raises(DeployError) as caught:
        await built(recipe(tmp_path, base, **settings), b"p", f"sample:{mark}")
    assert said in caught.value.problem.what
    assert fix in caught.value.problem.fix
    async with await Engine.connect() as engine:
        assert await engine.image(f"sample:{mark}") is None


async def test_a_base_image_that_may_not_be_pulled_must_be_there(
    docker_engine: RunningEngine,
) -> None:
    async with await Engine.connect() as engine:
        with pytest.raises(DeployError, match="is not on the engine") as caught:
            await ensure_image(Recorder(Stage.BUILD).ctx, engine, "no/such:1", pull=False)
    assert "local_image" in caught.value.problem.where


async def test_a_base_image_that_cannot_be_pulled_says_why(docker_engine: RunningEngine) -> None:
    image = f"127.0.0.1:{free_port()}/no/such:1"
    async with await Engine.connect() as engine:
        with pytest.raises(DeployError, match=r"registry of the base image .* does not answer"):
            await ensure_image(Recorder(Stage.BUILD).ctx, engine, image, pull=True)


async def test_a_base_image_is_pulled_from_its_registry(
    docker_engine: RunningEngine, plain_registry: Any
) -> None:
    name = f"{plain_registry.host}/base/python:3.11"
    docker_engine.docker("tag", python_image(docker_engine, "3.11"), name)
    docker_engine.docker("push", name)
    docker_engine.docker("rmi", name)
    recorder = Recorder(Stage.BUILD)
    async with await Engine.connect() as engine:
        found = await ensure_image(recorder.ctx, engine, name, pull=True)
        pulled = f"{plain_registry.host}/base/python@sha256:"
        assert any(digest.startswith(pulled) for digest in found.repo_digests)
        with pytest.raises(DeployError, match="does not exist"):
            await ensure_image(
                recorder.ctx, engine, f"{plain_registry.host}/base/none:1", pull=True
            )
    assert f"pulling the base image {name}" in recorder.lines


async def test_a_cancelled_build_ends_on_the_engine(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex
    made = recipe(
        tmp_path,
        python_image(docker_engine, "3.11"),
        extra_dockerfile_commands=(f"RUN echo started {mark}; sleep 300",),
    )
    recorder = Recorder(Stage.BUILD)
    # The step's own echo repeats the mark: wait for the line that is nothing but the output.
    started = recorder.when(
        lambda event: isinstance(event, LogLine) and event.text == f"started {mark}"
    )
    async with await Engine.connect() as engine:
        task = asyncio.create_task(
            build_image(recorder.ctx, engine, made, b"p", image=f"sample:{mark}", pull=False)
        )
        await asyncio.wait_for(started.wait(), 60)
        await cancelled_within(task, 1.0)
        assert await no_containers(docker_engine, mark, 1.0)
        assert await engine.image(f"sample:{mark}") is None


async def test_output_is_joined_to_lines_and_cleaned(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex
    script = (
        f"import sys; print('{mark}'); sys.stdout.write('half '); sys.stdout.flush();"
        "print('line'); sys.stdout.write('10%\\r100%\\n');"
        "print('\\x1b]0;title\\x07plain \\x1b[31mred\\x1b[0m'); sys.stdout.write('no newline')"
    )
    (tmp_path / "say.py").write_text(script)
    # A step of its own: the engine mixes the two streams of a step as they come.
    complaint = "import sys; sys.stderr.write('first wrong\\nsecond wrong\\n')"
    (tmp_path / "complain.py").write_text(complaint)
    made = recipe(
        tmp_path,
        python_image(docker_engine, "3.11"),
        files={"say.py": "/say.py", "complain.py": "/complain.py"},
        extra_dockerfile_commands=("RUN python /say.py", "RUN python /complain.py"),
    )
    recorder = Recorder(Stage.BUILD)
    async with await Engine.connect() as engine:
        await build_image(recorder.ctx, engine, made, b"p", image="sample:lines", pull=False)
    start = recorder.lines.index(mark)
    assert recorder.lines[start : start + 4] == [
        mark,
        "half line",
        "100%",
        "plain \x1b[31mred\x1b[0m",
    ]
    assert any("no newline" in line for line in recorder.lines)
    # The engine makes stderr red, whatever number of lines comes in one piece.
    wrong = [line for line in recorder.lines if "wrong" in line and "say.py" not in line]
    assert "\x1b[91msecond wrong\x1b[0m" in wrong, wrong
    assert all(line.endswith("\x1b[0m") for line in wrong), wrong
    steps = [(p.current, p.total) for p in recorder.progress if p.item == "step"]
    assert steps == [(n, steps[0][1]) for n in range(1, len(steps) + 1)]
    assert steps[-1][0] == steps[-1][1]


async def test_silence_is_noticed_and_ends_with_the_stage() -> None:
    recorder = Recorder(Stage.BUILD)
    noticed = recorder.when_line("no output for")
    async with silence_noticed(recorder.ctx, seconds=0.05):
        await asyncio.wait_for(noticed.wait(), 10)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert all(task.cancelling() for task in left)


async def test_sizes_are_for_people() -> None:
    assert [in_bytes(n) for n in (0, 999, 1500, 2_340_000, 5 * 10**9)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.3 MB",
        "5.0 GB",
    ]


async def test_a_missing_dockerfile_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        recipe(tmp_path, None, dockerfile="no/Dockerfile")


async def test_an_engine_that_goes_away_is_an_engine_error(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"GET /version"):
            body = b'{"ApiVersion": "1.41", "Version": "1"}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / "s")
    async with await Engine.connect(environ={"DOCKER_HOST": f"unix://{tmp_path / 's'}"}) as engine:
        with pytest.raises(EngineError, match="closed the connection"):
            await engine.image("x")
    server.close()
