"""What a server keeps for replay, for whom and for how long."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from blindwatch.errors import Forbidden, NotAuthorised, NotClosed, NotFound, StatementMismatch
from blindwatch.matching.pending import Pending
from blindwatch.records import replaying
from blindwatch.records.server import ProbeAccepted
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Challenge
from blindwatch.tlog import merkle
from blindwatch.tlog.reading import read_checkpoint
from blindwatch.wire import limits, signatures
from blindwatch.wire.messages import Probe

from ..serving import FORCE, TOKENS, eventually
from .acts import closing
from .test_ledger import fetcher, kinds, records

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]

RATE = FORCE.profile.replay_rate


def challenge(server: ServerProcess, name: str, signer: str = "o.ngo", **changes: object) -> Envelope:
    """A challenge over the whole log as it is now."""
    checkpoint = read_checkpoint(fetcher(server), FORCE.log.verifier).checkpoint
    content: dict[str, object] = {
        "deployment": name,
        "origin": checkpoint.origin,
        "first": 0,
        "end": checkpoint.size,
        "root": checkpoint.root.hex(),
        **changes,
    }
    return FORCE.sign(Challenge.model_validate(content).envelope(), signer)


def send(server: ServerProcess, name: str, envelope: Envelope) -> tuple[str, ...]:
    end = Challenge.read(envelope).end
    return server.client("oversight").put_challenge(name, end, envelope.to_json()).probes


def expected(server: ServerProcess, name: str, envelope: Envelope) -> set[str]:
    """What the challenge draws, by the rule that everybody can apply."""
    seed = replaying.seed(envelope)
    found = [each for each in records(server, name) if each.kind == "result-released"]
    return {
        each.model_dump()["probe_id"]
        for each in found
        if replaying.draws(seed, merkle.leaf_hash(each.to_cbor()), RATE)
    }


def filled(server: ServerProcess, trial: Trial, count: int = 40) -> str:
    name = trial.open(server)
    for index in range(count):
        server.client("camera").post_probe(name, trial.probe(index % 10))
        if index % 20 == 19:
            eventually(lambda: kinds(server, name).count("result-released") > index)  # noqa: B023
    return name


def test_what_a_challenge_draws_is_kept_and_nothing_else(start: Start, trial: Trial) -> None:
    server = start()
    name = filled(server, trial)
    # With 40 results and a rate of one in ten, all challenges but one in 68 draw something.
    envelope = challenge(server, name)
    drawn = expected(server, name, envelope)
    assert set(send(server, name, envelope)) == drawn
    kept = drawn
    # A second challenge over the same records finds those that are gone no more.
    again = challenge(server, name)
    assert set(send(server, name, again)) == expected(server, name, again) & kept
    assert set(server.client("oversight").kept(name).probes) == kept
    folder = server.store / "kept" / name
    assert {path.name for path in folder.glob("*")} == kept
    by_id = {each.probe_id: each for each in records(server, name) if isinstance(each, ProbeAccepted)}
    for probe_id in kept:
        found = server.client("oversight").get_kept(name, probe_id)
        probe = Probe.from_cbor(found.probe)
        assert hashlib.sha256(probe.ciphertext).hexdigest() == by_id[probe_id].ciphertext
        key: Ed25519PublicKey = FORCE.camera.public_key()
        signatures.check(key, found.signature, found.signed)
        assert f'"@path": /v1/deployments/{name}/probes' in found.signed.decode()
    assert kinds(server, name).count("viewed") == len(kept)
    assert kinds(server, name).count("probes-challenged") == 2


def test_who_may_draw_and_from_what(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    with pytest.raises(NotAuthorised):
        send(server, name, challenge(server, name, signer="a.khan"))
    for changes in (
        {"root": "00" * 32},
        {"origin": "another/log"},
        {"first": 10**9, "end": 10**9 + 1},
        {"deployment": "other"},
    ):
        with pytest.raises(StatementMismatch):
            send(server, name, challenge(server, name, **changes))
    envelope = challenge(server, name)
    for role in ("custodian", "operator"):
        with pytest.raises(Forbidden):
            server.client(role).put_challenge(name, Challenge.read(envelope).end, envelope.to_json())
        for path in ("kept", f"kept/{'0' * 32}", "masks", f"blobs/{trial.rows[0][0]}"):
            assert server.http(role).get(f"/v1/deployments/{name}/{path}").status_code == 403


def test_an_oversight_body_changes_nothing(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    changing = [
        ("PUT", ""),
        ("PUT", f"/blobs/{'0' * 64}"),
        ("POST", "/activation"),
        ("PUT", "/tombstones/1"),
        ("PUT", f"/revocations/{'0' * 64}"),
        ("POST", "/closing"),
        ("DELETE", f"/results/{'0' * 32}"),
        ("POST", "/searches"),
        ("DELETE", f"/searches/{'0' * 32}"),
    ]
    for method, path in changing:
        answer = server.http("oversight").request(method, f"/v1/deployments/{name}{path}", content=b"")
        assert answer.status_code == 403, path
    token = {"Authorization": f"Bearer {TOKENS['oversight']}"}
    unsigned = httpx.Auth()
    probe = server.http("camera").post(f"/v1/deployments/{name}/probes", headers=token, auth=unsigned)
    assert probe.status_code == 403
    assert server.http("oversight").get(f"/v1/deployments/{name}/results").status_code == 403


def test_what_replay_needs_is_handed_out_and_each_view_recorded(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    oversight = server.client("oversight")
    digest = trial.rows[0][0]
    assert oversight.get_blob(name, digest) == trial.blocks[0][0]
    assert oversight.get_blob(name, trial.bundle_digest) == trial.bundle
    with pytest.raises(NotFound):
        oversight.get_blob(name, "0" * 64)
    with pytest.raises(NotClosed):
        oversight.get_mask_secret(name)
    commitment = oversight.get_deployment(name).mask_commitment
    server.client("custodian").close_deployment(name, closing(server, name))
    assert hashlib.sha256(oversight.get_mask_secret(name)).hexdigest() == commitment
    assert kinds(server, name).count("viewed") == 3


def test_an_audit_ends_with_its_time(start: Start, trial: Trial) -> None:
    """The clock of the store is set forward while the server is off, as if so much time had passed."""
    server = start()
    name = filled(server, trial)
    send(server, name, challenge(server, name))
    server.client("custodian").close_deployment(name, closing(server, name))
    held = server.client("oversight").kept(name).probes
    server.stop()
    with sqlite3.connect(server.store / "blindwatch.sqlite3") as database:
        (secret,) = database.execute("SELECT mask_secret FROM closures").fetchone()
        database.execute("UPDATE closures SET audit_until = ?", (time.time() - 1,))
    database.close()
    server.start()
    eventually(lambda: "audit-ended" in kinds(server, name))
    assert records(server, name)[-1].model_dump()["kept"] == len(held)
    with pytest.raises(NotFound):
        server.client("oversight").get_mask_secret(name)
    assert not (server.store / "kept" / name).exists()
    server.stop()
    assert not any(secret in path.read_bytes() for path in server.store.rglob("*") if path.is_file())


def test_what_waits_is_forgotten_in_time_and_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Pending()
    for number in range(5):
        waiting.put("gate", f"{number}", b"body", until=10.0 + number)
    waiting.drop_late(12.0)
    assert waiting.take("gate", ["1", "2", "3", "4"]).keys() == {"3", "4"}
    monkeypatch.setattr(limits, "PENDING", 2)
    for number in range(4):
        waiting.put("gate", f"{number}", b"body", until=99.0)
    waiting.put("other", "9", b"body", until=99.0)
    waiting.drop("gate")
    assert waiting.take("gate", ["2", "3"]) == {}
    assert waiting.take("other", ["9"]) == {"9": b"body"}
