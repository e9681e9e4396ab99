"""The Dockerfile, the build context and the content hash, without an engine."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.docker.build_context import BuildContext, Entry
from flowtui.deploy.docker.dockerfile import render_dockerfile
from flowtui.deploy.docker.ignore import DockerIgnore, never_sent
from flowtui.deploy.docker.image import gather, image_labels, prepare
from flowtui.deploy.docker.image_spec import ImageSpec, default_base_image
from flowtui.deploy.docker.prefect_pins import installer_pin_for, pins_for
from flowtui.deploy.slug import slug
from flowtui.errors import DeployError, UsageError
from flowtui.models import LocalModule


def spec_in(folder: Path, **changes: Any) -> ImageSpec:
    given: dict[str, Any] = {
        "flow_name": "two task",
        "project_root": folder,
        "python_minor": "3.11",
        "prefect_version": "1.4.1",
        "cloudpickle_version": "3.1.2",
    }
    return ImageSpec(**{**given, **changes})


async def tar_bytes(context: BuildContext, *extra: Entry) -> bytes:
    return b"".join([piece async for piece in context.tar(*extra)])


def names_in(tar: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {member.name: member for member in archive}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My Flow: α_1", "my-flow-a-1"),
        ("two task", "two-task"),
        ("it's ok", "it-s-ok"),
        ("ÅÄÖ  é", "aao-e"),
        ("щука Хлеб", "shchuka-khleb"),
        ("--A__b--", "a-b"),
    ],
)
def test_slugs_are_those_of_python_slugify(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_names_in_scripts_without_ascii_letters_stay_apart() -> None:
    assert slug("流程") != slug("作业")
    assert slug("流程") == slug("流程")
    assert slug("etl 流程").startswith("etl-")
    assert slug("etl 流程") != slug("etl 作业")
    assert all(char in "abcdefghijklmnopqrstuvwxyz0123456789-" for char in slug("流程"))


def test_the_dockerfile_goes_from_what_rarely_changes_to_the_pickle(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("a: 1")
    (tmp_path / "helper.py").write_text("x = 1")
    spec = spec_in(
        tmp_path,
        base_image="python:3.11-slim",
        python_dependencies=("prefect==1.4.1", "marshmallow<4"),
        env_vars={"GREETING": "hi"},
        build_args={"MIRROR": "m"},
        extra_dockerfile_commands=("RUN true",),
        files={"config.yaml": "/app/config.yaml"},
        modules=(LocalModule("helper", str(tmp_path / "helper.py")),),
    )
    text = render_dockerfile(spec, labels=image_labels(spec, "h" * 64))
    order = [
        "FROM python:3.11-slim",
        "ARG MIRROR",
        'ENV GREETING="hi"',
        "RUN python -m pip install --no-cache-dir --disable-pip-version-check",
        'COPY ["files/1/config.yaml", "/app/config.yaml"]',
        "RUN true",
        'COPY ["src/", "/opt/flowtui/src/"]',
        'ENV PYTHONPATH="${PYTHONPATH:+${PYTHONPATH}:}/opt/flowtui/src"',
        "LABEL ",
        'COPY ["flow/two-task.prefect", "/opt/prefect/flows/two-task.prefect"]',
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "prefect==1.4.1 \\\n    'marshmallow<4'" in text
    assert text.rstrip().endswith('two-task.prefect"]')


def test_bytecode_is_left_in_the_image_and_is_no_other_image(tmp_path: Path) -> None:
    spec = spec_in(tmp_path, python_dependencies=("prefect==3.9.1",), code_folder="/opt/prefect/p")
    text = render_dockerfile(spec, labels=image_labels(spec, "h" * 64))
    order = [
        "RUN python -m pip",
        "RUN PYTHONDONTWRITEBYTECODE= PREFECT_HOME=/tmp python -c 'import cloudpickle, prefect;",
        "WORKDIR /opt/prefect/p",
        "LABEL ",
        'COPY ["tree/", "/opt/prefect/p/"]',
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "import" not in render_dockerfile(spec)
    bare = replace(spec, python_dependencies=())
    assert "import" not in render_dockerfile(bare, labels=image_labels(bare, "h" * 64))


def test_values_cannot_break_out_of_their_instruction(tmp_path: Path) -> None:
    spec = spec_in(tmp_path, env_vars={"A": 'x" \\ $HOME', "B": "one\nRUN evil"})
    text = render_dockerfile(spec)
    assert 'ENV A="x\\" \\\\ \\$HOME"' in text
    assert 'ARG FLOWTUI_ENV_B\nENV B="${FLOWTUI_ENV_B}"' in text
    assert "\nRUN evil" not in text
    recipe = prepare(spec, flow_sources={})
    assert recipe.build_args == {"FLOWTUI_ENV_B": "one\nRUN evil"}


def test_the_escape_directive_of_a_users_dockerfile_is_followed(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("# escape=`\nFROM python:3.11\n")
    spec = spec_in(tmp_path, dockerfile="Dockerfile", env_vars={"A": 'say "$x" `'})
    text = render_dockerfile(spec)
    assert text.startswith("# escape=`\nFROM python:3.11\n")
    assert 'ENV A="say `"`$x`" ``"' in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_image": "a", "dockerfile": "Dockerfile"}, "exclude each other"),
        ({"base_image": "two words"}, "name of a base image"),
        ({"dockerfile": "missing/Dockerfile"}, "cannot be read"),
        ({"env_vars": {"BAD NAME": "x"}}, "environment variable"),
        ({"env_vars": {"A": "\0"}}, "NUL"),
        ({"python_dependencies": ("x\nRUN evil",)}, "requirement"),
        ({"files": {"a.txt": "relative/a.txt"}}, "absolute"),
        ({"extra_dockerfile_commands": (" ",)}, "empty command"),
    ],
)
def test_settings_that_cannot_work_are_one_clear_error(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        render_dockerfile(spec_in(tmp_path, **changes))


def test_options_among_the_dependencies_are_split(tmp_path: Path) -> None:
    spec = spec_in(
        tmp_path, python_dependencies=("--find-links /w x", "a[b]>=1; python_version>'3'")
    )
    text = render_dockerfile(spec)
    assert "--find-links \\\n    /w \\\n    x" in text
    assert """'a[b]>=1; python_version>'"'"'3'"'"''""" in text


def test_an_old_pip_is_installed_first_only_for_the_prefect_that_needs_it(tmp_path: Path) -> None:
    spec = spec_in(tmp_path, prefect_version="0.15.13", python_dependencies=("prefect==0.15.13",))
    lines = render_dockerfile(spec).splitlines()
    installs = [line for line in lines if line.startswith("RUN python -m pip")]
    assert len(installs) == 2 and installs[0].endswith("'pip<24.1'")
    without = replace(spec, python_dependencies=("requests",))
    assert "pip<24.1" not in render_dockerfile(without)


@pytest.mark.parametrize(
    ("prefect", "python", "pins"),
    [
        ("0.6.1", "3.7", {"urllib3<2", "requests<2.32"}),
        ("0.9.8", "3.7", {"urllib3<2", "requests<2.32"}),
        ("0.12.6", "3.8", {"urllib3<2", "marshmallow<4"}),
        ("0.14.22", "3.9", {"urllib3<2", "marshmallow<4"}),
        ("0.15.13", "3.9", {"marshmallow<4"}),
        ("0.15.13", "3.12", {"marshmallow<4", "setuptools<81"}),
        ("1.4.1", "3.13", {"marshmallow<4"}),
        ("3.4.0", "3.12", set[str]()),
    ],
)
def test_pins_are_those_that_were_measured(prefect: str, python: str, pins: set[str]) -> None:
    assert set(pins_for(prefect, python)) == pins


def test_pip_is_held_back_for_015_only() -> None:
    assert installer_pin_for("0.15.13") == "pip<24.1"
    assert installer_pin_for("0.14.22") is None
    assert installer_pin_for("1.4.1") is None


def test_the_default_base_image_has_the_interpreters_minor_version() -> None:
    assert default_base_image("3.7") == "python:3.7-slim"


async def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    def make(folder: Path, stamp: int) -> ImageSpec:
        folder.mkdir()
        names = ["b.txt", "a.txt", "z.py"] if stamp == 1 else ["z.py", "a.txt", "b.txt"]
        for name in names:
            (folder / name).write_text(name)
            (folder / name).chmod(0o640 if stamp == 1 else 0o604)
            os.utime(folder / name, (stamp, stamp))
        return spec_in(
            folder,
            files={"b.txt": "/b", "a.txt": "/a"},
            modules=(LocalModule("z", str(folder / "z.py")),),
        )

    one, other = make(tmp_path / "one", 1), make(tmp_path / "other", 1_000_000_000)
    recipes = [prepare(spec, flow_sources={"f.py": b"x"}) for spec in (one, other)]
    tars = [await tar_bytes(r.context, *r.extra_entries(b"pickle")) for r in recipes]
    assert tars[0] == tars[1]
    assert recipes[0].content_hash == recipes[1].content_hash
    members = names_in(tars[0])
    assert list(members) == sorted(members)
    assert all(m.mtime == 0 and m.uid == 0 and m.gid == 0 for m in members.values())
    assert {m.mode for m in members.values() if m.isfile()} == {0o644}
    assert "Dockerfile" in members and "flow/two-task.prefect" in members


def _on_disk(_: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """The change was made in the folder; specification and inputs stay."""
    return {}, {}


_CHANGES: dict[str, Callable[[Path], tuple[dict[str, Any], dict[str, Any]]]] = {
    "a dependency": lambda _: ({"python_dependencies": ("requests==1",)}, {}),
    "an environment variable": lambda _: ({"env_vars": {"A": "2"}}, {}),
    "a value with a line break": lambda _: ({"env_vars": {"A": "1", "B": "x\ny"}}, {}),
    "a build argument": lambda _: ({"build_args": {"A": "2"}}, {}),
    "the base image": lambda _: ({"base_image": "python:3.12"}, {}),
    "a command": lambda _: ({"extra_dockerfile_commands": ("RUN x",)}, {}),
    "a target path": lambda _: ({"files": {"data.txt": "/elsewhere"}}, {}),
    "the Python": lambda _: ({"python_minor": "3.12"}, {}),
    "Prefect": lambda _: ({"prefect_version": "1.4.0"}, {}),
    "cloudpickle": lambda _: ({"cloudpickle_version": "3.0.0"}, {}),
    "the flow's name": lambda _: ({"flow_name": "other"}, {}),
    "the flow's source": lambda _: ({}, {"flow_sources": {"flow.py": b"y"}}),
    "the base image's digest": lambda _: ({}, {"base_identity": "sha256:2"}),
    "the destination": lambda _: ({}, {"destination": "elsewhere"}),
    "other settings": lambda _: ({}, {"settings": {"executor": "x"}}),
    "the salt": lambda _: ({}, {"salt": "1"}),
    "a file's content": lambda folder: _on_disk((folder / "data.txt").write_text("new")),
    "a module's content": lambda folder: _on_disk((folder / "helper.py").write_text("x = 2")),
    "a file's x bit": lambda folder: _on_disk((folder / "data.txt").chmod(0o755)),
}


@pytest.mark.parametrize("change", sorted(_CHANGES))
def test_the_hash_changes_with_each_input(change: str, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("old")
    (tmp_path / "helper.py").write_text("x = 1")
    spec = spec_in(
        tmp_path,
        base_image="python:3.11",
        env_vars={"A": "1"},
        build_args={"A": "1"},
        files={"data.txt": "/data"},
        modules=(LocalModule("helper", str(tmp_path / "helper.py")),),
    )
    inputs: dict[str, Any] = {"flow_sources": {"flow.py": b"x"}, "base_identity": "sha256:1"}
    before = prepare(spec, **inputs).content_hash
    assert prepare(spec, **inputs).content_hash == before
    spec_changes, input_changes = _CHANGES[change](tmp_path)
    after = prepare(replace(spec, **spec_changes), **{**inputs, **input_changes}).content_hash
    assert after != before


def test_a_new_flowtui_alone_is_no_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepare(spec_in(tmp_path), flow_sources={})
    monkeypatch.setattr("flowtui.deploy.docker.image.__version__", "99.0")
    after = prepare(spec_in(tmp_path), flow_sources={})
    assert after.content_hash == before.content_hash
    assert after.dockerfile != before.dockerfile


SECRETS = (
    ".env", ".env.production", "prod.env", "server.pem", "tls.key", "id_rsa", "id_ed25519",
    ".netrc", ".pypirc", "profiles.toml", "auth.toml", ".ENV", "ID_RSA", "Server.PEM",
    "credentials.json",
)  # fmt: skip
SECRET_FOLDERS = (
    ".git", ".venv", "venv", "node_modules", "__pycache__", ".docker", ".aws", ".ssh", ".kube",
    ".prefect", ".gnupg",
)  # fmt: skip


def project_with_secrets(folder: Path) -> None:
    for place in (folder, folder / "deep" / "er"):
        place.mkdir(parents=True, exist_ok=True)
        for name in SECRETS:
            (place / name).write_text("secret")
        for name in SECRET_FOLDERS:
            (place / name).mkdir()
            (place / name / "inside.txt").write_text("secret")
        (place / "keep.py").write_text("x")
        (place / "keyboard.txt").write_text("x")


def test_the_project_folder_goes_without_secrets(tmp_path: Path) -> None:
    project_with_secrets(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM x")
    context = gather(spec_in(tmp_path, dockerfile="Dockerfile"))
    sent = {entry.path for entry in context.entries if entry.kind == tarfile.REGTYPE}
    expected = {"keep.py", "keyboard.txt", "deep/er/keep.py", "deep/er/keyboard.txt", "Dockerfile"}
    assert sent == expected
    left_out = set(SECRETS) | {f"{name}/" for name in SECRET_FOLDERS}
    assert set(context.never_sent) == left_out | {f"deep/er/{name}" for name in left_out}


def test_a_folder_in_files_goes_without_secrets_too(tmp_path: Path) -> None:
    project_with_secrets(tmp_path / "assets")
    context = gather(spec_in(tmp_path, files={"assets": "/assets"}))
    sent = {entry.path for entry in context.entries if entry.kind == tarfile.REGTYPE}
    assert sent == {
        f"files/1/assets/{name}"
        for name in ("keep.py", "keyboard.txt", "deep/er/keep.py", "deep/er/keyboard.txt")
    }
    assert "assets/.env" in context.never_sent


def test_without_a_dockerfile_nothing_goes_but_what_is_named(tmp_path: Path) -> None:
    project_with_secrets(tmp_path)
    assert gather(spec_in(tmp_path)).entries == ()


def test_a_secret_that_is_named_goes_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1")
    recipe = prepare(spec_in(tmp_path, files={".env": "/app/.env"}), flow_sources={})
    assert [entry.path for entry in recipe.context.entries] == ["files/1/.env"]
    assert any("looks like a secret" in p.what and p.where == ".env" for p in recipe.problems)


def test_secrets_in_settings_are_warned_about(tmp_path: Path) -> None:
    spec = spec_in(
        tmp_path,
        env_vars={"AWS_SECRET_ACCESS_KEY": "x", "MONKEY": "x"},
        build_args={"API_TOKEN": "x"},
        python_dependencies=("--index-url https://me:pw@index.example/simple",),
    )
    said = " ".join(problem.what for problem in prepare(spec, flow_sources={}).problems)
    assert "AWS_SECRET_ACCESS_KEY" in said and "API_TOKEN" in said and "password" in said
    assert "MONKEY" not in said


@pytest.mark.parametrize("path", [".env.example", "id_rsa.pub", "environment.py", "keys.py", "a/b"])
def test_harmless_names_are_sent(path: str) -> None:
    assert not never_sent(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        gather(spec_in(tmp_path, files={"no/such.txt": "/x"}))
    assert caught.value.problem.where.endswith("no/such.txt")
    with pytest.raises(UsageError, match="module gone is gone"):
        gather(spec_in(tmp_path, modules=(LocalModule("gone", str(tmp_path / "gone.py")),)))


def test_modules_keep_their_import_path(tmp_path: Path) -> None:
    for path in ("lib/pkg/__init__.py", "lib/pkg/dates.py", "one.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    modules = (
        LocalModule("pkg", str(tmp_path / "lib/pkg/__init__.py")),
        LocalModule("pkg.dates", str(tmp_path / "lib/pkg/dates.py")),
        LocalModule("one", str(tmp_path / "one.py")),
        LocalModule("space", ""),
    )
    context = gather(spec_in(tmp_path, modules=modules))
    assert [entry.path for entry in context.entries] == [
        "src/one.py",
        "src/pkg/__init__.py",
        "src/pkg/dates.py",
    ]


async def test_links_are_sent_as_links_and_sockets_not_at_all(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    project = tmp_path / "project"
    project.mkdir()
    (project / "Dockerfile").write_text("FROM x")
    (project / "link").symlink_to(outside)
    (project / "loop").symlink_to(project)
    os.mkfifo(project / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(project / "sock"))
        context = gather(spec_in(project, dockerfile="Dockerfile"))
    members = names_in(await tar_bytes(context))
    assert members["link"].issym() and members["link"].linkname == str(outside)
    assert members["loop"].issym()
    assert set(members) == {"Dockerfile", "link", "loop"}
    assert len(context.problems) == 2


async def test_long_and_foreign_names_survive_the_tar(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x")
    name = "ü" * 60 + "/" + "n" * 120 + ".txt"
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text("content")
    tar = await tar_bytes(gather(spec_in(tmp_path, dockerfile="Dockerfile")))
    assert name in names_in(tar)


@pytest.mark.parametrize("new", ["short", "longer than it was before", "same-size!"])
async def test_a_file_that_changes_on_the_way_stops_the_build(new: str, tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_text("0123456789")
    context = gather(spec_in(tmp_path, files={"data.txt": "/data"}))
    file.write_text(new)
    with pytest.raises(DeployError, match="changed while it was being deployed"):
        await tar_bytes(context)


async def test_big_files_go_whole(tmp_path: Path) -> None:
    content = os.urandom(3_000_001)
    (tmp_path / "big").write_bytes(content)
    context = gather(spec_in(tmp_path, files={"big": "/big"}))
    tar = await tar_bytes(context)
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        file = archive.extractfile("files/1/big")
        assert file is not None
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(content).digest()


def test_the_summary_counts_everything_that_is_sent(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("12345")
    recipe = prepare(spec_in(tmp_path, files={"data.txt": "/data"}), flow_sources={})
    summary = recipe.summary(100)
    assert [path for path, _ in summary.files] == [
        "Dockerfile",
        "files/1/data.txt",
        "flow/two-task.prefect",
    ]
    assert summary.size == len(recipe.dockerfile.encode()) + 5 + 100


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "dir/a.txt", False),
        ("**/*.txt", "dir/deep/a.txt", True),
        ("**/*.txt", "a.txt", True),
        ("dir", "dir/deep/a.txt", True),
        ("/dir/", "dir/a.txt", True),
        ("dir/**", "dir/a", True),
        ("Secret.txt", "secret.txt", False),
        ("*\n!keep.md", "keep.md", False),
        ("*\n!keep.md", "other.md", True),
        ("!keep.md\n*", "keep.md", True),
        ("# a comment\na", "# a comment", False),
        ("a?c", "abc", True),
        ("[a-c].py", "b.py", True),
        ("[^a-c].py", "b.py", False),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("x/../y", "y", True),
        ("  spaced  ", "spaced", True),
        ("\ufeffbom", "bom", True),
        ("a.c", "abc", False),
        ("dir\n!dir/keep", "dir/keep/file", False),
        ("**/node\n!a/node/keep", "a/b/node/x/file", True),
        ("*.md\n!README.md", "readme.md", True),
    ],
)
def test_dockerignore_rules(rules: str, path: str, ignored: bool) -> None:
    assert DockerIgnore(rules).ignores(path) is ignored


@pytest.mark.parametrize(
    ("content", "said"), [(b"\xff\xfe", "it is not UTF-8"), (None, "Too many levels of symbolic")]
)
def test_rules_that_cannot_be_read_send_nothing(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x\n")
    rules = tmp_path / ".dockerignore"
    if content is None:
        rules.symlink_to(rules.name)
    else:
        rules.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        gather(spec_in(tmp_path, dockerfile="Dockerfile"))
    assert caught.value.problem.where == str(rules)


def test_a_path_with_a_nul_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"null (byte|character)"):
        gather(spec_in(tmp_path, files={"a\0b": "/a"}))


def test_an_option_of_pip_with_an_open_quote_is_no_requirement(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a requirement"):
        render_dockerfile(spec_in(tmp_path, python_dependencies=('--find-links "x',)))
