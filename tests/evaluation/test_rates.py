"""Rates and their intervals: published figures, closed forms, and coverage of a truth that is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from blindwatch.evaluation.identification import Searches, extrapolated
from blindwatch.evaluation.rates import Rate, clopper_pearson, clustered, independent, interval, per_cent
from blindwatch.evaluation.variance import Pairs, by_subject, of_subjects
from blindwatch.evaluation.verification import Comparisons, draws

from .synthetic import unit

RUNS = 400
NOMINAL = 0.95
TOLERANCE = 3 * np.sqrt(NOMINAL * (1 - NOMINAL) / RUNS)
"""Three standard errors: a method that covers at the nominal rate stays above in 999 of 1,000 tests."""


@pytest.mark.parametrize(
    ("trials", "shown"),
    [(3_147_436, "0.00032 % [0.00015, 0.00058]"), (2_077, "0.48 % [0.23, 0.88]")],
    ids=["of faces", "of alerts"],
)
def test_ten_false_alerts_are_shown_by_both_denominators(trials: int, shown: str) -> None:
    assert str(independent(10, trials)) == shown


@given(st.integers(0, 500), st.integers(1, 2000))
def test_intervals_are_those_of_scipy(events: int, more: int) -> None:
    trials = events + more
    exact = binomtest(events, trials).proportion_ci(NOMINAL, "exact")
    assert clopper_pearson(events, trials) == pytest.approx((exact.low, exact.high))


@given(st.integers(1, 10**7))
def test_no_event_is_shown_as_a_bound_and_never_as_zero(trials: int) -> None:
    rate = independent(0, trials)
    assert str(rate).startswith("< ")
    assert "[" not in str(rate)
    assert rate.high == pytest.approx(1 - 0.025 ** (1 / trials))
    assert rate.to_json()["value"] is None
    assert str(independent(trials, trials)).startswith("> ")


def test_nothing_but_trials_makes_a_rate() -> None:
    assert str(clustered(0, 0, 0.0, 0)) == "not measured"


@given(st.floats(1e-12, 1))
def test_shares_keep_two_digits_however_small(share: float) -> None:
    text = per_cent(share)
    assert "e" not in text
    assert float(text.removesuffix(" %")) == pytest.approx(100 * share, rel=0.051)


def test_a_lower_end_of_next_to_nothing_is_no_row_of_zeros() -> None:
    rate = clustered(1, 20_000, 2e-7, 20)
    assert 0 < rate.low < 1e-9
    assert "[< 0.00000010, " in str(rate)
    assert interval(6.2e-8, 0.01) == "[0.0000062, 1.00]"


@given(st.integers(1, 200), st.integers(1, 50), st.floats(1, 50))
def test_trials_that_depend_on_each_other_widen_the_interval(events: int, more: int, effect: float) -> None:
    trials = events + more
    share = events / trials
    plain = independent(events, trials)
    wide = clustered(events, trials, effect * share * (1 - share) / trials, subjects=trials)
    assert wide.low <= plain.low + 1e-12
    assert wide.high >= plain.high - 1e-12
    assert wide.design_effect == pytest.approx(effect, rel=1e-3)


def test_fewer_subjects_widen_it_too() -> None:
    few, many = (clustered(30, 3000, 1e-5, subjects) for subjects in (5, 500))
    assert few.high > many.high


def test_the_variance_of_pairs_is_that_of_its_definition(rng: np.random.Generator) -> None:
    photographs, searched = rng.integers(1, 5, 9), None
    subject = np.repeat(np.arange(9), photographs)
    searched = rng.random(len(subject)) < 0.6
    pairs = Pairs.of(subject, searched)
    found = [
        (subject[a], subject[b])
        for a in range(len(subject))
        for b in range(a + 1, len(subject))
        if subject[a] != subject[b] and (searched[a] or searched[b])
    ]
    hits = rng.random(len(found)) < 0.3
    rest = hits - hits.mean()
    table = np.zeros((9, 9))
    for (a, b), value in zip(found, rest, strict=True):
        table[a, b] += value
        table[b, a] += value
    expected = 9 / 8 * ((table.sum(1) ** 2).sum() - (np.triu(table) ** 2).sum()) / len(found) ** 2
    assert pairs.total == len(found)
    assert pairs.of_each().tolist() == [sum(each in pair for pair in found) for each in range(9)]
    assert pairs.variance(np.array(found)[hits]) == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), min_size=2, max_size=20))
def test_subjects_with_one_trial_each_vary_as_a_proportion_does(rows: list[tuple[int, int]]) -> None:
    events = np.array([float(min(row)) for row in rows])
    trials = np.array([float(max(row)) for row in rows])
    rest = events - events.sum() / trials.sum() * trials
    expected = len(rows) / (len(rows) - 1) * (rest**2).sum() / trials.sum() ** 2
    assert of_subjects(events, trials) == pytest.approx(expected)
    single = np.array([1.0] * 7 + [0.0] * 13)
    assert of_subjects(single, np.ones(20)) == pytest.approx(0.35 * 0.65 / 19)


def covered(rates: list[Rate], truth: float) -> float:
    return float(np.mean([rate.low <= truth <= rate.high for rate in rates]))


@pytest.mark.parametrize("deviation", [0.0, 1.0], ids=["alike", "subjects differ"])
@pytest.mark.parametrize("truth", [0.02, 0.2])
def test_intervals_over_subjects_cover_the_truth(
    rng: np.random.Generator, truth: float, deviation: float
) -> None:
    subject = np.repeat(np.arange(150), 6)
    centre = norm.ppf(truth) * np.sqrt(1 + deviation**2)
    rates = []
    for _ in range(RUNS):
        chance = norm.cdf(centre + deviation * rng.normal(size=150))
        rates.append(by_subject(rng.random(len(subject)) < chance[subject], subject))
    assert covered(rates, truth) >= NOMINAL - TOLERANCE


def of_pairs(rng: np.random.Generator, subjects: int, truth: float, deviation: float) -> Comparisons:
    """Two photographs of each; some subjects are confused more easily than others. A match scores 1."""
    subject = np.repeat(np.arange(subjects), 2)
    centre = norm.ppf(truth) * np.sqrt(1 + 2 * deviation**2)
    liable = deviation * rng.normal(size=subjects)[subject]
    latent = rng.normal(size=(2 * subjects, 2 * subjects))
    scores = latent < centre + liable[:, np.newaxis] + liable
    return Comparisons.of(scores.astype(np.float32), subject)


@pytest.mark.parametrize("deviation", [0.0, 0.5], ids=["alike", "subjects differ"])
@pytest.mark.parametrize("truth", [2e-4, 0.01])
def test_intervals_over_pairs_of_subjects_cover_the_truth(
    rng: np.random.Generator, truth: float, deviation: float
) -> None:
    rates = [of_pairs(rng, 120, truth, deviation).fmr(1) for _ in range(RUNS)]
    assert covered(rates, truth) >= NOMINAL - TOLERANCE


@pytest.mark.parametrize("entries", [1, 20])
def test_intervals_of_searches_cover_the_truth(rng: np.random.Generator, entries: int) -> None:
    """Of subjects drawn from a population whose FPIR is that of independent comparisons on average over subjects."""
    subject, rate = np.repeat(np.arange(100), 2), 2e-3
    rates = []
    for _ in range(RUNS):
        scores = (rng.random((200, 200)) < rate).astype(np.float32)
        found = Searches.of(scores, subject, np.arange(0, 200, 2)).fpir(1, entries)
        rates.append(found.basis)
    assert covered(rates, extrapolated(rate, entries)) >= NOMINAL - TOLERANCE


def test_drawing_subjects_anew_covers_the_miss_rate_at_a_false_match_rate(rng: np.random.Generator) -> None:
    """Of normal scores, for which the rate is known: the threshold is found anew in every draw."""
    runs, subjects, fmr = 150, 60, 0.01
    subject = np.repeat(np.arange(subjects), 2)
    threshold = norm.isf(fmr)
    truth = float(norm.cdf(threshold - 3))
    inside = 0
    for _ in range(runs):
        scores = rng.normal(size=(2 * subjects, 2 * subjects))
        scores[subject[:, np.newaxis] == subject] += 3
        found = Comparisons.of(scores.astype(np.float32), subject).refit(fmr, draws(subjects, 200))
        inside += found.low <= truth <= found.high
    assert inside / runs >= NOMINAL - 3 * np.sqrt(NOMINAL * (1 - NOMINAL) / runs)


def test_directions_are_of_unit_length(rng: np.random.Generator) -> None:
    assert np.linalg.norm(unit(rng.normal(size=(3, 5))), axis=1) == pytest.approx(1)
