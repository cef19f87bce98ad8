"""Checks of one person in oversight: no probe without its grounds, and how often, where and why, by real commands."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
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
from blindwatch.records.record import Record
from blindwatch.statements.predicates import Closing, instant
from blindwatch.tlog.log import Log
from blindwatch.wire import signatures
from blindwatch.wire.client import CBOR
from blindwatch.wire.digests import content_digest
from blindwatch.wire.messages import KeptProbe, Probe

from ..client.photographs import encoded, small
from ..client.running import SIMILARITY, command
from ..client.stations import OFFICERS, OPERATOR, Station, stationed
from ..people import stamp
from ..proof.tap import Traffic, tap
from ..server.checks import authorised
from ..serving import FORCE, TOKENS, ServerProcess
from .deployments import OPERATOR_LOG

Change = Callable[[list[Record]], None]
LISTED = (18, 31, 77)
STRANGER = 50


@dataclass(frozen=True)
class Checks:
    """The bundle of a deployment that is over, and the records of the journal that was kept for it."""

    bundle: Path
    records: tuple[Record, ...]

    def faults(self, folder: Path, change: Change) -> tuple[str, ...]:
        """What a verification finds if the operator hands over a journal that was changed."""
        bundle = Path(shutil.copytree(self.bundle, folder / "bundle"))
        records = list(self.records)
        change(records)
        shutil.rmtree(bundle / "operator-log")
        Log.create(bundle / "operator-log", folder / "head", OPERATOR_LOG)
        with Log(bundle / "operator-log", folder / "head", OPERATOR_LOG) as log:
            log.append([record.to_cbor() for record in records])
        (bundle / "operator-log" / "vkey").write_text(f"{OPERATOR_LOG.verifier}\n")
        return carry_out(CHECK, Case(Bundle.open(bundle), OFFICERS.register)).faults


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


def close(station: Station) -> None:
    custodian = station.server.client("custodian")
    closing = Closing(
        deployment=station.deployment,
        manifest_digest=custodian.get_deployment(station.deployment).manifest_digest,
        reason="It is over",
        issued_at=stamp(datetime.now(UTC)),
    )
    custodian.close_deployment(station.deployment, FORCE.sign(closing.envelope(), "c.ruiz").to_json())


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
        close(station)
        (folder / "oversight.token").write_text(TOKENS["oversight"])
        done = command(
            *("oversight", "export", str(folder / "bundle")),
            deployment=station.deployment,
            server=server.address,
            token_file=folder / "oversight.token",
            add=[station.manifest_file, station.watchlist / "watchlist.dsse.json"],
            operator_log=station.journal / "site",
        )
        assert done == 0
        yield Seen(folder / "bundle", tuple(station.records()), _sent(between.traffic))


def test_grounds_that_are_all_there(checked: Seen) -> None:
    for check in (CHECK, OPERATORS):
        assert carry_out(check, checked.case).faults == ()


def _first(records: list[Record], kind: type[Record]) -> int:
    return next(place for place, each in enumerate(records) if isinstance(each, kind))


def _unsaid(records: list[Record]) -> None:
    del records[_first(records, Checked)]


def _without_harm(records: list[Record]) -> None:
    for place, each in enumerate(records):
        records[place] = each.model_copy(update={"harm": None}) if isinstance(each, Checked) else each


def _other_reason(records: list[Record]) -> None:
    place = _first(records, Checked)
    records[place] = records[place].model_copy(update={"reason": "curiosity"})


def _said_otherwise(records: list[Record]) -> None:
    """Another reason, which the profile has as well."""
    place = _first(records, Checked)
    records[place] = records[place].model_copy(update={"reason": "doubted-identity"})


def _salted_again(records: list[Record]) -> None:
    place = _first(records, Checked)
    records[place] = records[place].model_copy(update={"salt": "00" * 32})


def _match_denied(records: list[Record]) -> None:
    place = _first(records, CheckAnswered)
    records[place] = records[place].model_copy(update={"answer": "no-match"})


def _afterwards(records: list[Record]) -> None:
    place = _first(records, Checked)
    records[place] = records[place].model_copy(update={"at": "2099-01-01T00:00:00Z"})


def _twice(records: list[Record]) -> None:
    records.append(records[_first(records, Checked)])


def _two_answers(records: list[Record]) -> None:
    records.append(records[_first(records, CheckAnswered)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_unsaid, "the operator's log does not say where and why"),
        (_without_harm, "a risk of significant harm, which has to be stated"),
        (_other_reason, "no such reason for a check"),
        (_said_otherwise, "is not what was signed with the probe"),
        (_salted_again, "is not what was signed with the probe"),
        (_match_denied, "do not say the same of whether there was a match"),
        (_afterwards, "and is noted of 2099-01-01T00:00:00Z"),
        (_twice, "more than once"),
        (_two_answers, "has 2 answers"),
    ],
)
def test_grounds_that_are_not(checked: Checks, tmp_path: Path, change: Change, said: str) -> None:
    assert any(said in fault for fault in checked.faults(tmp_path, change))


def test_a_kept_probe_is_one_that_an_operator_authorised(checked: Seen) -> None:
    case, probe = checked.case, checked.probe
    name = case.bundle.deployment
    assert check_probe(case, probe.probe_id, kept(probe, name)) == probe
    for changed, error, said in (
        (probe.model_copy(update={"authorisation": None}), UnauthorisedProbe, "has no authorisation"),
        (authorised(probe, name, ("a.khan",)), UnauthorisedProbe, "not signed by the operator"),
        (authorised(probe, name), StatementMismatch, "on other grounds than the log has"),
    ):
        with pytest.raises(error, match=said):
            check_probe(case, probe.probe_id, kept(changed, name))


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


def record(checked: Checks, folder: Path, *words: str) -> dict[str, object]:
    register = OFFICERS.write_register(folder / "register.toml")
    out = folder / "record"
    assert command("oversight", "record", str(checked.bundle), *words, register=register, out=out) == 0
    found: dict[str, object] = json.loads((out / "record.json").read_text())
    return found


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
