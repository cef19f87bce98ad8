"""Checks of one person in oversight: no probe without its grounds, and how often, where and why, by real commands."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from blindwatch.errors import StatementMismatch, UnauthorisedProbe
from blindwatch.oversight.bundle import KEPT, Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import carry_out
from blindwatch.oversight.checks.grounds import CHECK
from blindwatch.oversight.checks.kept import check_probe
from blindwatch.oversight.checks.operators import CHECK as OPERATORS
from blindwatch.oversight.uses import REPEATED
from blindwatch.records.operator import Alerted, CheckAnswered, Checked
from blindwatch.statements.predicates import instant
from blindwatch.wire import signatures
from blindwatch.wire.client import CBOR
from blindwatch.wire.digests import content_digest
from blindwatch.wire.messages import KeptProbe, Probe

from ..client.photographs import encoded, small
from ..client.running import SIMILARITY, command
from ..client.stations import OFFICERS, OPERATOR, Station, stationed
from ..proof.tap import Traffic, tap
from ..server.checks import authorised
from ..serving import FORCE, ServerProcess
from .handed import Change, Checks, changed, everywhere, handed_over, record, twice, without

LISTED = (18, 31, 77)
STRANGER = 50


@dataclass(frozen=True)
class Seen(Checks):
    """The same with the probe of the first check, as it went to the server."""

    probe: Probe

    @property
    def case(self) -> Case:
        return Case(Bundle.open(self.bundle), OFFICERS.register)


def decide(station: Station) -> None:
    """What became of the one match: a decision of somebody who is with the person, so that nobody is sent."""
    alert = next(each.alert for each in station.records() if isinstance(each, Alerted))
    decided = command(
        *("operator", "adjudicate"),
        journal=station.journal,
        alert=alert,
        outcome="confirmed-true",
        identity=station.folder / f"{OPERATOR}.pem",
        register=station.folder / "register.toml",
    )
    assert decided == 0


def _sent(traffic: Traffic) -> Probe:
    """The probe that went by."""
    stream = next(bytes(each) for each in traffic.sent if b"/probes HTTP" in each)
    head, _, body = stream[stream.index(b"POST ") :].partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length is not None
    return Probe.from_cbor(body[: int(length[1])])


def kept(probe: Probe, deployment: str) -> KeptProbe:
    """A probe as a server keeps it for oversight, which its camera signed when it was captured."""
    body = probe.to_cbor()
    path = f"/v1/deployments/{deployment}/probes"
    asked = signatures.Request("POST", "server.test", path, "", content_digest(body), CBOR)
    fields = signatures.sign(asked, FORCE.camera, instant(probe.captured_at).timestamp())
    parameters = fields[signatures.INPUT_FIELD].removeprefix("blindwatch=")
    base = signatures.signature_base(asked.components, parameters)
    return KeptProbe(probe=body, signed=base, signature=FORCE.camera.sign(base))


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("checked")
    listed = [encoded(small(number)) for number in LISTED]
    with ExitStack() as stack:
        server = ServerProcess(tmp_path_factory.mktemp("server"), stack)
        station = stationed(folder, server, listed, threshold=SIMILARITY).opened()
        with tap(server.address) as between:
            assert station.check(listed[0], server=between.address) == 0
        assert station.check(encoded(small(STRANGER)), place="home", harm="to-a-child") == 0
        assert station.check(encoded(small(STRANGER)), reason="refuses-identity") == 0
        decide(station)
        yield Seen(handed_over(station, folder), tuple(station.records()), _sent(between.traffic))


def test_grounds_that_are_all_there(checked: Seen) -> None:
    for check in (CHECK, OPERATORS):
        assert carry_out(check, checked.case).faults == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without(Checked), "the operator's log does not say where and why"),
        (everywhere(Checked, harm=None), "a risk of significant harm, which has to be stated"),
        (changed(Checked, reason="curiosity"), "no such reason for a check"),
        (
            changed(Checked, reason="doubted-identity"),  # which the profile has as well
            "is not what was signed with the probe",
        ),
        (changed(Checked, salt="00" * 32), "is not what was signed with the probe"),
        (changed(CheckAnswered, answer="no-match"), "do not say the same of whether there was a match"),
        (changed(Checked, at="2099-01-01T00:00:00Z"), "and is noted of 2099-01-01T00:00:00Z"),
        (twice(Checked), "more than once"),
        (twice(CheckAnswered), "has 2 answers"),
    ],
)
def test_grounds_that_are_not(checked: Checks, tmp_path: Path, change: Change, said: str) -> None:
    assert any(said in fault for fault in checked.faults(tmp_path, change))


def test_a_kept_probe_is_one_that_an_operator_authorised(checked: Seen) -> None:
    case, probe = checked.case, checked.probe
    name = case.bundle.deployment
    assert check_probe(case, probe.probe_id, kept(probe, name)) == probe
    for other, error, said in (
        (probe.model_copy(update={"authorisation": None}), UnauthorisedProbe, "has no authorisation"),
        (authorised(probe, name, ("a.khan",)), UnauthorisedProbe, "not signed by the operator"),
        (authorised(probe, name), StatementMismatch, "on other grounds than the log has"),
    ):
        with pytest.raises(error, match=said):
            check_probe(case, probe.probe_id, kept(other, name))


@pytest.mark.parametrize(
    ("signer", "faults"),
    [(OPERATOR, 0), ("g.okoro", 1)],
    ids=["who checked", "somebody else"],
)
def test_a_kept_probe_was_signed_by_who_is_said_to_have_checked(
    checked: Seen, tmp_path: Path, signer: str, faults: int
) -> None:
    bundle = Path(shutil.copytree(checked.bundle, tmp_path / "bundle"))
    probe = authorised(checked.probe, checked.case.bundle.deployment, (signer,), operator=signer)
    (bundle / KEPT).mkdir(exist_ok=True)
    (bundle / KEPT / probe.probe_id).write_bytes(kept(probe, checked.case.bundle.deployment).to_cbor())
    found = carry_out(CHECK, Case(Bundle.open(bundle), OFFICERS.register)).faults
    assert [each for each in found if "authorised by another operator" in each] == list(found)
    assert len(found) == faults


def test_the_uses_are_counted(checked: Checks, tmp_path: Path) -> None:
    found = record(checked, tmp_path, "--full")
    counts = found["counts"]
    assert isinstance(counts, dict)
    assert counts["checks by answer"] == {"match": 1, "no match": 2, "no answer": 0}
    assert counts["checks by place"]["Public place"] == 2
    assert counts["checks by place"]["Home"] == 1
    assert counts["checks by reason"]["Cannot say who they are"] == 2
    assert counts["checks by reason"]["Refuses to say who they are"] == 1
    assert counts["checks by stated risk"]["Significant harm to a child"] == 1
    assert counts["checks by officer"] == {OPERATOR: 3}
    assert counts["what became of alerts"]["true alerts"] == 1
    # What cannot be known is said.
    assert REPEATED in str(found["notInTheLogs"])
    assert "again and again" in (tmp_path / "record" / "record.html").read_text()


def test_no_officer_and_no_small_number_is_published(checked: Checks, tmp_path: Path) -> None:
    counts = record(checked, tmp_path)["counts"]
    assert isinstance(counts, dict)
    assert "checks by officer" not in counts
    assert counts["checks by place"]["Home"] is None
    assert counts["checks by answer"]["match"] is None
