"""The demonstration itself, run for real: what it says, and what it leaves behind."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from .conftest import Run


class Page(HTMLParser):
    """The cells of the last table of the report, and all headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.headings: list[str] = []
        self._into: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.rows = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self._into = self.rows[-1]
        elif tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


@pytest.fixture
def probes(run: Run) -> list[dict[str, str]]:
    head, *rows = Page(run.report.read_text(encoding="utf-8")).rows
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_every_decision_and_score_is_that_of_the_templates_in_clear(run: Run) -> None:
    assert "Every decision and every score is the one that the templates give in clear." in run.printed


def test_somebody_is_found_by_the_right_entry_and_the_others_are_seen_by_nobody(
    run: Run, probes: list[dict[str, str]]
) -> None:
    assert len(probes) == 16
    found = [each for each in probes if each["Decision"] == "found"]
    assert "Astronaut" in {each["Passer-by"] for each in found}
    assert all(each["Entry"] == each["Passer-by"] for each in found)
    for each in probes:
        revealed = each["Decision"] in {"found", "false match"}
        assert each["Who could see it"] == ("operator" if revealed else "nobody")
        assert (each["Score"] == "hidden") != revealed


def test_nobody_on_the_built_in_photographs_is_taken_for_another(run: Run) -> None:
    assert "false match" not in run.printed


def test_results_have_one_size_whether_they_match_or_not(probes: list[dict[str, str]]) -> None:
    sizes = [float(each["Result"].split()[0]) for each in probes]
    assert max(sizes) - min(sizes) <= 0.01 * max(sizes)


def test_the_correlation_of_decrypted_numbers_with_true_scores_is_that_of_chance(run: Run) -> None:
    text = run.report.read_text(encoding="utf-8").replace("\u2212", "-")
    said = re.search(r"scores is ([+-][\d.]+);.*?&#177;([\d.]+\d)", text, re.DOTALL)
    assert said is not None
    value, allowed = map(float, said.groups())
    # Three standard deviations are passed by chance once in 370 runs, five never.
    assert abs(value) < allowed * 5 / 3


def test_the_table_on_the_terminal_is_not_cut(run: Run) -> None:
    assert "…" not in run.printed
    for word in ("Passer-by", "Decision", "Score", "Seen by", "Operator", "Report: blindwatch-demo"):
        assert word in run.printed


def test_it_leaves_the_report_and_nothing_else(run: Run) -> None:
    left = [path.relative_to(run.folder) for path in run.folder.rglob("*") if path.is_file()]
    assert left == [Path("blindwatch-demo/report.html")]
    assert not [path for path in run.temporary.rglob("*") if path.name.startswith("blindwatch-")]


def test_headings_have_no_gaps(run: Run) -> None:
    headings = Page(run.report.read_text(encoding="utf-8")).headings
    assert headings.count("h1") == 1
    levels = [int(heading[1]) for heading in headings]
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.photographs
def test_it_runs_on_a_folder_of_people(faces_dir: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "blindwatch.cli.main", "demo", "--people", "4"),
            *("--faces", str(faces_dir / "lfw"), "--out", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Every decision and every score is the one that the templates give in clear." in done.stdout
    assert (tmp_path / "report.html").is_file()


def test_a_folder_without_people_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "blindwatch.cli.main", "demo", "--faces", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "Error: The folder does not have enough people" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
