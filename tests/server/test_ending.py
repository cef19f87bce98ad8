"""The end of a deployment over the socket: what is destroyed, what is left, and who may ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import NotAuthorised, NotFound
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Revocation
from blindwatch.wire.messages import Result, now

from ..people import camera_key
from ..serving import FORCE
from .acts import check_gone, closing, tombstone

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]


LOGGED = {"watchlist", "evaluation keys", "revoked camera"}
"""The log goes on naming these by their digests."""


def run(server: ServerProcess, trial: Trial) -> tuple[str, Result]:
    """A deployment that has everything that a deployment may have, and a result that waits."""
    name = trial.open(server)
    custodian = server.client("custodian")
    custodian.put_tombstone(name, 1, tombstone(server, name, 3).to_json())
    revocation = Revocation(deployment=name, camera_key="77" * 32, reason="Stolen", issued_at=now())
    custodian.put_revocation(name, "77" * 32, FORCE.sign(revocation.envelope(), "a.khan").to_json())
    server.client("camera").post_probe(name, trial.probe())
    (result,) = server.results(name, 1).results
    assert isinstance(result, Result)
    return name, result


def needles(server: ServerProcess, trial: Trial, name: str, result: Result) -> dict[str, bytes]:
    """What must be found while a deployment runs, and nowhere after its end."""
    info = server.client("custodian").get_deployment(name)
    camera = camera_key("gate-1", FORCE.camera)
    digests = {
        "watchlist": info.watchlist_digest,
        "evaluation keys": trial.bundle_digest,
        "key": info.key_id,
        "model": info.model_digest,
        "camera": camera.key_id,
        "revoked camera": "77" * 32,
    }
    blobs = {f"digest of blob {at}": digest for at, digest in enumerate(trial.rows[0][::16])}
    releases = [part for each in result.releases for part in each.ciphertexts]
    releases.append(result.crop)
    pieces = {f"release {at}": release[2000:2064] for at, release in enumerate(releases)}
    ciphertexts = {f"ciphertext {at}": blob[2000:2064] for at, blob in enumerate(trial.blocks[0][::16])}
    texts = {what: digest.encode() for what, digest in (digests | blobs).items()}
    return texts | pieces | ciphertexts


def stored(server: ServerProcess) -> Iterator[bytes]:
    """Every file of the store, and its name."""
    for path in server.store.rglob("*"):
        yield path.name.encode()
        if path.is_file():
            yield path.read_bytes()


def found(server: ServerProcess, wanted: dict[str, bytes]) -> set[str]:
    held = list(stored(server))
    return {what for what, needle in wanted.items() if any(needle in data for data in held)}


def test_a_closed_deployment_leaves_a_receipt_and_nothing_else(start: Start, trial: Trial) -> None:
    server = start()
    name, result = run(server, trial)
    wanted = needles(server, trial, name, result)
    # Statements are base64 in their envelopes, so the store holds their digests as other texts or not at all.
    assert {each for each in wanted if "release" in each or "blob" in each or "text" in each} <= found(
        server, wanted
    )
    with pytest.raises(NotFound):
        server.client("operator").get_receipt(name)
    statement = closing(server, name)
    receipt = server.client("custodian").close_deployment(name, statement)
    assert found(server, wanted) == LOGGED  # also in the journal of the database
    content = check_gone(server, trial, name, receipt)
    assert server.client("custodian").close_deployment(name, statement) == receipt
    assert content.closing_digest == Envelope.from_json(statement).digest
    destroyed = {each.what: (each.count, each.size) for each in content.destroyed}
    blobs = {blob for block in trial.blocks for blob in block}
    assert destroyed["watchlist-ciphertexts"] == (len(blobs), sum(map(len, blobs)))
    assert destroyed["evaluation-keys"] == (1, len(trial.bundle))
    assert destroyed["results"] == (1, len(result.to_cbor()))
    assert destroyed["statements"][0] == 4  # manifest, list, removal and revocation
    assert destroyed["nonces"][0] == 1
    assert destroyed["prepared-files"][0] > 0
    assert set(content.kept) == {"manifest-digest", "mask-secret", "probes-drawn", "receipt"}
    server.stop()
    assert found(server, wanted) == LOGGED
    server.start()
    check_gone(server, trial, name, receipt)


@pytest.mark.parametrize("signers", [("e.novak",), ("o.ngo", "server-1")])
def test_who_may_not_close(server: ServerProcess, trial: Trial, signers: tuple[str, ...]) -> None:
    name = trial.open(server)
    with pytest.raises(NotAuthorised):
        server.client("custodian").close_deployment(name, closing(server, name, *signers))
    assert server.client("custodian").get_deployment(name).ready
