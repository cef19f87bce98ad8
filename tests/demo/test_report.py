"""What the table and the report say of a run, right or wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from blindwatch.demo import report, wording
from blindwatch.demo.outcome import Match, Noise, Outcome
from blindwatch.demo.pictures import noise
from blindwatch.demo.table import tables


def printed(outcome: Outcome) -> str:
    written = StringIO()
    console = Console(file=written, width=160)
    for each in tables(outcome):
        console.print(each)
    return written.getvalue()


def test_each_passer_by_has_the_right_verdict(outcome: Outcome, mistaken: Outcome) -> None:
    assert [each.verdict for each in outcome.sightings] == ["found", "no match", "missed"]
    assert [each.verdict for each in mistaken.sightings] == ["found", "false match", "missed"]
    assert [each.person for each in outcome.closed] == ["Dan", "Ben"]
    assert outcome.found == ("Ada",)


def test_exactness_is_of_decisions_and_of_scores(outcome: Outcome) -> None:
    assert outcome.exact
    first = outcome.sightings[0]
    other_score = replace(first, matches=(Match(outcome.entries[0], 121),))
    other_entry = replace(first, matches=(*first.matches, Match(outcome.entries[1], 3)))
    for wrong in (other_score, other_entry, replace(first, matches=())):
        assert not replace(outcome, sightings=(wrong, *outcome.sightings[1:])).exact


def test_a_score_behind_the_gate_and_below_the_threshold_is_counted_as_near(outcome: Outcome) -> None:
    second = outcome.sightings[1]
    assert outcome.near == 0
    near = replace(second, coarse_scores=np.array([5, 40, 96]))
    both = replace(outcome, sightings=(outcome.sightings[0], near, outcome.sightings[2]))
    assert both.near == 1
    assert both.exact
    assert 89 not in Noise.of(both).true


def test_the_summary_says_who_was_found_and_who_was_not(outcome: Outcome) -> None:
    text = " ".join(wording.summary(outcome))
    assert "Found: Ada (1 of 2 people on the list who passed)." in text
    assert "Not recognised by the face model in one photograph or more: Ben." in text
    assert "Nobody else was revealed: of 2 other faces" in text
    assert "Only those on the list were revealed" in wording.headline(outcome)


def test_a_false_match_is_said_aloud(mistaken: Outcome) -> None:
    text = wording.headline(mistaken) + " ".join(wording.summary(mistaken))
    assert "Nobody else was revealed" not in text
    assert "Only those on the list" not in text
    assert "The face model gave 1 false match: an entry of the list that is somebody else." in text
    assert "A false match: the passer-by is Dan." in report.render(mistaken)


def test_a_wrong_entry_beside_a_right_one_is_said_aloud(outcome: Outcome) -> None:
    first = outcome.sightings[0]
    twice = replace(first, matches=(*first.matches, Match(outcome.entries[2], 91)))
    both = replace(outcome, sightings=(twice, *outcome.sightings[1:]))
    text = " ".join(wording.summary(both))
    assert "1 false match" in text
    assert "Nobody else was revealed" in text


def test_a_wrong_result_is_not_called_exact(outcome: Outcome) -> None:
    wrong = replace(outcome, sightings=(replace(outcome.sightings[0], matches=()), *outcome.sightings[1:]))
    assert not any("Every decision" in sentence for sentence in wording.summary(wrong))
    assert any("differ" in sentence for sentence in wording.summary(wrong))


def test_the_table_shows_every_probe_and_hides_scores_of_non_matches(outcome: Outcome) -> None:
    text = printed(outcome)
    for word in ("Ada", "found", "120", "no match", "nobody", "860 kB", "494 kB", "under 1 ms"):
        assert word in text
    dan = next(line for line in text.splitlines() if line.strip().startswith("Dan"))
    assert not re.search(r"\b(40|89)\b", dan)


def test_the_noise_leaves_out_matches_and_places_without_an_entry(outcome: Outcome) -> None:
    found = Noise.of(outcome)
    assert found.true.tolist() == [3, -8, 5, 40, 89, 11, 80, 2]
    assert found.decrypted.tolist() == [
        *outcome.peeks[0].scores[1:3],
        *outcome.peeks[1].scores[:3],
        *outcome.peeks[2].scores[:3],
    ]


def test_the_meter_of_the_plot_sees_a_missing_mask(outcome: Outcome) -> None:
    true = np.random.default_rng(1).integers(-80, 80, 2000)
    assert abs(Noise(true, true % 65537).correlation) > Noise(true, true).sampling_error
    flat = Noise(true, np.random.default_rng(2).integers(0, 65537, 2000))
    assert abs(flat.correlation) < flat.sampling_error


def test_the_picture_of_a_result_has_one_pixel_for_each_number(outcome: Outcome) -> None:
    scores = np.arange(16) * 4096
    assert noise(scores)[..., 0].ravel().tolist() == [value * 255 // 65536 for value in scores]


def test_names_are_escaped(outcome: Outcome) -> None:
    name = "<script>alert(1)</script>"
    hostile = replace(outcome, sightings=(replace(outcome.sightings[1], person=name), *outcome.sightings))
    page = report.render(hostile)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_report_is_self_contained(outcome: Outcome) -> None:
    page = report.render(outcome)
    assert set(re.findall(r'(?:src|href)="([^"#]{0,10})', page)) <= {"data:image", ""}
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", page)
    assert not re.search(r"@import|<script|<link|<iframe", page)
    identifiers = re.findall(r'\bid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0.2, "under 1 ms"), (1, "1 ms"), (999, "999 ms"), (1500, "1.5 s")]
)
def test_durations(milliseconds: float, text: str) -> None:
    assert wording.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "none"), (12, "12 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (479_700, "480 kB")],
)
def test_sizes(count: int | None, text: str) -> None:
    assert wording.size(count) == text
