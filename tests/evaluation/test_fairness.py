"""Differences between groups: a biased embedder is flagged, a balanced one is not, and the power is as stated.

The embedders are synthetic. The groups of a balanced one differ in everything but the rates: each has a corner of the
sphere to itself, so that people are confused within their group alone. That must not look like a bias.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress
from scipy.stats import binom

from blindwatch.errors import InputError
from blindwatch.evaluation import differing
from blindwatch.evaluation.fairness import Fairness, assess, decide
from blindwatch.evaluation.groups import Kind, Likeness, Partition
from blindwatch.evaluation.rates import independent
from blindwatch.evaluation.samples import Samples
from blindwatch.he.presets import preset

from .synthetic import faces, samples

REVEAL = preset("reveal-128")
THRESHOLDS = REVEAL.thresholds(0.5)
SUBJECTS, PHOTOGRAPHS = 60, 3
ALIKE = 0.75
"""How much the members of a group have in common; at this, about one comparison in 200 matches by mistake."""
SEEDS = 20


def embedder(seed: int, crowding: tuple[float, float], spread: tuple[float, float] = (0.8, 0.8)) -> Samples:
    """Two groups, each in a corner of its own."""
    rng = np.random.default_rng(seed)
    made = [
        faces(rng, SUBJECTS, PHOTOGRAPHS, spread=far, crowding=near)
        for near, far in zip(crowding, spread, strict=True)
    ]
    return samples(np.concatenate(made), PHOTOGRAPHS, colour=["blue"] * SUBJECTS + ["red"] * SUBJECTS)


def assessed(made: Samples, permutations: int = 199) -> Fairness:
    with Progress(disable=True) as display:
        decided = decide(made, REVEAL, THRESHOLDS)
        return assess(decided, REVEAL, THRESHOLDS, ["colour"], None, display, permutations=permutations)


def flagged(found: Fairness) -> set[Kind]:
    return {kind for _, kind, _ in found.differing}


def test_an_embedder_that_confuses_one_group_more_often_is_flagged_for_it() -> None:
    """With a probability of 95 % at least for each seed: all of twenty, or all but a few."""
    hits = 0
    for seed in range(SEEDS):
        found = assessed(embedder(seed, (ALIKE, 1.0)))
        hits += Kind.FMR in flagged(found)
        difference = found.comparisons[0].differences[Kind.FMR]
        assert (difference.highest, difference.lowest) == ("red", "blue")
        assert difference.ratio is None or difference.ratio > 2
    assert hits >= binom.ppf(0.001, SEEDS, 0.95)


def test_an_embedder_that_misses_one_group_more_often_is_flagged_for_that() -> None:
    hits = 0
    for seed in range(SEEDS):
        found = assessed(embedder(seed, (ALIKE, ALIKE), spread=(0.7, 0.95)))
        hits += Kind.FNMR in flagged(found)
    assert hits >= binom.ppf(0.001, SEEDS, 0.95)


def test_a_balanced_embedder_is_not_flagged() -> None:
    """Of forty seeds at most as many as a test at 5 % flags in all but one of a thousand runs."""
    wrong = sum(bool(flagged(assessed(embedder(100 + seed, (ALIKE, ALIKE))))) for seed in range(2 * SEEDS))
    assert wrong <= binom.ppf(0.999, 2 * SEEDS, 0.05)


def test_an_embedder_that_is_biased_is_not_cleared_for_want_of_data() -> None:
    found = assessed(embedder(1, (0.2, 0.2)))
    difference = found.comparisons[0].differences[Kind.FMR]
    assert difference.detectable is None or difference.detectable > 2


@pytest.mark.parametrize("base", [0.02, 0.2])
def test_the_ratio_that_is_said_to_be_detectable_is_detected_that_often(base: float) -> None:
    """Eight times in ten, by the normal approximation; three standard errors below it are allowed for."""
    subjects, runs = 400, 60
    rng = np.random.default_rng(5)
    label = np.repeat([0, 1], subjects)
    plain = independent(base * subjects, subjects)
    ratio = differing.detectable([plain, plain], differing.LEVEL)
    assert ratio is not None
    chance = np.where(label == 0, base, base * ratio)
    hits = 0
    for seed in range(runs):
        events = (rng.random(2 * subjects) < chance).astype(float)
        estimate = differing.of_trials(events, np.ones(2 * subjects), 2)
        *_, found = differing.probability(estimate, label, seed, permutations=199)
        hits += found <= differing.LEVEL
    expected = differing.POWER
    assert hits / runs >= expected - 3 * np.sqrt(expected * (1 - expected) / runs)


def test_groups_that_are_too_small_are_not_compared() -> None:
    made = faces(np.random.default_rng(3), 50, 3)
    with pytest.raises(InputError, match="no two groups"):
        assessed(samples(made, 3, colour=["blue"] * 35 + ["red"] * 15))


def test_labels_are_those_of_most_photographs() -> None:
    made = samples(faces(np.random.default_rng(3), 40, 3), 3, colour=["blue", "red"] * 20)
    made.labels["colour"][1] = "red"
    made.labels["colour"][3:5] = ""
    found = Partition.of(made, "colour")
    assert found.names == ("blue", "red")
    assert found.label.tolist() == [0, 1] * 20


def test_rates_of_groups_are_those_of_their_own_comparisons() -> None:
    made = embedder(2, (ALIKE, 1.0))
    decided = decide(made, REVEAL, THRESHOLDS, entries=50)
    group = Partition.of(made, "colour").group(1, decided)
    own = made.subject >= SUBJECTS
    matched = decided.scores[np.ix_(own, own)] >= decided.threshold
    other = made.subject[own][:, np.newaxis] != made.subject[own]
    assert group.subjects == SUBJECTS
    assert group.rates[Kind.FMR].events == np.triu(matched & other).sum()
    assert group.rates[Kind.FNMR].trials == SUBJECTS * 3
    assert group.rates[Kind.FAILURE].events == 0
    assert group.rates[Kind.FPIR].trials == SUBJECTS * 3 * (119 // 50)


def test_conditions_are_of_photographs_and_not_of_people() -> None:
    """Every third photograph is poor, so far from its subject that it is missed."""
    rng = np.random.default_rng(9)
    made = faces(rng, 40, 3, spread=0.5).reshape(40, 3, -1)
    made[:, 2] = faces(rng, 40, 1).reshape(40, -1)
    light = np.array(["good", "good", "poor"] * 40)
    people = replace(samples(made.reshape(120, -1), 3), labels={"light": light})
    decided = decide(people, REVEAL, THRESHOLDS, entries=10)
    good, poor = decided.by_condition("light")
    assert (good.name, poor.name) == ("good", "poor")
    assert (good.photographs, poor.photographs) == (80, 40)
    assert good.rates[Kind.FNIR].trials + poor.rates[Kind.FNIR].trials == 80
    assert poor.rates[Kind.FNIR].value > 0.9 > good.rates[Kind.FNIR].value
    with Progress(disable=True) as display:
        found = assess(decided, REVEAL, THRESHOLDS, [], None, display, conditions=["light"])
    assert [group.name for group in found.conditions["light"]] == ["good", "poor"]


def test_relatives_are_a_group_of_their_own() -> None:
    """Twins among strangers: the second of each pair of subjects looks like the first."""
    rng = np.random.default_rng(4)
    made = faces(rng, 60, 2, spread=0.3).reshape(30, 2, 2, -1)
    made[:, 1] = made[:, 0] + 0.02 * rng.normal(size=made[:, 1].shape)
    made /= np.linalg.norm(made, axis=-1, keepdims=True)
    family = [f"family {at // 2}" if at < 40 else "" for at in range(60)]
    people = samples(made.reshape(120, -1), 2, family=family)
    found = Likeness.of(decide(people, REVEAL, THRESHOLDS), "family")
    assert found.families == 20
    assert found.alike.trials == 20 * 4
    assert found.alike.value > 0.9 > 0.05 > found.everybody.value


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_corrects_as_its_definition_says(probabilities: list[float]) -> None:
    corrected = differing.holm(probabilities)
    count = len(probabilities)
    for at, each in enumerate(probabilities):
        smaller = [p for p in probabilities if p <= each]
        expected = max(min(1.0, (count - sorted(probabilities).index(p)) * p) for p in smaller)
        assert corrected[at] == pytest.approx(expected)


def test_the_ratio_of_a_group_without_events_is_bounded() -> None:
    few = differing.compare(["a", "b"], [independent(0, 1000), independent(40, 1000)], 0.01, 0.05)
    assert few.ratio is None
    assert few.ratio_low == pytest.approx(independent(40, 1000).low / independent(0, 1000).high)
    assert few.ratio_high is None
    none = differing.compare(["a", "b"], [independent(0, 1000), independent(0, 1000)], 1.0, 0.05)
    assert (none.ratio, none.detectable) == (None, None)


def test_intervals_of_ratios_are_those_of_katz() -> None:
    found = differing.compare(["a", "b"], [independent(20, 1000), independent(40, 1000)], 0.01, 0.05)
    spread = 1.96 * np.sqrt(0.98 / 20 + 0.96 / 40)
    assert found.ratio == 2
    assert (found.ratio_low, found.ratio_high) == pytest.approx(
        (2 / np.exp(spread), 2 * np.exp(spread)), rel=1e-4
    )
