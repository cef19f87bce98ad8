"""A calibrated threshold in a manifest: drawn up with it, approved by those who have it, refused where wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.deployment.prediction import Basis, calibrated
from blindwatch.errors import ConfigurationError, StatementMismatch

from ..people import Force
from .papers import Papers, model
from .points import SIMILARITY, text

FORCE = Force("uk-met")


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    made = Papers(tmp_path, FORCE, similarity=SIMILARITY).write()
    (tmp_path / "point.toml").write_text(text())
    made.write_draft(operating_point='"point.toml"')
    return made


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    def said() -> str:
        printed = capsys.readouterr()
        return " ".join((printed.out + printed.err).replace("│", " ").split())

    return said


def test_the_manifest_names_it_and_promises_what_follows_from_it(papers: Papers, said: Any) -> None:
    assert papers.draft() == 0
    shown = said()
    point = OperatingPoint.load(papers.folder / "point.toml")
    for part in (
        point.digest[:16],
        "our own [people]",
        "FPIR 0.0009 (0.0004 to 0.002), extrapolated",
        Basis.CALIBRATED.value,
    ):
        assert part in shown
    content = papers.content
    assert content.operating_point == point.digest
    assert content.predicted.false_match_rate == 4e-4
    assert content.predicted.false_alerts_per_1000 == pytest.approx(0.4)
    assert papers.ask("show") == 0
    assert f"Operating point {point.digest[:16]}" in said()


def test_nobody_approves_it_without_having_it(papers: Papers, said: Any) -> None:
    assert papers.draft() == 0
    assert papers.approve() == 1
    assert "follow from an operating point" in said()
    (papers.folder / "other.toml").write_text(text(rate=1e-6, rate_95=[1e-7, 1e-5]))
    assert papers.approve(operating_point=papers.folder / "other.toml") == 1
    assert "are not those of this operating point" in said()
    assert papers.approve(operating_point=papers.folder / "point.toml") == 0
    assert "Approved." in said()


def test_one_that_the_manifest_does_not_name_is_refused(papers: Papers, said: Any) -> None:
    papers.write_draft()
    assert papers.draft(acknowledge="Nobody has calibrated it") == 0
    assert papers.content.operating_point is None
    assert papers.approve(operating_point=papers.folder / "point.toml") == 1
    assert "are not those of this operating point" in said()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model": f'"{"ab" * 32}"'}, "another model"),
        ({"preset": '"reveal-128"'}, "another preset"),
        ({"similarity": 0.56, "gate": 104, "fine": 17_920}, "another threshold than the operating point"),
        ({"gate": 90}, "other integers than its similarity"),
        ({"version": 2}, "field 'version'"),
        ({"rate": 2.0}, "field 'measured.false_match_rate'"),
        ({"more": "unheard_of = 1"}, "field 'unheard_of'"),
        ({"more": f'digest = "{"ab" * 32}"'}, "is not a TOML file"),
        ({"fpir": ""}, "is not a TOML file"),
    ],
)
def test_what_does_not_fit_is_refused(
    papers: Papers, said: Any, changes: dict[str, Any], complaint: str
) -> None:
    (papers.folder / "point.toml").write_text(text(**changes))
    assert papers.draft() == 1
    assert complaint in said()
    assert not papers.manifest.exists()


def test_a_shortfall_is_shown_to_whoever_signs(papers: Papers, said: Any) -> None:
    (papers.folder / "point.toml").write_text(text(needed=5_000_000))
    assert papers.draft() == 0
    shown = said()
    assert "it would take 5,000,000" in shown
    assert "too few false matches to be called measured" in shown


def test_without_a_false_match_the_end_of_the_interval_counts() -> None:
    point = OperatingPoint.read(text(false_matches=0, rate=0.0, rate_95=[0.0, 3e-5]).encode())
    found = calibrated(point, 1000)
    assert (found.rate, found.basis) == (3e-5, Basis.NONE_SEEN)


def test_a_longer_list_than_it_was_made_for_is_promised_more() -> None:
    point = OperatingPoint.read(text().encode())
    assert calibrated(point, 16_231).expected > calibrated(point, 1000).expected > 0


def test_it_is_not_for_ranked_search(tmp_path: Path) -> None:
    point = OperatingPoint.read(text().encode())
    with pytest.raises(StatementMismatch, match="another preset"):
        point.check(model(), "rank-128", point.threshold)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        OperatingPoint.load(tmp_path / "nothing.toml")
