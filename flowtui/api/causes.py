"""Why a request got no answer, in words: where it failed, and what to do next."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flowtui import addresses
from flowtui.errors import ControlPlaneError
from flowtui.text import clean, redact

if TYPE_CHECKING:
    import httpx

_UNKNOWN_SIGNER = "it is signed by an authority that this machine does not know"
_CERTIFICATE = {
    9: "it is not valid yet (or this machine's clock is wrong)",
    10: "it has expired (or this machine's clock is wrong)",
    18: "it is self-signed",
    19: _UNKNOWN_SIGNER,
    20: _UNKNOWN_SIGNER,
    21: _UNKNOWN_SIGNER,
    23: "it has been revoked",
    62: "it is for another host name",
    64: "it is for another IP address",
}
"""OpenSSL's verify codes in words."""
_UNTRUSTED = (18, 19, 20, 21)
_MISNAMED = (62, 64)


class OtherApiError(ControlPlaneError):
    """Something answers at the address, but it is not an API of this kind."""


class OutcomeUnknownError(ControlPlaneError):
    """The request left, and no answer came: the server may or may not have done it."""


@dataclass(frozen=True, slots=True)
class Server:
    """Who was asked, and with which authorities trusted beside the system's."""

    address: str
    ca_file: Path | None


def explain(
    failure: httpx.HTTPError, server: Server, *, safe: bool, limit: float
) -> ControlPlaneError:
    """The cause of a failed request; OutcomeUnknownError if it may have been carried out."""
    import httpx

    address = server.address
    chain = tuple(_chain(failure))
    for cause in chain:
        if isinstance(cause, ssl.SSLError):
            return _tls(cause, server)
    if any(isinstance(cause, socket.gaierror) for cause in chain):
        return ControlPlaneError(
            "there is no host of that name", where=address, fix="check the address"
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in chain):
        return _nobody_there(address)
    if isinstance(failure, httpx.TimeoutException):
        return timed_out(address, limit, unknown=False)
    if isinstance(failure, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.ProxyError):
        reason = next((_reason(each) for each in chain if isinstance(each, OSError)), "")
        return ControlPlaneError(
            f"the control plane cannot be reached{f': {reason}' if reason else ''}",
            where=address,
            fix="check the address and the network",
        )
    what = "the connection broke before the answer came"
    if not safe:
        return _unknown(what, address)
    return ControlPlaneError(
        what, where=address, fix="check the address: is it https, or another port?"
    )


def timed_out(address: str, limit: float, *, unknown: bool) -> ControlPlaneError:
    """`limit` is in seconds; `unknown` says that the request may have been carried out."""
    what = f"the control plane did not answer within {limit:g} seconds"
    if unknown:
        return _unknown(what, address)
    return ControlPlaneError(
        what, where=address, fix="check the address and the network, then try again"
    )


def unusable_address(address: str, reason: str) -> ControlPlaneError:
    return ControlPlaneError(
        f"the address cannot be used: {clean(reason)}", where=address, fix="check the address"
    )


def unusable_proxy(address: str, error: Exception) -> ControlPlaneError:
    """httpx cannot use what HTTP_PROXY, HTTPS_PROXY or ALL_PROXY say, for example SOCKS."""
    reason = (
        "SOCKS is not supported" if isinstance(error, ImportError) else redact(clean(str(error)))
    )
    return ControlPlaneError(
        f"the proxy that the environment names cannot be used: {reason}",
        where=address,
        fix="set HTTPS_PROXY (or HTTP_PROXY, ALL_PROXY) to an http:// proxy, or add the server's "
        "name to NO_PROXY",
    )


def is_final(failure: httpx.HTTPError) -> bool:
    """Whether trying again at once cannot help."""
    return any(isinstance(cause, ssl.SSLError | socket.gaierror) for cause in _chain(failure))


def _unknown(what: str, address: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{what}; whether the control plane did what was asked is not known",
        where=address,
        fix="look at what is registered before trying again",
    )


def _nobody_there(address: str) -> ControlPlaneError:
    if address == addresses.EMBEDDED:
        return ControlPlaneError(
            "the embedded server is not running",
            where=address,
            fix="start it with `flowtui server`, or choose another profile",
        )
    return ControlPlaneError(
        "nothing listens at this address (connection refused)",
        where=address,
        fix="check the address and the port, and that the server is running",
    )


def _tls(error: ssl.SSLError, server: Server) -> ControlPlaneError:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _CERTIFICATE.get(error.verify_code, clean(error.verify_message))
        return ControlPlaneError(
            f"the server's certificate is refused: {reason}",
            where=server.address,
            fix=_certificate_fix(error.verify_code, server.ca_file),
        )
    if error.reason == "WRONG_VERSION_NUMBER":
        return ControlPlaneError(
            "the server does not speak TLS on this port",
            where=server.address,
            fix="check the port, or use the http:// address",
        )
    return ControlPlaneError(
        f"no secure connection could be made ({error.reason or type(error).__name__})",
        where=server.address,
        fix="check the address and the server's TLS settings",
    )


def _certificate_fix(code: int, ca_file: Path | None) -> str:
    if code in _MISNAMED:
        return "use the address that the certificate is for"
    if code not in _UNTRUSTED:
        return "the server needs a new certificate"
    used = f"the system's own authorities and {ca_file}" if ca_file else "the system's authorities"
    return (
        "put the authority's certificate in a file and set it as the profile's ca_file "
        f"(or SSL_CERT_FILE); {used} were asked"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and everything it was raised from."""
    waiting = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", each).exceptions


def _reason(error: OSError) -> str:
    return clean(error.strerror or str(error))[:200]
