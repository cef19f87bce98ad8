"""The attacks: that they work where the threat model says so, and fail where it promises that they do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from blindwatch.errors import InputError
from blindwatch.evaluation import attack_report, boundary
from blindwatch.evaluation.attacks import ANSWERS, LEARNED, Attacks, Attempt, Searched
from blindwatch.evaluation.boundary import Attacker, Entry, Silent
from blindwatch.evaluation.budgets import MOST, budgets
from blindwatch.evaluation.compromise import COMPROMISES
from blindwatch.evaluation.ranked import rank_templates
from blindwatch.evaluation.recovery import COUNTS, KNOWN, Leak, Mode, Prior, Targets, recover
from blindwatch.evaluation.samples import Samples
from blindwatch.he.presets import PLAIN_MODULUS, preset
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.policy.profile import profiles
from blindwatch.vision.quantise import templates

from .synthetic import faces, samples, unit

REVEAL = preset("reveal-128")
THRESHOLDS = REVEAL.thresholds(0.45)


@pytest.fixture(scope="module")
def crowd() -> Samples:
    """People of whom some are confused, of two photographs each."""
    return samples(faces(np.random.default_rng(3), 230, 2, spread=0.6, crowding=0.6), 2)


@pytest.fixture(scope="module")
def found(crowd: Samples) -> Attacks:
    """All attacks on four faces and four entries, with real ciphertexts."""
    with Progress(disable=True) as display:
        return Attempt(crowd, REVEAL, THRESHOLDS, 4, 5, display).run()


def test_ranked_search_gives_faces_away(found: Attacks) -> None:
    (ranked,) = (each for each in found.scored if each.mode is Mode.RANKED)
    assert np.array_equal(ranked.leak.seen, ranked.leak.true)
    assert ranked.leak.correlation == pytest.approx(1)
    enough = ranked.enough(1.0)
    assert enough is not None
    assert enough <= 64, "with what faces are like, half as many scores as dimensions are more than enough"
    exact = next(step for step in ranked.steps if step.scores == 128)
    assert exact.cosine > 0.99
    assert exact.same.value == 1


def test_reveal_on_match_does_not(found: Attacks) -> None:
    """What decrypts is worth as much as numbers drawn at random; these people are alike, so guesses are near."""
    (reveal,) = (each for each in found.scored if each.mode is Mode.REVEAL)
    numbers = reveal.leak.seen.size
    assert numbers == 4 * KNOWN
    assert abs(reveal.leak.correlation) < 5 / np.sqrt(numbers), "one chance in a million"
    drawn = np.random.default_rng(2).integers(-PLAIN_MODULUS // 2, PLAIN_MODULUS // 2, reveal.leak.seen.shape)
    blind = list(recover(replace(reveal.leak, seen=drawn), found.targets))
    assert [step.scores for step in reveal.steps] == [step.scores for step in blind] == list(COUNTS)
    for step, guess in zip(reveal.steps, blind, strict=True):
        assert abs(step.cosine - guess.cosine) < 5 * np.sqrt(2 / (4 * REVEAL.dimension))
    assert max(step.cosine for step in reveal.steps) < 0.6


def test_recovery_needs_what_is_seen_to_be_the_scores(crowd: Samples) -> None:
    """The same equations with the scores of somebody else give somebody else."""
    targets = Targets.of(crowd, REVEAL, THRESHOLDS, 6, 1)
    ranked = rank_preset("rank-128")
    known, sought = rank_templates(targets.known, ranked), rank_templates(targets.faces, ranked)
    true = sought @ known.T
    right = list(recover(Leak(true, true, known), targets))[-1]
    wrong = list(recover(Leak(np.roll(true, 1, axis=0), true, known), targets))[-1]
    assert right.same.value == 1
    assert wrong.same.value < 0.5


def test_nobody_on_the_list_matches_who_is_attacked(crowd: Samples) -> None:
    targets = Targets.of(crowd, REVEAL, THRESHOLDS, 6, 1)
    known, sought = templates(targets.known, REVEAL), templates(targets.faces, REVEAL)
    assert len(targets.known) == KNOWN
    assert (known.coarse @ sought.coarse.T).max() < THRESHOLDS.gate
    assert 0 < targets.genuine.value <= 1


def test_too_few_subjects_are_refused() -> None:
    with pytest.raises(InputError, match="too few subjects"):
        Targets.of(samples(faces(np.random.default_rng(1), 50, 2), 2), REVEAL, THRESHOLDS, 4, 1)


def attacked(seed: int, cosine: float) -> tuple[Entry, Attacker]:
    """An entry, and an attacker with a face that is as near to it as this."""
    rng = np.random.default_rng(seed)
    entry, other = unit(rng.normal(size=(2, 128)))
    across = unit(other - (other @ entry) * entry)
    start = cosine * entry + np.sqrt(1 - cosine**2) * across
    rows = templates(np.stack([entry, start]), REVEAL)
    attacker = Attacker(REVEAL, THRESHOLDS, rows.coarse[1], rows.fine[1])
    return Entry(rows.coarse[0], rows.fine[0], THRESHOLDS), attacker


@pytest.mark.parametrize("seed", range(5))
def test_boundary_search_learns_an_entry_from_accept_and_reject_alone(seed: int) -> None:
    entry, attacker = attacked(seed, 0.55)
    course = list(attacker.by_decisions(entry, np.random.default_rng(seed)))
    assert course[0].cosine == pytest.approx(0.55, abs=0.02)
    assert course[-1].cosine > LEARNED
    assert course[-1].queries == entry.queries < 2000
    assert course[-1].alerts == entry.alerts > 300, "an operator sees hundreds of alerts about one entry"


@pytest.mark.parametrize("seed", range(5))
def test_with_scores_it_takes_a_tenth_of_that(seed: int) -> None:
    entry, attacker = attacked(seed, 0.55)
    course = list(attacker.by_scores(entry, np.random.default_rng(seed)))
    assert course[-1].cosine > 0.999
    assert entry.queries < 260


PRIOR = Prior(np.zeros(128), np.diag(np.linspace(1.5, 0.5, 128)) * REVEAL.fine_squared_norm / 128)
"""Faces that differ more in some directions than in others."""


def test_who_saves_alerts_learns_by_one_for_each_equation_and_asks_more() -> None:
    entry, attacker = attacked(2, 0.55)
    course = list(attacker.by_few_alerts(entry, PRIOR))
    assert entry.alerts <= 129, "one for each dimension, and one for the probe to start from"
    assert entry.queries > 2000
    assert course[-1].cosine > 0.85
    again, decided = attacked(2, 0.55)
    others = Searched("accept or reject", [list(decided.by_decisions(again, np.random.default_rng(2)))])
    assert Searched("sparing", [course]).cosine(math.inf, 60) > others.cosine(math.inf, 60) + 0.1


@pytest.mark.parametrize("most", [1, 20])
def test_an_entry_that_has_fallen_silent_teaches_nothing_more(most: int) -> None:
    for attack in (lambda who, entry: who.by_decisions(entry, np.random.default_rng(1)), _sparing):
        entry, attacker = attacked(1, 0.55)
        limited = Entry(entry._coarse, entry._fine, THRESHOLDS, most)
        course = list(attack(attacker, limited))
        assert course[-1].alerts <= limited.alerts == most
        assert course[-1].cosine < 0.8 < LEARNED
        with pytest.raises(Silent):
            limited.accepts(attacker.coarse, attacker.fine)
        whole = list(attack(attacker, entry))
        within = [step.cosine for step in whole if step.alerts <= most]
        assert max(step.cosine for step in course) >= max(within)


def _sparing(attacker: Attacker, entry: Entry) -> Iterator[boundary.Progress]:
    return attacker.by_few_alerts(entry, PRIOR)


def test_a_limit_on_alerts_stops_it_where_a_budget_of_probes_cannot(found: Attacks) -> None:
    rules = {each.name: each for each in found.budgets}
    (met,) = budgets(replace(found, budgets=[rules["uk-met"]]))
    assert met.stops
    assert met.nearest < LEARNED
    assert met.alerts is not None
    assert met.alerts > ANSWERS * (met.profile.alerts_per_entry or 0)
    (most,) = {each.alerts_per_entry for each in found.budgets} - {None}
    assert most is not None
    for tried in found.limited[most]:
        assert tried.learned == 0
        assert all(course[-1].alerts <= ANSWERS * most for course in tried.courses)


def test_a_query_budget_below_what_it_takes_stops_it(found: Attacks) -> None:
    decisions = found.searched[0]
    assert decisions.soonest is not None
    assert decisions.cosine(decisions.soonest / 2) < LEARNED < decisions.cosine(10**6) + 0.05
    assert decisions.soonest > 800
    budgets = {each.name: each for each in found.budgets}
    tight = replace(found, budgets=[budgets["oifr"].model_copy(update={"probes_per_deployment": 500})])
    wide = replace(found, budgets=[budgets["oifr"].model_copy(update={"probes_per_deployment": 100_000})])
    assert "whose limits stop the attack on their deployments: oifr." in " ".join(
        attack_report.report(tight).summary
    )
    assert "The limits of oifr do not stop" in " ".join(attack_report.report(wide).warnings)


def test_what_is_reached_within_a_budget_is_told(found: Attacks) -> None:
    decisions, sparing, scored = found.searched[0], found.searched[1], found.scored[0]
    for each in budgets(found):
        allowed, most = each.profile.probes_per_deployment, each.profile.alerts_per_entry
        assert each.stops == (each.takes is None or allowed < each.takes or most is not None)
        if each.attack == "boundary search":
            assert each.takes == decisions.soonest
            tried = (decisions, sparing) if most is None else found.limited[most]
            assert each.nearest == max(by.cosine(allowed) for by in tried)
        else:
            assert scored.mode is Mode.RANKED
            reached = [step.cosine for step in scored.steps if step.scores <= allowed]
            assert each.nearest == max(reached)
            assert each.takes == scored.enough(MOST)


def test_an_entry_that_does_not_answer_teaches_nothing() -> None:
    entry, attacker = attacked(1, 0.2)
    with pytest.raises(InputError, match="does not match"):
        list(attacker.by_decisions(entry, np.random.default_rng(1)))


def test_ciphertexts_of_one_face_are_not_linked(found: Attacks) -> None:
    assert [each.where for each in found.linked] == ["in one deployment", "in two deployments"]
    for each in found.linked:
        assert abs(each.area - 0.5) < 2.5 * (each.high - each.low) / 2, "one chance in a million"


def test_encryption_costs_no_accuracy(found: Attacks) -> None:
    assert found.accuracy.different == 0
    assert found.accuracy.searches == 8
    assert found.accuracy.released >= 8


def test_what_is_never_learned_has_no_number_of_queries() -> None:
    course = [boundary.Progress(10, 5, 0.4), boundary.Progress(20, 9, 0.5)]
    searched = Searched("accept or reject", [course])
    assert searched.queries == searched.alerts == [None]
    assert searched.soonest is None
    assert (searched.cosine(5), searched.cosine(15), searched.cosine(1000)) == (0.4, 0.4, 0.5)


def test_every_compromise_of_the_threat_model_is_in_the_table(repo: Path) -> None:
    text = (repo / "threat-model" / "README.md").read_text(encoding="utf-8")
    part = text.partition("## What a compromise surrenders")[2].partition("\n## ")[0]
    told = [
        line.removeprefix("**").partition(".**")[0] for line in part.splitlines() if line.startswith("**")
    ]
    assert len(told) >= 8
    listed = " / ".join(each.part for each in COMPROMISES).lower()
    names = {name.split(" (")[0].split("'")[0].split()[-1].lower() for name in told}
    assert {name for name in names if name not in listed} <= {"token", "off"}


def test_the_threat_model_has_the_table_and_the_figures_of_the_recorded_run(repo: Path) -> None:
    text = (repo / "threat-model" / "attacks.md").read_text(encoding="utf-8")
    assert f"<!-- begin compromise -->\n{attack_report.compromises().to_markdown()}\n<!--" in text
    page = (repo / "docs" / "evaluation.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    enough = next(row[1] for row in rows if row[0] == "ranked search" and row[3].startswith("> "))
    assert f"{enough} scores of one face" in text
    decisions, scores = (
        next(row for row in rows if row[0] == what) for what in ("accept or reject", "scores of matches")
    )
    assert f"in {decisions[3]} probes, of which {decisions[4]} raise an alert" in text
    assert f"at a cosine of {decisions[7]}" in text
    assert f"in {scores[3]} probes for {scores[2]} of {scores[1]} entries" in text
    limits = next(at for at, row in enumerate(rows) if row[0] == "profile" and row[-1] == "stopped")
    stopped = {row[0]: row[-1] for row in rows[limits + 2 : limits + 8]}
    assert stopped == {name: "NO" if name == "rfr" else "yes" for name in profiles()}
    sparing = next(row for row in rows if row[0] == "accept or reject, sparing alerts")
    assert f"in {sparing[3]} probes, of which {sparing[4]} raise an alert" in text
    met = next(row for row in rows[limits:] if row[0] == "uk-met")
    assert f"stops it at a cosine of {met[7]}" in text
