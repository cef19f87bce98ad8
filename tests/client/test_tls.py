"""The commands of the clients with a server that has TLS and asks for certificates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.wire.tls import client_context

from ..certificates import Authority, server_settings
from .conftest import Scene
from .photographs import small, write
from .running import command, only_error

if TYPE_CHECKING:
    from tests.serving import ServerProcess

    Start = Callable[..., ServerProcess]


def test_upload_and_camera_inside_mutual_tls(
    start: Start, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = Authority.make(tmp_path, "ca")
    certificate, key = authority.issue("client")
    server = start(
        **server_settings(authority, tls_client_ca=authority.certificate),
        tls=client_context(authority.certificate, certificate, key),
    )
    name = scene.approve()
    write(tmp_path / "crowd" / "1.png", small(0))
    uploading = {
        "manifest": scene.manifest(name),
        "keys": scene.keys,
        "watchlist": scene.watchlist,
        "token_file": scene.token("custodian"),
    }
    watching = {**scene.camera(name), "source": tmp_path / "crowd"}
    believed = {"ca": authority.certificate}
    shown = {**believed, "certificate": certificate, "certificate_key": key}
    for words, options in ((("custodian", "upload"), uploading), (("camera", "run"), watching)):
        for few in ({}, believed):
            assert command(*words, server=server.address, **options, **few) == 1
            assert "cannot be reached" in only_error(capsys.readouterr().err)
        assert command(*words, server=server.address, **options, **shown) == 0
        capsys.readouterr()
    assert len(server.results(name, 1).results) == 1
