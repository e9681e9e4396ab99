"""API addresses: checked and written in one way, so that a token can be bound to one of them."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import urlsplit, urlunsplit

from flowtui.errors import UsageError

EMBEDDED = "http://127.0.0.1:4200"
"""Where `flowtui server` listens unless it is told otherwise."""

CLOUD = "https://api.prefect.cloud/api"
"""Prefect's own Cloud of today; each of its workspaces has an address below it."""

_ID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_WORKSPACE = re.compile(rf"/accounts/({_ID})/workspaces/({_ID})$")
_WORKSPACE_PAGE = re.compile(rf"/accounts?/({_ID})/workspaces?/({_ID})(?:/|$)")
_CLOUD_PAGES = ("app.prefect.cloud", "api.prefect.cloud")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalise(address: str, *, where: str = "") -> str:
    """The address with lower-case scheme and host, no default port and no trailing slash.

    A page in Prefect Cloud stands for the API of its workspace. Raises UsageError, which never
    repeats the address where it may hold a password.
    """
    text = address.strip()
    if "@" in text:
        raise UsageError(
            "the API address has credentials in it (something before an @)",
            where=where,
            fix="leave them out and store the token with `flowtui login`",
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _invalid(text, str(error), where) from error
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise _invalid(text, "it must start with http:// or https://", where)
    if not parts.hostname:
        raise _invalid(text, "it has no host name", where)
    if any(character.isspace() or not character.isprintable() for character in text):
        raise _invalid(text, "it has a blank or a control character in it", where)
    if scheme == "https" and parts.hostname in _CLOUD_PAGES:
        return _cloud_api(parts.path)
    if parts.query or parts.fragment:
        raise _invalid(text, "it must end with the path: no ? and no #", where)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        host = f"{host}:{port}"
    return urlunsplit((scheme, host, parts.path.rstrip("/"), "", ""))


def origin(address: str) -> str:
    """Scheme, host and port of a normalised address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def is_cloud(address: str) -> bool:
    """Whether a normalised address is Prefect Cloud's, or that of a workspace in a Cloud."""
    known = {origin(CLOUD), origin(prefect_cloud())}
    return origin(address) in known or bool(workspace_in(address))


def prefect_cloud() -> str:
    """The Cloud that is meant by nothing else: Prefect's own, or what Prefect's own setting
    PREFECT_CLOUD_API_URL names in its place."""
    try:
        return normalise(os.environ.get("PREFECT_CLOUD_API_URL") or CLOUD)
    except UsageError:
        return CLOUD


def workspace_in(address: str) -> str:
    """The id of the workspace that a normalised address is of; empty for every other address."""
    found = _WORKSPACE.search(address)
    return found.group(2).lower() if found is not None else ""


def tenant_word(address: str) -> str:
    """What the tenant behind a normalised address is called."""
    return "workspace" if workspace_in(address) else "tenant"


def cloud_of(address: str) -> str:
    """The Cloud that a workspace is in; the address itself for every other."""
    return _WORKSPACE.sub("", address)


def is_loopback(address: str) -> bool:
    """Whether a normalised address stays on this machine."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _cloud_api(path: str) -> str:
    """Of a page in Prefect Cloud, or of its API without `/api`: the address of the API.

    Pages are `/account/ID/workspace/ID/…`, and were `/account/ID/workspaces/ID` for a while.
    """
    found = _WORKSPACE_PAGE.search(path)
    return f"{CLOUD}/accounts/{found.group(1)}/workspaces/{found.group(2)}" if found else CLOUD


def _invalid(address: str, why: str, where: str) -> UsageError:
    return UsageError(
        f"not an API address: {address!r}: {why}",
        where=where,
        fix=f"give the whole address, for example {EMBEDDED} or https://prefect.example.com",
    )
