"""Comparisons of one person with one entry in oversight: no server's log has them, and the operator's has to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import carry_out
from blindwatch.oversight.checks.grounds import CHECK
from blindwatch.oversight.checks.operators import CHECK as OPERATORS
from blindwatch.records.operator import Checked, Compared, ComparisonAnswered
from blindwatch.records.record import Record

from ..client.photographs import encoded, small
from ..client.running import SIMILARITY, command
from ..client.stations import OFFICERS, OPERATOR, stationed
from ..client.verifying import verify
from ..serving import TOKENS, ServerProcess
from .test_grounds import Checks, close

Change = Callable[[list[Record]], None]
LISTED = (18, 31)
STRANGER = 50


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checks]:
    """One check, which the server took part in, and two comparisons, which it did not."""
    folder = tmp_path_factory.mktemp("compared")
    listed = [encoded(small(number)) for number in LISTED]
    with ExitStack() as stack:
        server = ServerProcess(tmp_path_factory.mktemp("server"), stack)
        station = stationed(folder, server, listed, threshold=SIMILARITY).opened()
        assert station.check(encoded(small(STRANGER))) == 0
        assert verify(station, listed[0], 0) == 0
        assert verify(station, listed[0], 1, place="home", harm="to-others") == 0
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
        yield Checks(folder / "bundle", tuple(station.records()))


def test_comparisons_need_no_probe_and_a_probe_needs_more_than_a_comparison(
    handed: Checks, tmp_path: Path
) -> None:
    case = Case(Bundle.open(handed.bundle), OFFICERS.register)
    for check in (CHECK, OPERATORS):
        assert carry_out(check, case).faults == ()
    assert any("2 comparisons with one entry" in note for note in carry_out(CHECK, case).evidence)

    def taken_for_a_check(records: list[Record]) -> None:
        place = _first(records, Checked)
        probe = records[place]
        assert isinstance(probe, Checked)
        compared = records[_first(records, Compared)]
        records[place] = compared.model_copy(update={"comparison": probe.check})

    faults = handed.faults(tmp_path, taken_for_a_check)
    assert any("the operator's log does not say where and why" in fault for fault in faults)


def _first(records: list[Record], kind: type[Record]) -> int:
    return next(place for place, each in enumerate(records) if isinstance(each, kind))


def _unsaid(records: list[Record]) -> None:
    del records[_first(records, Compared)]


def _without_harm(records: list[Record]) -> None:
    for place, each in enumerate(records):
        records[place] = each.model_copy(update={"harm": None}) if isinstance(each, Compared) else each


def _other_reason(records: list[Record]) -> None:
    place = _first(records, Compared)
    records[place] = records[place].model_copy(update={"reason": "curiosity"})


def _at_another_time(records: list[Record]) -> None:
    place = _first(records, Compared)
    records[place] = records[place].model_copy(update={"at": "2099-01-01T00:00:00Z"})


def _twice(records: list[Record]) -> None:
    records.append(records[_first(records, Compared)])


def _two_answers(records: list[Record]) -> None:
    records.append(records[_first(records, ComparisonAnswered)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_unsaid, "has an answer, and the operator's log does not say where and why"),
        (_without_harm, "a risk of significant harm, which has to be stated"),
        (_other_reason, "no such reason for a check"),
        (_at_another_time, "outside the window of the deployment"),
        (_twice, "has 2 records"),
        (_two_answers, "has 2 answers"),
    ],
)
def test_comparisons_against_the_rules(handed: Checks, tmp_path: Path, change: Change, said: str) -> None:
    assert any(said in fault for fault in handed.faults(tmp_path, change))


def counts(handed: Checks, folder: Path, *words: str) -> dict[str, dict[str, int | None]]:
    register = OFFICERS.write_register(folder / "register.toml")
    out = folder / "record"
    assert command("oversight", "record", str(handed.bundle), *words, register=register, out=out) == 0
    found: dict[str, dict[str, int | None]] = json.loads((out / "record.json").read_text())["counts"]
    return found


def test_comparisons_are_counted_apart_from_checks(handed: Checks, tmp_path: Path) -> None:
    found = counts(handed, tmp_path, "--full")
    assert found["checks by answer"] == {"match": 0, "no match": 1, "no answer": 0}
    assert found["comparisons with one entry by answer"] == {"match": 1, "no match": 1, "no answer": 0}
    assert found["comparisons with one entry by engine"] == {"TFHE": 0, "BFV": 2}
    assert found["comparisons with one entry by place"]["Home"] == 1
    assert found["comparisons with one entry by stated risk"]["Significant harm to others"] == 1
    assert found["comparisons with one entry by officer"] == {OPERATOR: 2}
    # Only what the server took is a face that was compared there, and none of it was an alert.
    assert found["comparisons"]["faces compared"] == 1
    assert found["comparisons"]["alerts"] == 0


def test_no_officer_and_no_small_number_is_published(handed: Checks, tmp_path: Path) -> None:
    found = counts(handed, tmp_path)
    assert "comparisons with one entry by officer" not in found
    assert found["comparisons with one entry by answer"]["match"] is None
    assert found["comparisons with one entry by place"]["Home"] is None
