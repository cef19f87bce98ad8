"""What the server does for each role when nothing is wrong."""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from blindwatch.errors import MalformedMessage, NotFound
from blindwatch.he.presets import preset
from blindwatch.he.templates import Templates
from blindwatch.statements.dsse import Envelope
from blindwatch.wire.messages import DeploymentInfo, ReleasedBlock, Result

from ..serving import MODEL

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial


def test_from_offer_to_acknowledgement(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    probes = [trial.probe(index) for index in range(3)]
    for probe in probes:
        receipt = server.client("camera").post_probe(name, probe)
        assert receipt.probe_id == probe.probe_id
    batch = server.results(name, 3)
    assert {result.probe_id for result in batch.results} == {probe.probe_id for probe in probes}
    operator = server.client("operator")
    for result in batch.results:
        assert isinstance(result, Result)
        assert len(result.releases) == 1
        assert result.camera == "gate-1"
        operator.acknowledge(name, result.probe_id)
    assert operator.fetch_results(name).results == ()


def test_the_result_of_one_probe_is_fetched_by_its_name(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    first, second = (trial.probe(index) for index in range(2))
    for probe in (first, second):
        server.client("camera").post_probe(name, probe)
    operator = server.client("operator")
    (result,) = operator.fetch_result(name, second.probe_id, 20).results
    assert result.probe_id == second.probe_id
    operator.acknowledge(name, second.probe_id)
    assert operator.fetch_result(name, second.probe_id).results == ()
    # The other one is there still.
    assert [each.probe_id for each in server.results(name, 1).results] == [first.probe_id]


def lengths(block: ReleasedBlock) -> tuple[int, ...]:
    return tuple(map(len, block.ciphertexts))


def test_results_look_the_same_whatever_they_hold(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    face = trial.templates[:1]
    stranger = trial.encryptor.probe(Templates(-face.coarse, -face.fine))
    for probe in (trial.probe(), trial.probe(ciphertext=stranger)):
        server.client("camera").post_probe(name, probe)
    shapes = {
        (len(result.crop), *(lengths(block) for block in result.releases))
        for result in server.results(name, 2).results
        if isinstance(result, Result)
    }
    assert len(shapes) == 1


def test_the_same_offer_again_changes_nothing(server: ServerProcess, trial: Trial) -> None:
    custodian = server.client("custodian")
    name = f"trial-{secrets.token_hex(4)}"
    offer = trial.offer(name)
    custodian.put_deployment(name, offer)
    trial.enrol(custodian, name)
    before = custodian.get_deployment(name)
    assert custodian.put_deployment(name, offer) == before
    custodian.activate(name)
    assert custodian.get_deployment(name) == before
    assert before.ready
    assert before.entries == len(trial.templates)


@pytest.mark.parametrize("role", ["custodian", "camera", "operator"])
def test_every_role_may_see_a_deployment(server: ServerProcess, trial: Trial, role: str) -> None:
    name = trial.open(server, enrolled=False)
    info = server.client(role).get_deployment(name)
    assert info == DeploymentInfo(
        deployment=name,
        preset=trial.preset_name,
        key_id=trial.keys.encryption.key_id,
        model_digest=MODEL,
        threshold=trial.gate,
        mask_commitment=info.mask_commitment,
        ready=False,
        entries=len(trial.templates),
        version=1,
        manifest_digest=Envelope.from_json(server.client("operator").get_manifest(name)).digest,
        watchlist_digest=info.watchlist_digest,
        tombstone=0,
    )


def test_masks_are_secret_to_each_deployment(server: ServerProcess, trial: Trial) -> None:
    camera = server.client("camera")
    names = [trial.open(server, enrolled=False) for _ in range(2)]
    assert len({camera.get_deployment(name).mask_commitment for name in names}) == 2


def test_a_new_watchlist_takes_the_place_of_the_old(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    custodian = server.client("custodian")
    shorter = trial.watchlist(name, entries=4)
    assert preset(trial.preset_name).plan(4) == preset(trial.preset_name).plan(len(trial.templates))
    custodian.put_deployment(name, trial.offer(name, listed=shorter, version=2, change_reason="Shorter"))
    assert custodian.get_deployment(name).entries == len(trial.templates)
    custodian.activate(name)
    assert (info := custodian.get_deployment(name)).entries == 4
    assert info.version == 2
    server.client("camera").post_probe(name, trial.probe())
    assert len(server.results(name, 1).results) == 1


def test_who_waits_gets_the_first_result_at_once(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    operator, camera = server.client("operator"), server.client("camera")
    posting = threading.Timer(0.4, camera.post_probe, (name, trial.probe()))
    posting.start()
    started = time.monotonic()
    batch = operator.fetch_results(name, wait=15)
    waited = time.monotonic() - started
    posting.join()
    assert len(batch.results) == 1
    assert 0.3 < waited < 10


def test_who_waits_in_vain_gets_an_empty_batch(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server, enrolled=False)
    started = time.monotonic()
    assert server.client("operator").fetch_results(name, wait=0.3).results == ()
    assert 0.25 < time.monotonic() - started < 5


def test_results_stay_until_they_are_acknowledged(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    server.client("camera").post_probe(name, trial.probe())
    operator = server.client("operator")
    first = server.results(name, 1)
    assert operator.fetch_results(name) == first
    operator.acknowledge(name, first.results[0].probe_id)
    with pytest.raises(NotFound):
        operator.acknowledge(name, first.results[0].probe_id)


def test_results_of_one_deployment_are_not_those_of_another(server: ServerProcess, trial: Trial) -> None:
    one, other = trial.open(server), trial.open(server)
    probe = trial.probe()
    for name in (one, other):
        server.client("camera").post_probe(name, probe)
        server.results(name, 1)
    server.client("operator").acknowledge(one, probe.probe_id)
    assert len(server.client("operator").fetch_results(other).results) == 1


def test_health_needs_no_token_and_counts(server: ServerProcess) -> None:
    assert httpx.get(f"{server.address}/v1/health").status_code == 200
    health = server.client("camera").health()
    assert health.status == "ok"
    assert health.workers <= 2


def test_the_interface_describes_itself_without_loading_anything(server: ServerProcess) -> None:
    page = httpx.get(f"{server.address}/docs").text
    described = httpx.get(f"{server.address}/openapi.json").json()
    assert set(described["paths"]) == {
        "/v1/deployments/{name}",
        "/v1/deployments/{name}/blobs/{digest}",
        "/v1/deployments/{name}/activation",
        "/v1/deployments/{name}/cameras",
        "/v1/deployments/{name}/stop",
        "/v1/deployments/{name}/accepted",
        "/v1/deployments/{name}/challenges/{end}",
        "/v1/deployments/{name}/authorisation",
        "/v1/deployments/{name}/kept",
        "/v1/deployments/{name}/kept/{probe_id}",
        "/v1/deployments/{name}/masks",
        "/log/checkpoint",
        "/v1/deployments/{name}/manifest",
        "/v1/deployments/{name}/watchlist",
        "/v1/deployments/{name}/tombstones/{sequence}",
        "/v1/deployments/{name}/tombstone",
        "/v1/deployments/{name}/revocations/{camera_key}",
        "/v1/deployments/{name}/closing",
        "/v1/deployments/{name}/receipt",
        "/v1/deployments/{name}/probes",
        "/v1/deployments/{name}/counts/{minute}",
        "/v1/deployments/{name}/results",
        "/v1/deployments/{name}/results/{probe_id}",
        "/v1/deployments/{name}/searches",
        "/v1/deployments/{name}/searches/{search_id}",
        "/v1/health",
    }
    for path in described["paths"]:
        assert path in page
    assert "<script" not in page
    assert "://" not in page


def test_a_probe_identifier_is_used_once(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    identifier = secrets.token_hex(16)
    server.client("camera").post_probe(name, trial.probe(probe_id=identifier))
    server.results(name, 1)
    with pytest.raises(MalformedMessage):
        server.client("camera").post_probe(name, trial.probe(1, probe_id=identifier))
