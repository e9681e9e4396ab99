"""From a failure to its cause and fix. Pure functions over what engine, pip and registry said."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from flowtui.models import Problem
from flowtui.text import clean


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern in the failure's text, and the problem it shows.

    `what` and `fix` are templates over the pattern's named groups and the caller's names.
    """

    pattern: str
    what: str
    fix: str


_SPACE = _Rule(
    r"no space left on device",
    "no space left on the engine's disk",
    "free some: `docker system df` shows what holds it, `docker image prune` and "
    "`docker builder prune` free it",
)
_PLATFORM = _Rule(
    r"exec format error|no matching manifest for (?P<platform>\S+)",
    "the base image {base} is for another processor than the engine's",
    "choose a base image for the engine's platform (`docker version` shows it)",
)

_PULL_RULES = (
    _SPACE,
    _Rule(
        r"toomanyrequests|pull rate limit",
        "the registry allows no more pulls for now: {base}",
        "run `docker login`, or wait and deploy again",
    ),
    _PLATFORM,
    _Rule(
        r"pull access denied|denied: requested access|repository does not exist"
        r"|unauthorized|no basic auth credentials|authentication required|access forbidden",
        "the base image {base} does not exist, or may not be pulled without a login",
        "correct `base_image`, or run `docker login` for its registry; for an image that is only "
        "on this engine set `local_image = true`",
    ),
    _Rule(
        r"manifest for .* not found|manifest unknown|not found: manifest|: not found$",
        "the base image {base} does not exist: the registry has no such tag",
        "correct the tag in `base_image`",
    ),
    _Rule(
        r"no such host|server misbehaving|temporary failure in name resolution",
        "the registry of the base image {base} is unknown or there is no network",
        "check the name in `base_image` and the engine's network; for an image that is only on "
        "this engine set `local_image = true`",
    ),
    _Rule(
        r"connection refused|i/o timeout|timeout exceeded|deadline exceeded|network is unreachable",
        "the registry of the base image {base} does not answer",
        "check the engine's network and proxy; for an image that is only on this engine set "
        "`local_image = true`",
    ),
    _Rule(
        r"server gave HTTP response to HTTPS client",
        "the registry of the base image {base} speaks plain http, which the engine does not trust",
        'add it to "insecure-registries" in the engine\'s /etc/docker/daemon.json, or use https',
    ),
    _Rule(
        r"x509:|certificate (signed by|verify|has expired)",
        "the certificate of the base image's registry is not trusted by the engine: {base}",
        "put its CA into /etc/docker/certs.d/<registry>/ca.crt on the engine's machine",
    ),
    _Rule(
        r"invalid reference format|repository name .*must be lowercase",
        "this is not the name of an image: {base}",
        "correct `base_image`: registry/path:tag in lower case",
    ),
)

_BUILD_RULES = (
    _SPACE,
    _Rule(
        r"unknown instruction: (?P<word>\S+)",
        "the Dockerfile has an unknown instruction: {word}",
        "correct the Dockerfile or `extra_dockerfile_commands`; each command starts with an "
        "instruction such as RUN or COPY",
    ),
    _Rule(
        r"dockerfile parse error[^:]*: (?P<detail>.+)|^(?P<syntax>.*syntax error.*)$",
        "the Dockerfile cannot be read: {detail}{syntax}",
        "correct the Dockerfile or `extra_dockerfile_commands`; `flowtui deploy --dry-run` "
        "shows it whole",
    ),
    _Rule(
        r"the (?P<option>--\w+) option requires BuildKit",
        "the Dockerfile uses {option}, which needs BuildKit",
        "write it without {option}: flowtui builds with the classic builder, which every engine "
        "has",
    ),
    _Rule(
        r"(COPY|ADD) failed: (?:file not found in build context or excluded by \.dockerignore: "
        r"stat )?(?P<path>[^\s:]+)[^:]*: (?:file does not exist|no such file)"
        r"|failed to compute cache key:.*\"?(?P<key>/[^\s\"]+)\"?: not found",
        "the Dockerfile copies a file that is not in the build context: {path}{key}",
        "correct the path (it is relative to the project folder), take the file out of "
        ".dockerignore, or, when flowtui never sends such files, name it in `files`",
    ),
    _Rule(
        r"exec: \"(?P<program>python3?)\": executable file not found|(?P<shell>python): not found",
        "the base image {base} has no `python`",
        "use a base image with Python in it, for example python:3.11-slim",
    ),
    _Rule(
        r"No module named pip\b",
        "the Python of the base image {base} has no pip",
        "use a base image with pip, or add it with `extra_dockerfile_commands`",
    ),
    _Rule(
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError",
        "pip does not trust the certificate of the package index",
        "a company network re-signs TLS: put its CA into the base image and set PIP_CERT, for "
        'example `env_vars = {{PIP_CERT = "/etc/ssl/certs/ca-certificates.crt"}}`',
    ),
    _Rule(
        r"NO_CERTIFICATE_OR_CRL_FOUND|suitable TLS CA certificate bundle",
        "the CA file that pip was given cannot be used",
        "correct PIP_CERT: the path, inside the image, of a file with PEM certificates",
    ),
    _Rule(
        r"in _prompt_for_password|401 Error, Credentials not correct",
        "the package index wants a login, and nobody can be asked in a build",
        "name an index without a login, or put wheels into the project, copy them with `files` "
        "and install with `--no-index --find-links`; a login in `build_args` stays readable in "
        "the image",
    ),
    _Rule(
        r"repository located at (?P<index>\S+) is not a trusted",
        "pip does not use the package index {index}: it is plain http",
        "use https, or add `--trusted-host {index}` to `python_dependencies`",
    ),
    _Rule(
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed",
        "pip cannot reach the package index from inside the build: the proxy does not let it "
        "through",
        'correct `build_args = {{HTTPS_PROXY = "…"}}`; in a build, 127.0.0.1 is the container and '
        "not this machine",
    ),
    _Rule(
        r"NameResolutionError|NewConnectionError\(.*(name resolution|Name or service|No address)",
        "pip cannot reach the package index from inside the build: its name has no address there",
        'check the name of the index, and the engine\'s network and DNS ("dns" in '
        '/etc/docker/daemon.json); behind a proxy set `build_args = {{HTTPS_PROXY = "…"}}`',
    ),
    _Rule(
        r"NewConnectionError\(.*Connection refused",
        "pip cannot reach the package index from inside the build: the connection is refused",
        "correct the address of the index (in a build, 127.0.0.1 is the container and not this "
        'machine); behind a proxy set `build_args = {{HTTPS_PROXY = "…"}}`',
    ),
    _Rule(
        r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|Network is unreachable"
        r"|Max retries exceeded",
        "pip cannot reach the package index from inside the build: it does not answer",
        "check the engine's network; behind a proxy set "
        '`build_args = {{HTTPS_PROXY = "…"}}`, with an index of your own PIP_INDEX_URL',
    ),
    _Rule(
        r"(?:Could not find a version that satisfies the requirement|"
        r"No matching distribution found for) (?P<requirement>[^\s(]+)",
        "no package on the index fits {requirement}",
        "check the name and version in `python_dependencies`, and the index if you named one; a "
        "version may not exist for this Python",
    ),
    _Rule(
        r"ResolutionImpossible|conflicting dependencies",
        "the versions in `python_dependencies` exclude each other",
        "loosen one of those that the log names",
    ),
    _Rule(
        r"Package '(?P<package>[^']+)' requires a different Python: (?P<python>\S+)",
        "{package} does not run on the image's Python {python}",
        "choose another version in `python_dependencies`, or another base image",
    ),
    _Rule(
        r"(?:unable to execute '?|command ')(?P<tool>gcc|cc|x86_64-linux-gnu-gcc|g\+\+)"
        r"|(?P<make>cmake|cargo|rustc)[^\n]*not found",
        "a package has no ready-made wheel, and the base image {base} has no compiler to build it",
        "choose a version with a wheel for this Python, a base image with a compiler "
        "(python:X.Y without -slim), or install one with `extra_dockerfile_commands`",
    ),
    _Rule(
        r"Invalid requirement: '?(?P<requirement>[^'\n]+)",
        "this is not a requirement: {requirement}",
        "correct `python_dependencies`: name==version, as pip takes it",
    ),
    _Rule(
        r"returned a non-zero code: 137",
        "a build step was killed, most likely because the engine's machine has too little memory",
        "give the engine more memory, or do less in this step",
    ),
    _PLATFORM,
)

_PUSH_RULES = (
    _Rule(
        r"no basic auth credentials",
        "the registry {registry} wants a login, and there is none for it",
        "run `docker login {registry}`",
    ),
    _Rule(
        r"denied|forbidden|insufficient_scope|not authorized|repository .*does not exist"
        r"|name unknown",
        "the registry {registry} does not let you push {repository}",
        "create the repository there, or log in as someone who may push (`docker login "
        "{registry}`), or correct `registry_url`",
    ),
    _Rule(
        r"unauthorized|authentication required|incorrect username or password",
        "the registry {registry} does not take the credentials",
        "run `docker login {registry}` again",
    ),
    _Rule(
        r"no such host|name resolution|server misbehaving|name or service not known"
        r"|nodename nor servname",
        "the registry {registry} is unknown: its name has no address",
        "correct `registry_url`, or check the network",
    ),
    _Rule(
        r"connection refused|connection attempts failed",
        "the registry {registry} refuses the connection: nothing listens there",
        "start it, or correct host and port in `registry_url`",
    ),
    _Rule(
        r"server gave HTTP response to HTTPS client|wrong.version.number|record layer failure",
        "the registry {registry} speaks plain http, and https was expected",
        'use https there, or add it to "insecure-registries" in /etc/docker/daemon.json',
    ),
    _Rule(
        r"x509|CERTIFICATE_VERIFY_FAILED|certificate",
        "the certificate of the registry {registry} is not trusted",
        "put its CA into /etc/docker/certs.d/{registry}/ca.crt, or into the file that "
        "SSL_CERT_FILE names",
    ),
    _Rule(
        r"timeout|timed out|deadline exceeded|network is unreachable|no route to host",
        "the registry {registry} does not answer",
        "check the network and a proxy's settings, then deploy again",
    ),
    _SPACE,
    _Rule(
        r"image does not exist locally",
        "the engine no longer has the image {repository}",
        "deploy again",
    ),
)

_DEATHS = {
    signal.SIGSEGV: "a segmentation fault",
    signal.SIGABRT: "an abort",
    signal.SIGBUS: "a bus error",
    signal.SIGILL: "an illegal instruction",
    signal.SIGFPE: "an arithmetic error",
}


def of_build(error: str, tail: Sequence[str] = (), *, base: str) -> Problem:
    """A failed build: the engine's error and the last lines of output before it."""
    text = "\n".join(clean(line) for line in (*tail, error))
    rule = _first(_BUILD_RULES, text) or _first(_PULL_RULES, clean(error))
    if rule is not None:
        return _problem(rule, where=_step(error), base=base)
    said = next((clean(line).strip() for line in reversed(tail) if clean(line).strip()), "")
    what = f"the build failed: {clean(error).strip()}"
    return Problem(f"{what} ({said})" if said and said not in what else what, _step(error), _LOOK)


def of_pull(error: str, image: str) -> Problem:
    """A base image that cannot be had."""
    rule = _first(_PULL_RULES, clean(error))
    if rule is not None:
        return _problem(rule, where=clean(error).strip(), base=image)
    return Problem(
        f"the base image {image} cannot be pulled", clean(error).strip(), "correct `base_image`"
    )


def of_push(error: str, registry: str, repository: str) -> Problem:
    """A failed push: the error event's text."""
    text = clean(error).strip()
    rule = _first(_PUSH_RULES, text)
    if rule is not None:
        return _problem(rule, where=text, registry=registry, repository=repository)
    return Problem(
        f"the push to the registry {registry} failed: {text}",
        repository,
        "see the registry's own log, then deploy again",
    )


def of_registry_text(error: str, registry: str) -> Problem:
    """A registry that cannot be reached from this machine."""
    return of_push(error, registry, registry)


def of_registry_status(status: int, registry: str, source: str) -> Problem:
    """A registry that answers 401 or 403; `source` says where the credentials came from."""
    if not source:
        return Problem(
            f"the registry {registry} wants a login, and there is none for it",
            f"HTTP status {status}",
            f"run `docker login {registry}`",
        )
    return Problem(
        f"the registry {registry} does not take the credentials"
        if status == 401
        else f"the registry {registry} does not let you do this",
        f"credentials from {source}",
        f"run `docker login {registry}` again, as someone who may push",
    )


def of_death(signal_number: int, *, python: str, place: str) -> Problem:
    """A health check that ended by a signal; `place` is for example `in the image`."""
    how = _DEATHS.get(_signal(signal_number) or signal.SIGTERM, f"signal {signal_number}")
    return Problem(
        f"Python died by {how} while it unpickled the flow {place}",
        f"the flow was pickled by Python {python}",
        "a flow that was pickled by another Python, or a compiled package of another version, "
        "does this: use the same versions in the project and in the image",
    )


def of_missing_module(
    module: str, *, local_modules: Sequence[str], place: str, in_image: bool
) -> Problem:
    """A module that the flow needs and does not find."""
    top = module.partition(".")[0]
    if top in {name.partition(".")[0] for name in local_modules}:
        fix = (
            f'name it in `files` (for example "{top}.py" = "/opt/flowtui/src/{top}.py"), or import '
            "it by the name it has from the project folder"
            if in_image
            else "keep it in the project folder, and import it by the name it has from there"
        )
        return Problem(
            f"the flow needs the module {module} of your project, and it is missing {place}",
            f"import {module}",
            fix,
        )
    fix = (
        f'add the package that brings it to `python_dependencies` (often "{top}"), or use a '
        "base image that has it; a module of your own goes into `files`"
        if in_image
        else f"install the package that brings it (often `pip install {top}`) in that interpreter"
    )
    return Problem(
        f"the flow needs the module {module}, and it is missing {place}", f"import {module}", fix
    )


def of_python_mismatch(pickled_by: str, found: str, *, place: str, in_image: bool) -> Problem:
    fix = (
        f"use a base image with Python {pickled_by} (for example python:{pickled_by}-slim), or a "
        f"project interpreter with Python {found}"
        if in_image
        else f"use an interpreter with Python {pickled_by}"
    )
    return Problem(
        f"the flow was pickled by Python {pickled_by}, and Python {found} is {place}: "
        "functions do not survive that",
        place,
        fix,
    )


_LOOK = "see the build's log; `flowtui deploy --dry-run` shows the Dockerfile"


def _first(rules: Sequence[_Rule], text: str) -> tuple[_Rule, dict[str, str]] | None:
    for rule in rules:
        found = re.search(rule.pattern, text, re.IGNORECASE | re.MULTILINE)
        if found is not None:
            return rule, {name: value or "" for name, value in found.groupdict().items()}
    return None


def _problem(found: tuple[_Rule, dict[str, str]], *, where: str, **names: str) -> Problem:
    rule, groups = found
    values = {**groups, **names}
    return Problem(rule.what.format(**values), where, rule.fix.format(**values))


def _step(error: str) -> str:
    """The command of the failed step, from the classic builder's error text."""
    found = re.search(r"The command '(?P<command>.*)' returned a non-zero code", error, re.DOTALL)
    command = found["command"] if found else error
    line = " ".join(clean(command).replace("/bin/sh -c", "").split())
    return line if len(line) <= 200 else line[:199] + "…"


def _signal(number: int) -> signal.Signals | None:
    return signal.Signals(number) if number in {known.value for known in signal.Signals} else None
