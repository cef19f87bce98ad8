"""The record for the public: both error rates with exact intervals, small numbers left out, totals from the logs."""

from __future__ import annotations

import csv
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.counting import FALSE, TRUE, UNDECIDED, _hidden
from blindwatch.oversight.deployment_record import Count
from blindwatch.oversight.intervals import rate
from blindwatch.pages.wording import percent
from blindwatch.records.operator import Alerted
from blindwatch.records.record import Record

from ..client.running import command
from ..serving import FORCE
from . import tampering

if TYPE_CHECKING:
    from .conftest import Clean, Copy


def test_both_rates_of_the_published_figures() -> None:
    """Ten false alerts of 3,147,436 faces and 2,077 alerts, as a force published them."""
    per_face, per_alert = (rate(10, trials, published=True) for trials in (3_147_436, 2_077))
    assert per_face.said == "0.00032 %, 95 % interval 0.00015 % to 0.00058 %"
    assert per_alert.said == "0.48 %, 95 % interval 0.23 % to 0.88 %"


@given(st.integers(1, 200), st.integers(1, 10_000))
def test_the_interval_is_that_of_clopper_and_pearson(events: int, more: int) -> None:
    found = rate(events, events + more, published=False)
    assert found.low == pytest.approx(beta.ppf(0.025, events, more + 1))
    assert found.high == pytest.approx(beta.ppf(0.975, events + 1, more))


def test_no_event_is_a_bound_and_never_nought_per_cent() -> None:
    found = rate(0, 15_505, published=True)
    assert found.high == pytest.approx(3 / 15_505, rel=0.01)
    assert found.said == "none seen in 15,505, at most 0.019 %"
    assert rate(0, 0, published=True).said == "there was none to divide by"


def test_few_events_are_not_told() -> None:
    found = rate(3, 10_000, published=True)
    assert found.events is None
    assert found.to_json()["rate"] is None
    assert found == rate(4, 10_000, published=True)
    assert found.said == "fewer than 5 in 10,000, at most 0.10 %"
    assert rate(2, 3, published=True).said == "not published, of fewer than 5"
    assert rate(3, 10_000, published=False).said.startswith("0.030 %")


@pytest.mark.parametrize(
    ("share", "said"), [(0.5, "50 %"), (0.0481, "4.8 %"), (0.00000318, "0.00032 %"), (1, "100 %"), (0, "0 %")]
)
def test_shares_have_two_digits(share: float, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ((90, 8, 0), (90, 8, 0)),
        ((90, 8, 2), (None, 8, None)),
        ((2, 8, 9), (None, 8, None)),
        ((2, 8, 0), (None, None, 0)),
        ((90, 3, 1), (90, None, None)),
    ],
)
def test_no_small_number_can_be_computed_from_the_others(
    values: tuple[int, ...], left: tuple[int | None, ...]
) -> None:
    names = (TRUE, FALSE, UNDECIDED)
    counts = tuple(Count(name, value) for name, value in zip(names, values, strict=True))
    assert tuple(each.value for each in _hidden(counts)) == left


def record(bundle: Path, folder: Path, *words: str) -> dict[str, Any]:
    register = FORCE.write_register(folder / "register.toml")
    out = folder / "record"
    assert command("oversight", "record", str(bundle), *words, register=register, out=out) == 0
    found: dict[str, Any] = json.loads((out / "record.json").read_text())
    return found


def test_the_record_in_full(clean: Clean, tmp_path: Path) -> None:
    found = record(clean.bundle, tmp_path, "--full")
    assert found["counts"]["comparisons"] == {
        "faces seen, as the cameras count": 4,
        "of them never clear enough": 1,
        "of them not sent": 0,
        "faces compared": 10,
        "results": 10,
        "faces that could not be answered": 0,
        "alerts": 10,
        "faces for each alert": 1,
    }
    assert found["counts"]["what became of alerts"] == {TRUE: 5, FALSE: 5, UNDECIDED: 0}
    assert found["counts"]["outcomes in full"] == {
        "confirmed-true": 5,
        "engaged": 5,
        "rejected": 5,
        "sent": 5,
    }
    assert found["counts"]["what followed"] == {"engagements": 5, "arrest": 5, "different-person": 5}
    assert found["counts"]["the list"]["removed while it ran"] == 1
    assert (found["falseAlertsPerFace"]["events"], found["falseAlertsPerFace"]["trials"]) == (5, 10)


def test_the_record_for_the_public(clean: Clean, tmp_path: Path) -> None:
    found = record(clean.bundle, tmp_path)
    assert found["counts"]["the list"]["removed while it ran"] is None
    assert "outcomes in full" not in found["counts"]
    rows = list(csv.reader((tmp_path / "record" / "record.csv").read_text().splitlines()))
    assert ["comparisons", "faces compared", "10", "", ""] in rows
    assert ["the list", "removed while it ran", "", "", ""] in rows
    assert {len(row) for row in rows} == {5}
    page = (tmp_path / "record" / "record.html").read_text()
    assert "not published" in page
    assert "<script" not in page
    assert ">0 %" not in page


def _as_test_subjects(records: list[Record]) -> None:
    for place, each in enumerate(records):
        if isinstance(each, Alerted):
            records[place] = each.model_copy(update={"test_subject": True})


def test_test_subjects_are_no_alerts(copy: Copy, clean: Clean, tmp_path: Path) -> None:
    _replace_log(copy, clean, tmp_path, _as_test_subjects)
    found = record(copy.bundle, tmp_path)
    assert found["counts"]["comparisons"]["alerts"] == 0
    assert found["falseAlertsPerAlert"]["said"] == "there was none to divide by"
    assert found["falseAlertsPerFace"]["said"] == "none seen in 10, at most 26 %"


def _replace_log(copy: Copy, clean: Clean, folder: Path, change: Callable[[list[Record]], None]) -> None:
    shutil.rmtree(copy.bundle / "operator-log")
    shutil.copytree(clean.deployment.operator_log(folder / "operator", change), copy.bundle / "operator-log")


@pytest.mark.parametrize("what", ["log", "operator's log", "approval"])
def test_nothing_is_counted_from_what_does_not_hold(
    copy: Copy, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if what == "log":
        tampering.rewrite(copy.bundle, lambda held: held.__delitem__(20))
    elif what == "approval":
        tampering.unsigned(tampering.paper(copy.bundle, "manifest-2"), "d.silva")
    else:
        shutil.rmtree(copy.bundle / "operator-log")
    register = FORCE.write_register(tmp_path / "register.toml")
    assert command("oversight", "record", str(copy.bundle), register=register, out=tmp_path / "record") != 0
    assert not (tmp_path / "record").exists()
    assert capsys.readouterr().err.count("Error:") == 1


def test_many_deployments_on_one_page(copy: Copy, tmp_path: Path) -> None:
    """A table, and of each the record, every check, and the bundle without what does not belong into it."""
    (copy.bundle / "operator-log" / "import.html").write_bytes(b"photographs and names")
    (copy.bundle / "import.html").write_bytes(b"photographs and names")
    register, out = FORCE.write_register(tmp_path / "register.toml"), tmp_path / "pages"
    words = ("oversight", "overview", str(copy.bundle))
    assert command(*words, "--archives", register=register, out=out) == 0
    name = Bundle.open(copy.bundle).deployment
    assert {path.name for path in (out / name).iterdir()} == {
        *("verification.html", "verification.json", "record.html", "record.csv", "record.json", "bundle.zip")
    }
    page = (out / "index.html").read_text()
    assert "nothing wrong was found in what could be checked" in " ".join(page.split())
    assert page.count("50 %, 95 % interval 19 % to 81 %") == 2
    for link in re.findall(r'href="([^"#]+)"', page):
        assert (out / link).is_file()
    assert "<script" not in page
    with zipfile.ZipFile(out / name / "bundle.zip") as held:
        assert not [each for each in held.namelist() if "import.html" in each]
        held.extractall(tmp_path / "again")
    opened = Bundle.open(tmp_path / "again" / name)
    assert Case(opened, FORCE.register).read_log() is not None
    assert command(*words, str(copy.bundle), register=register, out=tmp_path / "twice") == 1
    assert not (tmp_path / "twice").exists()


def test_a_deployment_that_does_not_verify_is_marked(copy: Copy, tmp_path: Path) -> None:
    tampering.paper(copy.bundle, "receipt-c.ruiz").unlink()
    shutil.rmtree(copy.bundle / "operator-log")
    register, out = FORCE.write_register(tmp_path / "register.toml"), tmp_path / "pages"
    assert command("oversight", "overview", str(copy.bundle), register=register, out=out) == 1
    page = " ".join((out / "index.html").read_text().split())
    assert "of 1 a check failed" in page
    assert '<tr class="failed">' in page
    assert "No record: " in page
    assert not list(out.rglob("bundle.zip"))
