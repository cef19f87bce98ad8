"""Comparisons of one person with one entry in oversight: no server's log has them, and the operator's has to."""

from __future__ import annotations

from collections.abc import Iterator
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
from ..client.running import SIMILARITY
from ..client.stations import OFFICERS, OPERATOR, stationed
from ..client.verifying import verify
from ..serving import ServerProcess
from .handed import Change, Checks, changed, everywhere, first, handed_over, record, twice, without

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
        yield Checks(handed_over(station, folder), tuple(station.records()))


def test_comparisons_need_no_probe_and_a_probe_needs_more_than_a_comparison(
    handed: Checks, tmp_path: Path
) -> None:
    case = Case(Bundle.open(handed.bundle), OFFICERS.register)
    for check in (CHECK, OPERATORS):
        assert carry_out(check, case).faults == ()
    assert any("2 comparisons with one entry" in note for note in carry_out(CHECK, case).evidence)

    def taken_for_a_check(records: list[Record]) -> None:
        place = first(records, Checked)
        probe = records[place]
        assert isinstance(probe, Checked)
        compared = records[first(records, Compared)]
        records[place] = compared.model_copy(update={"comparison": probe.check})

    faults = handed.faults(tmp_path, taken_for_a_check)
    assert any("the operator's log does not say where and why" in fault for fault in faults)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without(Compared), "has an answer, and the operator's log does not say where and why"),
        (everywhere(Compared, harm=None), "a risk of significant harm, which has to be stated"),
        (changed(Compared, reason="curiosity"), "no such reason for a check"),
        (changed(Compared, at="2099-01-01T00:00:00Z"), "outside the window of the deployment"),
        (twice(Compared), "has 2 records"),
        (twice(ComparisonAnswered), "has 2 answers"),
    ],
)
def test_comparisons_against_the_rules(handed: Checks, tmp_path: Path, change: Change, said: str) -> None:
    assert any(said in fault for fault in handed.faults(tmp_path, change))


def test_comparisons_are_counted_apart_from_checks(handed: Checks, tmp_path: Path) -> None:
    found = record(handed, tmp_path, "--full")["counts"]
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
    found = record(handed, tmp_path)["counts"]
    assert "comparisons with one entry by officer" not in found
    assert found["comparisons with one entry by answer"]["match"] is None
    assert found["comparisons with one entry by place"]["Home"] is None
