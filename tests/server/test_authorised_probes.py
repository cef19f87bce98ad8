"""Under a profile for checks a camera alone sends nothing: over a real socket, what passes and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import (
    BlindwatchError,
    FutureRequest,
    MalformedMessage,
    Problem,
    ReplayedRequest,
    StaleRequest,
    StatementMismatch,
    UnauthorisedProbe,
)
from blindwatch.records.server import ProbeAccepted
from blindwatch.statements.authorising import LIFETIME, authorise
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Revocation
from blindwatch.statements.register import entry
from blindwatch.statements.signing import Identity
from blindwatch.wire.client import CBOR
from blindwatch.wire.digests import FIELD, content_digest
from blindwatch.wire.messages import Probe, now, stamp

from ..serving import FORCE, eventually
from .checks import GROUNDS, OPERATOR, authorised, opened
from .test_ledger import records

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]
    Change = Callable[[Probe, str], Probe]


def accepted(server: ServerProcess, name: str, count: int) -> list[ProbeAccepted]:
    """The probes that the log has, once there are so many: the files that are read follow it."""

    def found() -> list[ProbeAccepted]:
        return [each for each in records(server, name) if isinstance(each, ProbeAccepted)]

    eventually(lambda: len(found()) == count)
    return found()


def reasons(server: ServerProcess) -> list[str]:
    """Why the server refused probes, as it logged it."""
    lines = map(json.loads, server.log.splitlines())
    return [line["why"] for line in lines if line["event"] == "probe-refused"]


def send(server: ServerProcess, name: str, probe: Probe) -> type[BlindwatchError] | None:
    """What the server says to a probe that a camera of the deployment signs: None if it takes it."""
    try:
        server.client("camera").post_probe(name, probe)
    except BlindwatchError as error:
        return type(error)
    return None


def test_what_an_operator_authorised_is_compared_and_the_log_has_the_commitment(
    server: ServerProcess, trial: Trial
) -> None:
    name = opened(server, trial)
    probe = authorise(trial.probe(), name, GROUNDS, OPERATOR, FORCE.identities[OPERATOR])
    assert send(server, name, probe) is None
    (result,) = server.results(name, 1).results
    assert result.probe_id == probe.probe_id
    (record,) = accepted(server, name, 1)
    assert (record.probe_id, record.grounds) == (probe.probe_id, GROUNDS)


def test_a_camera_alone_sends_nothing(server: ServerProcess, trial: Trial) -> None:
    name = opened(server, trial)
    body = trial.probe().to_cbor()
    answer = server.http("camera").post(
        f"/v1/deployments/{name}/probes",
        content=body,
        headers={"Content-Type": CBOR, FIELD: content_digest(body)},
    )
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert (said["type"], said["status"]) == (Problem.UNAUTHORISED_PROBE.urn, 403)
    assert said["detail"] == "The probe has no authorisation of an operator."
    assert accepted(server, name, 0) == []
    assert server.client("operator").fetch_results(name).results == ()
    assert "unauthorised-probe" in reasons(server)


def by_a_stranger(probe: Probe, name: str) -> Probe:
    """Signed by keys that the register does not have, in the name of its operator."""
    return authorise(probe, name, GROUNDS, OPERATOR, Identity.generate())


def with_one_key(probe: Probe, name: str) -> Probe:
    """Without the second signature of the operator."""
    envelope = Envelope.from_json(authorised(probe, name).authorisation or b"")
    return probe.model_copy(
        update={"authorisation": Envelope(envelope.payload, envelope.signatures[:1]).to_json()}
    )


def with_another_signature(probe: Probe, name: str) -> Probe:
    """With one signature of somebody else beside those of the operator."""
    envelope = Envelope.from_json(authorised(probe, name).authorisation or b"")
    other, _ = FORCE.identities["a.khan"].sign(envelope.message)
    more = Envelope(envelope.payload, (*envelope.signatures, other))
    return probe.model_copy(update={"authorisation": more.to_json()})


def of_another_probe(trial: Trial) -> Change:
    """Authorised for another ciphertext of the same name."""

    def change(probe: Probe, name: str) -> Probe:
        other = authorised(trial.probe(1, probe_id=probe.probe_id), name)
        return probe.model_copy(update={"authorisation": other.authorisation})

    return change


def of_another_kind(probe: Probe, name: str) -> Probe:
    """A statement of the operator about something else."""
    said = Revocation(deployment=name, camera_key=GROUNDS, reason="Lost", issued_at=now())
    signed = FORCE.sign(said.envelope(), OPERATOR).to_json()
    return probe.model_copy(update={"authorisation": signed})


def later(seconds: float) -> str:
    return stamp(datetime.now(UTC) + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(by_a_stranger, UnauthorisedProbe, id="unknown keys"),
        pytest.param(with_one_key, UnauthorisedProbe, id="one of two keys"),
        pytest.param(lambda p, n: authorised(p, n, ()), UnauthorisedProbe, id="not signed"),
        pytest.param(lambda p, n: authorised(p, n, ("a.khan",)), UnauthorisedProbe, id="custodian"),
        pytest.param(
            lambda p, n: authorised(p, n, ("a.khan",), operator="a.khan"), UnauthorisedProbe, id="other role"
        ),
        pytest.param(
            lambda p, n: authorised(p, n, operator="g.ito"), UnauthorisedProbe, id="name of another"
        ),
        pytest.param(with_another_signature, UnauthorisedProbe, id="a signature more"),
        pytest.param(lambda p, n: authorised(p, n, (OPERATOR, "a.khan")), MalformedMessage, id="too long"),
        pytest.param(lambda p, _: authorised(p, "other"), UnauthorisedProbe, id="other deployment"),
        pytest.param(
            lambda p, n: authorised(p, n, probe_id="ab" * 16), UnauthorisedProbe, id="other name of probe"
        ),
        pytest.param(
            lambda p, n: authorised(p, n, issued_at=later(-LIFETIME)), StaleRequest, id="too long ago"
        ),
        pytest.param(lambda p, n: authorised(p, n, issued_at=later(600)), FutureRequest, id="to come"),
        pytest.param(of_another_kind, StatementMismatch, id="another statement"),
        pytest.param(
            lambda p, _: p.model_copy(update={"authorisation": b"{}"}), MalformedMessage, id="no statement"
        ),
    ],
)
def test_what_does_not_authorise(
    server: ServerProcess, trial: Trial, change: Change, expected: type[BlindwatchError]
) -> None:
    name = opened(server, trial)
    probe = trial.probe()
    assert send(server, name, change(probe, name)) is expected
    # What was refused has used nothing up.
    assert send(server, name, authorised(probe, name)) is None
    assert [each.probe_id for each in accepted(server, name, 1)] == [probe.probe_id]


def test_an_authorisation_is_of_one_ciphertext(server: ServerProcess, trial: Trial) -> None:
    name = opened(server, trial)
    assert send(server, name, of_another_probe(trial)(trial.probe(), name)) is UnauthorisedProbe
    assert accepted(server, name, 0) == []


def test_an_authorisation_serves_once(server: ServerProcess, trial: Trial) -> None:
    name = opened(server, trial)
    probe = authorised(trial.probe(), name)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send(server, name, probe), range(4)))
    assert (answers.count(None), answers.count(ReplayedRequest)) == (1, 3)
    # Not even once its result is gone, or with another statement of the same operator for the same name.
    server.results(name, 1)
    server.client("operator").acknowledge(name, probe.probe_id)
    assert send(server, name, probe) is ReplayedRequest
    assert len(accepted(server, name, 1)) == 1


def test_an_operator_who_is_taken_out_of_the_register_authorises_nothing(start: Start, trial: Trial) -> None:
    server = start()
    name = opened(server, trial)
    first = authorised(trial.probe(), name)
    assert send(server, name, first) is None
    assert server.stop() == 0
    server.start()
    # It is used up for a server that starts again as well.
    assert send(server, name, first) is ReplayedRequest
    assert server.stop() == 0
    left = [entry(person) for person in FORCE.register.people if person.name != OPERATOR]
    (server.folder / "register.toml").write_text("\n".join(left))
    server.start()
    assert send(server, name, authorised(trial.probe(), name)) is UnauthorisedProbe
    assert len(accepted(server, name, 1)) == 1


def test_under_other_rules_there_is_no_authorisation(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    assert send(server, name, authorised(trial.probe(), name)) is UnauthorisedProbe
    assert send(server, name, trial.probe()) is None
    (record,) = accepted(server, name, 1)
    assert record.grounds is None
