"""Stops, over the socket: who may stop, what a stop holds up, and what goes on after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import DeploymentStopped, Forbidden, NotAuthorised, StatementMismatch
from blindwatch.records import server as records
from blindwatch.records.reading import server_record
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Stop, instant
from blindwatch.tlog.log import Log
from blindwatch.wire.messages import now

from ..people import CAMERA
from ..serving import FORCE

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]


def stop(server: ServerProcess, name: str, *signers: str, **changes: object) -> Envelope:
    content: dict[str, object] = {
        "deployment": name,
        "manifest_digest": server.client("operator").get_deployment(name).manifest_digest,
        "reason": "Stopped at the console",
        "issued_at": now(),
        **changes,
    }
    return FORCE.sign(Stop.model_validate(content).envelope(), *(signers or ("e.novak",)))


@pytest.mark.parametrize(
    ("signer", "role"), [("e.novak", "operator"), ("b.osei", "custodian"), ("d.silva", "custodian")]
)
def test_one_person_stops_a_deployment_at_once(
    server: ServerProcess, trial: Trial, signer: str, role: str
) -> None:
    name = trial.open(server)
    camera = server.client("camera")
    camera.post_probe(name, trial.probe())
    statement = stop(server, name, signer).to_json()
    began = time.monotonic()
    server.client(role).stop_deployment(name, statement)
    with pytest.raises(DeploymentStopped):
        camera.post_probe(name, trial.probe())
    assert time.monotonic() - began < 2
    assert server.client("operator").get_deployment(name).stopped
    server.client(role).stop_deployment(name, statement)  # once more changes nothing
    server.client("operator").stop_deployment(name, stop(server, name).to_json())
    # What was taken before has its result, which the operator may read or leave.
    assert len(server.results(name, 1).results) == 1


def test_a_probe_whose_body_is_on_its_way_is_not_taken_either(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    probe = trial.probe()
    server.client("operator").stop_deployment(name, stop(server, name).to_json())
    with pytest.raises(DeploymentStopped):
        server.client("camera").post_probe(name, probe)
    assert server.client("operator").fetch_results(name).results == ()


@pytest.mark.parametrize(
    ("signers", "changes", "refused"),
    [
        (("o.ngo",), {}, NotAuthorised),
        (("server-1",), {}, NotAuthorised),
        (("e.novak",), {"deployment": "another"}, StatementMismatch),
        (("e.novak",), {"manifest_digest": "00" * 32}, StatementMismatch),
    ],
)
def test_what_is_not_a_stop_of_this_deployment_is_refused(
    server: ServerProcess,
    trial: Trial,
    signers: tuple[str, ...],
    changes: dict[str, object],
    refused: type[Exception],
) -> None:
    name = trial.open(server)
    with pytest.raises(refused):
        server.client("operator").stop_deployment(name, stop(server, name, *signers, **changes).to_json())
    server.client("camera").post_probe(name, trial.probe())


def test_a_stop_without_a_signature_is_refused(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    bare = Envelope(stop(server, name).payload).to_json()
    with pytest.raises(NotAuthorised):
        server.client("operator").stop_deployment(name, bare)


def test_oversight_only_looks(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    with pytest.raises(Forbidden):
        server.client("oversight").stop_deployment(name, stop(server, name).to_json())


def test_only_a_newer_version_that_is_approved_goes_on(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    server.client("operator").stop_deployment(name, stop(server, name).to_json())
    custodian, camera = server.client("custodian"), server.client("camera")
    custodian.activate(name)
    with pytest.raises(DeploymentStopped):
        camera.post_probe(name, trial.probe())
    custodian.put_deployment(name, trial.offer(name, version=2, change_reason="Looked into, and resumed"))
    with pytest.raises(DeploymentStopped):
        camera.post_probe(name, trial.probe())
    custodian.activate(name)
    camera.post_probe(name, trial.probe())
    assert not custodian.get_deployment(name).stopped


def test_a_stop_outlasts_the_server_and_is_in_its_log(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    statement = stop(server, name)
    server.client("operator").stop_deployment(name, statement.to_json())
    server.kill()
    server.start()
    with pytest.raises(DeploymentStopped):
        server.client("camera").post_probe(name, trial.probe())
    server.stop()
    with Log(server.store / "log", server.store / "head", FORCE.log) as log:
        entries = [server_record(entry) for entry in log.entries(0, log.checkpoint.checkpoint.size)]
    (record,) = [each for each in entries if isinstance(each, records.DeploymentStopped)]
    assert (record.deployment, record.stop) == (name, statement.digest)


def test_the_server_says_when_it_heard_of_each_camera(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    (before,) = server.client("operator").cameras(name).cameras
    assert (before.camera, before.heard_at) == (CAMERA, None)
    server.client("camera").get_deployment(name)
    (heard,) = server.client("operator").cameras(name).cameras
    assert heard.heard_at is not None
    assert abs((datetime.now(UTC) - instant(heard.heard_at)).total_seconds()) < 10
    server.client("camera").post_probe(name, trial.probe())
    (again,) = server.client("operator").cameras(name).cameras
    assert again.heard_at is not None
    assert again.heard_at >= heard.heard_at


def test_a_refused_request_is_no_sign_of_a_camera(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    assert server.http("operator").post(f"/v1/deployments/{name}/probes", content=b"x").status_code == 403
    (camera,) = server.client("operator").cameras(name).cameras
    assert camera.heard_at is None
