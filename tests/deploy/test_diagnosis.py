"""What engines, pip and registries said, word for word, and what we make of it."""

from __future__ import annotations

import re

import pytest

from flowtui.deploy import diagnosis


@pytest.mark.parametrize(
    ("error", "tail", "said"),
    [
        ("write /x: no space left on device", (), "no space left"),
        (
            "The command '/bin/sh -c pip install x' returned a non-zero code: 1",
            ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate",),
            "does not trust the certificate",
        ),
        (
            "The command '/bin/sh -c pip install x==99' returned a non-zero code: 1",
            ("ERROR: No matching distribution found for x==99",),
            "no package on the index fits x==99",
        ),
        (
            "The command '/bin/sh -c pip install a b' returned a non-zero code: 1",
            ("ERROR: ResolutionImpossible: for help visit …",),
            "exclude each other",
        ),
        (
            "The command '/bin/sh -c pip install a' returned a non-zero code: 1",
            ("error: command 'gcc' failed: No such file or directory",),
            "no compiler",
        ),
        (
            "The command '/bin/sh -c pip install a' returned a non-zero code: 1",
            ("ERROR: Package 'prefect' requires a different Python: 3.6.15 not in '>=3.7'",),
            "prefect does not run on the image's Python 3.6.15",
        ),
        (
            "COPY failed: file not found in build context or excluded by .dockerignore: "
            "stat data/x.csv: file does not exist",
            (),
            "not in the build context: data/x.csv",
        ),
        (
            "COPY failed: stat /var/lib/docker/tmp/builder1/x.csv: no such file or directory",
            (),
            "not in the build context",
        ),
        ("dockerfile parse error line 3: unknown instruction: FORM", (), "instruction: FORM"),
        ("The command '/bin/sh -c x' returned a non-zero code: 137", (), "was killed"),
        ("exec /bin/sh: exec format error", (), "another processor"),
        (
            "pull access denied for nope, repository does not exist or may require "
            "'docker login': denied: requested access to the resource is denied",
            (),
            "does not exist, or may not be pulled",
        ),
        ("/bin/sh: 1: python: not found", (), "has no `python`"),
    ],
)
def test_failed_builds(error: str, tail: tuple[str, ...], said: str) -> None:
    problem = diagnosis.of_build(error, tail, base="base:1")
    assert said in problem.what
    assert problem.fix
    assert not re.search(r"\{[a-z]*\}", problem.what + problem.fix)


_RETRY = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after "
    "connection broken by '{}': /simple/six/"
)
_NEW = (
    "NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7eff629d3ed0>:"
    " Failed to establish a new connection: {}')"
)
_NOT_FOUND = "ERROR: No matching distribution found for six==1.16.0"


@pytest.mark.parametrize(
    ("tail", "said", "fix"),
    [
        (
            _RETRY.format(_NEW.format("[Errno -3] Temporary failure in name resolution")),
            "index from inside the build: its name has no address there",
            "DNS",
        ),
        (
            _RETRY.format(_NEW.format("[Errno -2] Name or service not known")),
            "index from inside the build: its name has no address there",
            "check the name of the index",
        ),
        (
            _RETRY.format(_NEW.format("[Errno 111] Connection refused")),
            "index from inside the build: the connection is refused",
            "127.0.0.1 is the container",
        ),
        (
            _RETRY.format(
                "ProxyError('Cannot connect to proxy.', "
                + _NEW.format("[Errno 111] Connection refused")
                + ")"
            ),
            "the proxy does not let it through",
            "HTTPS_PROXY",
        ),
        (
            _RETRY.format(
                "ConnectTimeoutError(<pip._vendor.urllib3.connection.HTTPSConnection object at "
                "0x7ff6c07a1550>, 'Connection to 192.0.2.1 timed out. (connect timeout=15)')"
            ),
            "index from inside the build: it does not answer",
            "network",
        ),
        (
            _RETRY.format(
                "SSLError(SSLError(136, '[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl "
                "found (_ssl.c:4151)'))"
            ),
            "the CA file that pip was given cannot be used",
            "PIP_CERT",
        ),
        (
            '  File "/x/pip/_internal/network/auth.py", line 455, in _prompt_for_password\n'
            "    username = ask_input(f'User for {netloc}: ')\n"
            "EOFError: EOF when reading a line",
            "the package index wants a login",
            "--no-index",
        ),
        (
            "WARNING: The repository located at index.example is not a trusted or secure host and "
            "is being ignored.",
            "does not use the package index index.example: it is plain http",
            "--trusted-host index.example",
        ),
        ("", "no package on the index fits six==1.16.0", "the index if you named one"),
    ],
)
def test_why_pip_finds_no_package(tail: str, said: str, fix: str) -> None:
    error = "The command '/bin/sh -c pip install six==1.16.0' returned a non-zero code: 1"
    problem = diagnosis.of_build(error, (*tail.splitlines(), _NOT_FOUND), base="base:1")
    assert said in problem.what
    assert fix in problem.fix
    assert problem.where == "pip install six==1.16.0"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("manifest for python:3.99 not found: manifest unknown: manifest unknown", "no such tag"),
        ("toomanyrequests: You have reached your pull rate limit", "no more pulls"),
        ("Get https://x.example/v2/: dial tcp: lookup x.example: no such host", "is unknown"),
        ("Get http://127.0.0.1:9/v2/: connect: connection refused", "does not answer"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "processor"),
        ("Get https://r/v2/: x509: certificate signed by unknown authority", "not trusted"),
        ("http: server gave HTTP response to HTTPS client", "plain http"),
        ("invalid reference format", "not the name of an image"),
        ("something new", "cannot be pulled"),
    ],
)
def test_base_images_that_cannot_be_had(error: str, said: str) -> None:
    problem = diagnosis.of_pull(error, "base:1")
    assert said in problem.what and "base:1" in problem.what
    assert problem.fix


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("no basic auth credentials", "wants a login, and there is none"),
        ("unauthorized: authentication required", "does not take the credentials"),
        ("denied: requested access to the resource is denied", "does not let you push team/app"),
        ("name unknown: The repository with name 'x' does not exist", "does not let you push"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", "refuses the connection"),
        ("dial tcp: lookup reg.example on 1.1.1.1:53: no such host", "is unknown"),
        ("http: server gave HTTP response to HTTPS client", "plain http"),
        ("x509: certificate signed by unknown authority", "not trusted"),
        ("net/http: request canceled (Client.Timeout exceeded)", "does not answer"),
        ("An image does not exist locally with the tag: x", "no longer has the image"),
        ("blob upload unknown", "failed: blob upload unknown"),
    ],
)
def test_failed_pushes(error: str, said: str) -> None:
    problem = diagnosis.of_push(error, "reg.example", "team/app")
    assert said in problem.what
    assert problem.fix


def test_outside_text_is_cleaned_on_its_way_into_a_problem() -> None:
    problem = diagnosis.of_push("bad \x1b]52;c;aGk=\x07thing", "reg.example", "team/app")
    assert "\x1b" not in problem.what + problem.where


def test_modules_of_the_project_and_packages_get_different_fixes() -> None:
    own = diagnosis.of_missing_module(
        "helpers.dates", local_modules=("helpers",), place="in the image", in_image=True
    )
    foreign = diagnosis.of_missing_module(
        "pandas", local_modules=("helpers",), place="in the image", in_image=True
    )
    assert "of your project" in own.what and "`files`" in own.fix
    assert "pandas" in foreign.what and "python_dependencies" in foreign.fix


def test_results_are_an_error_only_where_prefect_itself_refuses() -> None:
    from flowtui.deploy.events import Level
    from flowtui.deploy.stages.healthcheck.answer import WithoutResult
    from flowtui.deploy.stages.healthcheck.checks import results_check
    from flowtui.deploy.stages.healthcheck.expectation import Expectation

    findings = [WithoutResult("again", "retries", "its inputs")]

    def level(version: str) -> Level:
        expectation = Expectation(
            flow_name="f",
            flow_path="/f",
            task_slugs=frozenset(),
            python_minor="3.7",
            prefect_version=version,
            cloudpickle_version=None,
        )
        return results_check(findings, expectation).level

    assert [level(v) for v in ("0.6.1", "0.6.2", "0.9.8", "0.12.6")] == [
        Level.INFO,
        Level.ERROR,
        Level.ERROR,
        Level.ERROR,
    ]
    assert [level(v) for v in ("0.13.0", "0.15.13", "1.4.1")] == [Level.WARNING] * 3
