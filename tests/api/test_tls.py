"""Certificates: refused with the reason in words, accepted with the authority's file."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowtui.api.graphql import GraphQLControlPlane
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError
from tests.parts.need import missing
from tests.parts.recorded_cloud import TOKEN, RecordedCloud, recorded_cloud

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Authority:
    """A certificate authority of its own, made with openssl."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str, alternative: str, *, start: str = "", end: str = "") -> Path:
        """A server certificate with its key in one file; dates as YYYYMMDDHHMMSSZ."""
        key, request, signed = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request,
                "-subj", f"/CN={name}")  # fmt: skip
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("1000\n")
        config = self.folder / "ca.cnf"
        config.write_text(
            "[ca]\ndefault_ca=own\n[own]\n"
            f"database={self.folder}/index.txt\nserial={self.folder}/serial\n"
            f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=any\nx509_extensions=server\n"
            "[any]\ncommonName=supplied\n"
            f"[server]\nsubjectAltName={alternative}\n"
        )
        dates = ["-startdate", start, "-enddate", end] if start else ["-days", "2"]
        openssl("ca", "-batch", "-notext", "-config", config, "-in", request, "-out", signed,
                "-cert", self.certificate, "-keyfile", self.folder / "ca.key", *dates)  # fmt: skip
        both = self.folder / f"{name}.pem"
        both.write_text(key.read_text() + signed.read_text())
        return both


def openssl(*arguments: object) -> None:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        missing("TLS", "openssl is not installed")
    folder = tmp_path_factory.mktemp("authority")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=own",
            "-keyout", folder / "ca.key", "-out", folder / "ca.pem")  # fmt: skip
    return Authority(folder)


@contextmanager
def server(certificate: Path) -> Iterator[RecordedCloud]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with recorded_cloud(tls=context) as cloud:
        yield cloud


async def identify(url: str, ca_file: Path | None = None) -> str:
    plane = GraphQLControlPlane(url, Secret(TOKEN), ca_file=ca_file)
    try:
        return (await plane.identify()).server
    finally:
        await plane.close()


async def refused(cloud: RecordedCloud, ca_file: Path | None = None, url: str = "") -> str:
    with pytest.raises(ControlPlaneError) as caught:
        await identify(url or cloud.url, ca_file)
    assert caught.value.problem.fix
    assert cloud.requests == [], "nothing was sent"
    return str(caught.value)


async def test_the_authoritys_file_makes_it_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server(authority.issue("good", "IP:127.0.0.1")) as cloud:
        text = await refused(cloud)
        assert "certificate is refused: it is signed by an authority" in text
        assert "ca_file" in text
        assert "snake_case" in await identify(cloud.url, authority.certificate)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        assert "snake_case" in await identify(cloud.url)


async def test_a_self_signed_certificate(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("TLS", "openssl is not installed")
    key, certificate = tmp_path / "key", tmp_path / "crt"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=self",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate)  # fmt: skip
    both = tmp_path / "both"
    both.write_text(key.read_text() + certificate.read_text())
    with server(both) as cloud:
        assert "it is self-signed" in await refused(cloud)
        assert "snake_case" in await identify(cloud.url, certificate)


async def test_a_certificate_for_another_name(authority: Authority) -> None:
    with server(authority.issue("elsewhere", "DNS:elsewhere.example.com")) as cloud:
        assert "for another IP address" in await refused(cloud, authority.certificate)
        named = cloud.url.replace("127.0.0.1", "localhost")
        assert "for another host name" in await refused(cloud, authority.certificate, named)


@pytest.mark.parametrize(
    ("name", "start", "end", "words"),
    [
        ("expired", "20200101000000Z", "20200201000000Z", "it has expired"),
        ("future", "20960101000000Z", "20970101000000Z", "not valid yet"),
    ],
)
async def test_a_certificate_out_of_its_time(
    authority: Authority, name: str, start: str, end: str, words: str
) -> None:
    with server(authority.issue(name, "IP:127.0.0.1", start=start, end=end)) as cloud:
        assert words in await refused(cloud, authority.certificate)


async def test_https_to_a_plain_port_and_the_other_way_round(authority: Authority) -> None:
    with recorded_cloud() as cloud:
        text = await refused(cloud, url=cloud.url.replace("http://", "https://"))
        assert "does not speak TLS on this port" in text
    with server(authority.issue("plain", "IP:127.0.0.1")) as cloud:
        text = await refused(cloud, url=cloud.url.replace("https://", "http://"))
        assert "is it https" in text


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_a_bad_file_of_authorities(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"https://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(
            ControlPlaneError, match="trusted certificates cannot be read"
        ) as caught:
            await identify(url, file)
    assert caught.value.problem.where == str(file)
