"""FMR, FNMR and their curves: against scikit-learn, against counting one by one, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import det_curve, roc_curve

from blindwatch.evaluation.scoring import NEVER, Scores
from blindwatch.evaluation.verification import Comparisons, draws

seeds = st.integers(0, 2**32 - 1)


def random_scores(seed: int, ties: bool) -> tuple[Scores, np.ndarray]:
    """Symmetric scores of photographs of a few subjects, rounded if many are to be equal."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(rng.integers(2, 9)), 3)
    scores = rng.normal(size=(len(subject), len(subject)))
    scores += scores.T + 2.0 * (subject[:, np.newaxis] == subject)
    return (scores.round() if ties else scores).astype(np.float32), subject


def upper(scores: Scores, subject: np.ndarray) -> tuple[Scores, np.ndarray]:
    first, second = np.triu_indices(len(subject), 1)
    return scores[first, second], subject[first] == subject[second]


@given(seeds, st.booleans())
def test_the_curve_is_that_of_scikit_learn(seed: int, ties: bool) -> None:
    scores, subject = random_scores(seed, ties)
    comparisons = Comparisons.of(scores, subject)
    values, mated = upper(scores, subject)
    fmr, tmr, thresholds = roc_curve(mated, values, drop_intermediate=False)
    for each, wrong, right in zip(thresholds[1:], fmr[1:], tmr[1:], strict=True):
        assert comparisons.fmr(each).value == pytest.approx(wrong)
        assert comparisons.fnmr(each).value == pytest.approx(1 - right)
    fpr, fnr, thresholds = det_curve(mated, values)
    for each, wrong, missed in zip(thresholds, fpr, fnr, strict=True):
        assert comparisons.fmr(each).value == pytest.approx(wrong)
        assert comparisons.fnmr(each).value == pytest.approx(missed)


@given(seeds, st.booleans(), st.floats(0, 1))
def test_a_threshold_keeps_to_its_rate_and_none_below_does(seed: int, ties: bool, rate: float) -> None:
    scores, subject = random_scores(seed, ties)
    comparisons = Comparisons.of(scores, subject)
    threshold = comparisons.threshold(rate)
    assert comparisons.fmr(threshold).value <= rate + 1e-9
    lower = comparisons.non_mated[comparisons.non_mated < np.float32(threshold)]
    if len(lower):
        assert comparisons.fmr(float(lower[0])).value > rate - 1e-9


@given(seeds)
def test_searching_for_some_counts_every_pair_of_theirs_once(seed: int) -> None:
    scores, subject = random_scores(seed, ties=False)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(subject))[: rng.integers(2, len(subject))])
    found = Comparisons.of(scores[rows], subject, rows)
    chosen = set(rows.tolist())
    pairs = [
        (a, b) for a in range(len(subject)) for b in range(a + 1, len(subject)) if a in chosen or b in chosen
    ]
    other = [scores[a, b] for a, b in pairs if subject[a] != subject[b]]
    same = [scores[a, b] for a, b in pairs if subject[a] == subject[b]]
    assert np.allclose(np.sort(found.non_mated), np.sort(other))
    assert np.allclose(np.sort(found.mated), np.sort(same))
    assert found.pairs.total == len(other)


def test_all_of_them_are_all_pairs() -> None:
    scores, subject = random_scores(5, ties=False)
    one, two = Comparisons.of(scores, subject), Comparisons.of(scores, subject, np.arange(len(subject)))
    assert (one.non_mated == two.non_mated).all()
    assert one.pairs.total == two.pairs.total == len(one.non_mated)


def test_normal_scores_have_the_rates_of_the_normal_distribution(rng: np.random.Generator) -> None:
    subject = np.repeat(np.arange(700), 2)
    scores = rng.normal(size=(1400, 1400)).astype(np.float32)
    scores[subject[:, np.newaxis] == subject] += 4
    comparisons = Comparisons.of(scores, subject)
    for fmr in (1e-2, 1e-3, 1e-4):
        threshold = comparisons.threshold(fmr)
        assert threshold == pytest.approx(norm.isf(fmr), abs=0.1)
        found = comparisons.refit(fmr, draws(700, 100))
        assert found.low <= norm.cdf(norm.isf(fmr) - 4) <= found.high
        assert found.false_matches == pytest.approx(fmr * len(comparisons.non_mated), abs=1)
    assert comparisons.equal_error_rate == pytest.approx(norm.cdf(-2), abs=0.01)


def test_the_value_of_a_refit_is_that_of_drawing_everybody_once() -> None:
    scores, subject = random_scores(3, ties=True)
    comparisons = Comparisons.of(scores, subject)
    once = np.ones((1, subject.max() + 1))
    for rate in (0.0, 0.05, 0.3, 0.9):
        found = comparisons.refit(rate, once)
        assert found.value == found.low == found.high


def test_scores_that_never_match_count_as_misses_and_never_as_matches() -> None:
    subject = np.array([0, 0, 1, 1])
    comparisons = Comparisons.of(np.full((4, 4), NEVER), subject)
    threshold = comparisons.threshold(0.0)
    assert comparisons.fmr(threshold).events == 0
    assert str(comparisons.fnmr(threshold)).startswith("> ")


@settings(max_examples=20)
@given(seeds)
def test_intervals_contain_the_rate(seed: int) -> None:
    scores, subject = random_scores(seed, ties=False)
    comparisons = Comparisons.of(scores, subject)
    for threshold in (-2.0, 0.0, 2.0, 9.0):
        for rate in (comparisons.fmr(threshold), comparisons.fnmr(threshold)):
            assert rate.low <= rate.value <= rate.high
            assert rate.low < rate.high
