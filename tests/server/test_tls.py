"""TLS between the roles and the server, with certificates of a CA that is made for the test."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from blindwatch.errors import ConfigurationError, ServerUnavailable
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.tls import client_context, server_context

from ..certificates import EVERYWHERE, Authority, server_settings
from ..serving import FORCE

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path, "ca")


def test_a_probe_travels_inside_tls(start: Start, trial: Trial, authority: Authority) -> None:
    server = start(**server_settings(authority), tls=client_context(authority.certificate, None, None))
    assert server.address.startswith("https://")
    name = trial.open(server)
    server.client("camera").post_probe(name, trial.probe())
    assert len(server.results(name, 1).results) == 1
    host, port = server.address.removeprefix("https://").split(":")
    trusting = ssl.create_default_context(cafile=authority.certificate)
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        trusting.wrap_socket(plain, server_hostname=host) as wrapped,
    ):
        assert wrapped.version() == "TLSv1.3"
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((host, int(port)), timeout=10) as plain, pytest.raises(ssl.SSLError):
        trusting.wrap_socket(plain, server_hostname=host)


def unreachable(address: str, tls: ssl.SSLContext | None) -> bool:
    with ServerClient(address, Signing(FORCE.camera), timeout=10, tls=tls) as client:
        try:
            client.health()
        except ServerUnavailable:
            return True
    return False


def test_a_server_of_another_ca_is_not_believed(start: Start, authority: Authority, tmp_path: Path) -> None:
    server = start(**server_settings(authority), tls=client_context(authority.certificate, None, None))
    other = Authority.make(tmp_path, "other-ca")
    assert unreachable(server.address, client_context(other.certificate, None, None))
    assert unreachable(server.address, None)
    assert unreachable(server.address.replace("https", "http"), None)
    assert unreachable(
        server.address.replace("127.0.0.1", "localhost"), client_context(authority.certificate, None, None)
    )
    assert not unreachable(server.address, client_context(authority.certificate, None, None))


def test_with_a_ca_for_clients_nobody_connects_without_its_certificate(
    start: Start, trial: Trial, authority: Authority, tmp_path: Path
) -> None:
    clients = Authority.make(tmp_path, "clients-ca")
    known = client_context(authority.certificate, *clients.issue("camera"))
    server = start(**server_settings(authority, tls_client_ca=clients.certificate), tls=known)
    server.client("camera").post_probe(trial.open(server), trial.probe())
    strangers = Authority.make(tmp_path, "strangers-ca")
    for files in ((None, None), strangers.issue("stranger")):
        assert unreachable(server.address, client_context(authority.certificate, *files))
    assert not unreachable(server.address, known)


def test_files_that_are_not_what_they_should_be(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("server")
    _, other_key = authority.issue("other")
    locked, locked_key = authority.issue("locked", BestAvailableEncryption(b"a passphrase"))
    (tmp_path / "text").write_text("no certificate")
    for pair in (
        (certificate, other_key),
        (key, certificate),
        (tmp_path / "none", key),
        (locked, locked_key),
    ):
        with pytest.raises(ConfigurationError, match="do not belong together"):
            server_context(*pair, None)
    for file in (tmp_path / "text", tmp_path / "none"):
        with pytest.raises(ConfigurationError, match="of the CA"):
            server_context(certificate, key, file)
        with pytest.raises(ConfigurationError, match="of the CA"):
            client_context(file, None, None)
    assert client_context(None, None, None) is None
    assert client_context(None, certificate, key) is not None


def test_certificates_for_an_address_without_tls(authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="no use"):
        ServerClient("http://127.0.0.1:9", "token", tls=client_context(authority.certificate, None, None))


@pytest.mark.parametrize("inside_tls", [True, False])
def test_only_plain_http_for_other_machines_is_warned_of(
    start: Start, authority: Authority, inside_tls: bool
) -> None:
    files = server_settings(authority) if inside_tls else {}
    tls = client_context(authority.certificate, None, None) if inside_tls else None
    server = start(host=str(EVERYWHERE), **files, tls=tls)
    assert ("reachable-from-elsewhere" in server.log) is not inside_tls
