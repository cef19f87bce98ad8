"""How long it takes to destroy a deployment of 17,000 entries, which a server has in use, with its photographs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_bytes, token_hex

import numpy as np
import pytest

from blindwatch.custodian import ceremony
from blindwatch.custodian.uploading import Upload
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import KeySet
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Receipt, Thresholds
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import Probe, now

from ..client.approved import approve, view, write_list
from ..client.running import MASTER, command
from ..crops import CROP
from ..people import CAMERA, CREATOR
from ..serving import FORCE, MODEL, TOKENS, ServerProcess
from .test_uniformity import random_templates

ENTRIES, MOST_SECONDS = 17_000, 60.0
PHOTOGRAPH = 10_000
"""Bytes of each, as those of Labeled Faces in the Wild have on average."""
PROBES = 3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ExitStack() as stack:
        (tmp_path / "server").mkdir()
        yield ServerProcess(tmp_path / "server", stack, workers=2)


def deploy(folder: Path, keys: KeySet, server: ServerProcess) -> Path:
    """A deployment that is in use, and its manifest."""
    gallery = random_templates(np.random.default_rng(29), ENTRIES)
    ceremony.write(keys, MASTER, folder / "keys")
    views = [view(f"NR/{number:05}") for number in range(ENTRIES)]
    thresholds = Thresholds(similarity=0.5, gate=92, fine=16_000)
    write_list(folder / "watchlist", keys.encryption, MODEL, thresholds, views, gallery)
    (folder / "list").mkdir()
    for number in range(ENTRIES):
        (folder / "list" / f"{number}.jpg").write_bytes(token_bytes(PHOTOGRAPH))
    manifest = approve(folder / "keys", folder / "watchlist", "gate-17")
    with ServerClient(server.address, TOKENS["custodian"], timeout=300) as client:
        for _ in Upload(client, manifest, folder / "keys", folder / "watchlist").send():
            pass
    for number in range(PROBES):
        server.client("camera").post_probe("gate-17", probe(keys, gallery[number : number + 1]))
    server.results("gate-17", PROBES)
    shutil.copytree(folder / "keys", folder / "operator-keys")
    shutil.copy(folder / "watchlist" / "operator.json", folder)
    FORCE.write_register(folder / "register.toml")
    for name in (CREATOR, "e.novak"):
        FORCE.write_identity(name, folder / f"{name}.pem")
    (folder / "token").write_text("token-of-the-custodian")
    return manifest


def probe(keys: KeySet, template: Templates) -> Probe:
    return Probe(
        probe_id=token_hex(16),
        camera=CAMERA,
        preset=keys.secret.preset.name,
        key_id=keys.secret.key_id,
        model_digest=MODEL,
        captured_at=now(),
        ciphertext=Encryptor(keys.encryption).probe(template),
        crop=CROP,
    )


def test_a_deployment_of_seventeen_thousand_is_destroyed_within_a_minute(
    tmp_path: Path, keys: KeySet, server: ServerProcess
) -> None:
    manifest = deploy(tmp_path, keys, server)
    files = {"manifest": manifest, "register": tmp_path / "register.toml", "receipts": tmp_path / "receipts"}
    began = time.monotonic()
    closed = command(
        *("deployment", "close", "--yes"),
        **files,
        keys=tmp_path / "keys",
        watchlist=tmp_path / "watchlist",
        photographs=tmp_path / "list",
        identity=tmp_path / f"{CREATOR}.pem",
        server=server.address,
        token_file=tmp_path / "token",
    )
    forgotten = command(
        *("operator", "forget", "--yes"),
        **files,
        closing=tmp_path / "receipts" / "closing.dsse.json",
        keys=tmp_path / "operator-keys",
        entries=tmp_path / "operator.json",
        identity=tmp_path / "e.novak.pem",
    )
    took = time.monotonic() - began
    assert (closed, forgotten) == (0, 0)
    destroyed = {
        each.what: each
        for path in (tmp_path / "receipts").glob("receipt-*")
        for each in Receipt.read(Envelope.from_json(path.read_bytes())).destroyed
    }
    assert destroyed["photographs"].count == ENTRIES
    assert destroyed["results"].count == PROBES
    assert destroyed["watchlist-ciphertexts"].size > 2.5e8
    left = {path.name for path in tmp_path.iterdir()}
    assert not left & {"keys", "watchlist", "list", "operator-keys", "operator.json"}
    assert not list((server.store / "blobs").iterdir())
    assert took < MOST_SECONDS
