"""What a server records, when, and how it proves it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from blindwatch.errors import CosignatureMissing, LogMissing, StatementMismatch
from blindwatch.records import replaying
from blindwatch.records.reading import server_record
from blindwatch.records.server import DeploymentAccepted, ProbeAccepted, ResultReleased, ServerRecord
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Thresholds
from blindwatch.tlog.fetching import Fetch
from blindwatch.tlog.following import follow
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.policy import Policy
from blindwatch.tlog.proofs import LogProof
from blindwatch.tlog.reading import read_checkpoint
from blindwatch.wire.messages import Logged, Result

from ..serving import FORCE, eventually
from .acts import closing, tombstone

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]

POLICY = Policy.parse(FORCE.log_policy.encode())


def fetcher(server: ServerProcess) -> Fetch:
    """Reads the log as anybody can: without a token."""

    def fetch(path: str, limit: int) -> bytes:
        answer = httpx.get(f"{server.address}/log/{path}")
        if answer.status_code != 200:
            raise LogMissing
        assert len(answer.content) <= limit
        return answer.content

    return fetch


def records(server: ServerProcess, name: str) -> list[ServerRecord]:
    """What the log has of a deployment, verified from its first entry to its checkpoint."""
    found: list[ServerRecord] = []
    fetch = fetcher(server)
    newest = read_checkpoint(fetch, FORCE.log.verifier).checkpoint
    follow(fetch, None, newest, lambda _, entries: found.extend(map(server_record, entries)))
    return [each for each in found if getattr(each, "deployment", name) == name]


def kinds(server: ServerProcess, name: str) -> list[str]:
    return [each.kind for each in records(server, name) if each.kind != "started"]


def test_a_deployment_is_in_the_log_from_beginning_to_end(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    probe = trial.probe()
    server.client("camera").post_probe(name, probe)
    batch = server.results(name, 1)
    (result,) = batch.results
    server.client("operator").acknowledge(name, result.probe_id)
    server.client("custodian").put_tombstone(name, 1, tombstone(server, name, 3).to_json())
    server.client("camera").post_probe(name, trial.probe(1))
    server.results(name, 1)
    manifest = server.client("custodian").get_deployment(name).manifest_digest
    receipt = server.client("custodian").close_deployment(name, closing(server, name))
    assert kinds(server, name) == [
        "deployment-accepted",
        "list-loaded",
        "probe-accepted",
        "result-released",
        "result-deleted",
        "entries-removed",
        "probe-accepted",
        "result-released",
        "deployment-closed",
        "result-deleted",
        "deployment-destroyed",
    ]
    by_kind = {each.kind: each for each in records(server, name)}
    accepted, taken, gone = (
        by_kind["deployment-accepted"],
        records(server, name)[3],
        by_kind["deployment-destroyed"],
    )
    assert isinstance(accepted, DeploymentAccepted)
    assert accepted.manifest == manifest
    assert isinstance(taken, ProbeAccepted)
    assert taken.ciphertext == hashlib.sha256(probe.ciphertext).hexdigest()
    assert gone.model_dump()["receipt"] == Envelope.from_json(receipt).digest
    assert all(each.at.endswith(":00Z") for each in records(server, name))  # no finer than a minute
    assert by_kind["result-deleted"].model_dump()["reason"] == "closed"


def test_every_result_comes_with_the_proof_of_its_record(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    for index in range(3):
        server.client("camera").post_probe(name, trial.probe(index))
    batch = server.results(name, 3)
    for result, logged in zip(batch.results, batch.logged, strict=True):
        LogProof.parse(logged.proof).verify(logged.record, POLICY)
        record = server_record(logged.record)
        assert isinstance(record, ResultReleased)
        assert isinstance(result, Result)
        assert record.result == replaying.digest(result)
        assert (record.probe_id, record.watchlist) == (result.probe_id, result.watchlist)
    assert replaying.digest(result) == replaying.digest(result.model_copy(update={"elapsed_ms": 99}))
    assert replaying.digest(result) != replaying.digest(result.model_copy(update={"tombstone": 1}))


def test_the_acceptance_is_proven(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    info, logged = (
        server.client("operator").get_deployment(name),
        server.client("custodian").get_accepted(name),
    )
    LogProof.parse(logged.proof).verify(logged.record, POLICY)
    record = server_record(logged.record)
    assert isinstance(record, DeploymentAccepted)
    assert (record.manifest, record.mask_commitment) == (info.manifest_digest, info.mask_commitment)


def test_a_new_threshold_is_recorded_with_what_is_predicted(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    higher = Thresholds(similarity=0.75, gate=trial.gate + 4, fine=160 * (trial.gate + 4))
    custodian = server.client("custodian")
    custodian.put_deployment(
        name, trial.offer(name, version=2, change_reason="Fewer false alerts", thresholds=higher)
    )
    trial.enrol(custodian, name)
    (changed,) = (each for each in records(server, name) if each.kind == "threshold-changed")
    assert changed.model_dump(include={"version", "before", "after", "predicted"}) == {
        "version": 2,
        "before": 160 * trial.gate,
        "after": 160 * (trial.gate + 4),
        "predicted": 10,
    }


def test_a_manifest_that_names_another_log_is_refused(server: ServerProcess, trial: Trial) -> None:
    other = Signer.generate(FORCE.log.verifier.name, Use.LOG)
    offer = trial.offer("elsewhere", log_policy=f"log {other.verifier}\nquorum none\n")
    with pytest.raises(StatementMismatch, match="log of this server"):
        server.client("custodian").put_deployment("elsewhere", offer)
    assert DeploymentManifest.read(Envelope.from_json(offer.manifest)).deployment == "elsewhere"


def test_results_wait_for_the_witness_that_the_manifest_asks_for(start: Start, trial: Trial) -> None:
    server = start()
    witness = Signer.generate("nobody.test/w", Use.WITNESS)
    policy = (
        f"log {FORCE.log.verifier}\nwitness w {witness.verifier} http://127.0.0.1:9/\nquorum w\n"  # discard
    )
    name = trial.open(server, log_policy=policy)
    server.client("camera").post_probe(name, trial.probe())
    eventually(lambda: "result-released" in kinds(server, name))
    with pytest.raises(CosignatureMissing):
        server.client("operator").fetch_results(name)
    assert "witness-not-reached" in server.log
    assert "result-deleted" not in kinds(server, name)


def test_the_log_goes_on_after_kill_9(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    server.client("camera").post_probe(name, trial.probe())
    server.results(name, 1)
    before = kinds(server, name)
    server.kill()
    server.start()
    assert kinds(server, name)[: len(before)] == before
    assert [each.kind for each in records(server, name)].count("started") == 2
    assert isinstance(server.results(name, 1).logged[0], Logged)


def test_nothing_but_the_log_is_served_beside_it(server: ServerProcess) -> None:
    for path in ("log.pem", "..%2flog.pem", "tile/..%2f..%2flog.pem", "tile/../../log.pem", "head/head-0"):
        assert httpx.get(f"{server.address}/log/{path}").status_code == 404, path
