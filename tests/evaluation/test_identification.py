"""FPIR, FNIR and ranks: against every list there is, against closed forms, and against scikit-learn."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score

from blindwatch.evaluation.identification import Searches, extrapolated, lengths
from blindwatch.evaluation.ranking import Ranks
from blindwatch.evaluation.scoring import NEVER

seeds = st.integers(0, 2**32 - 1)


def small(seed: int, chance: float = 0.3) -> tuple[Searches, np.ndarray, np.ndarray]:
    """Seven subjects with two photographs each, of which the first is the entry; scores are 0 or 1."""
    rng = np.random.default_rng(seed)
    subject, entries = np.repeat(np.arange(7), 2), np.arange(0, 14, 2)
    scores = (rng.random((14, 14)) < chance).astype(np.float32)
    return Searches.of(scores, subject, entries), scores[:, entries], subject


@given(seeds, st.integers(1, 6))
def test_fpir_is_the_mean_over_all_lists(seed: int, entries: int) -> None:
    searches, scores, subject = small(seed)
    found = [
        scores[photograph, list(listed)].max() >= 1
        for photograph in range(14)
        for listed in combinations(np.setdiff1d(np.arange(7), subject[photograph]), entries)
    ]
    assert len(found) == 14 * comb(6, entries)
    expected = searches.fpir(1, entries)
    assert expected.is_measured
    assert expected.value == pytest.approx(np.mean(found))


@given(seeds)
def test_a_list_of_one_has_the_rate_of_comparisons(seed: int) -> None:
    searches, scores, subject = small(seed)
    others = scores[subject[:, np.newaxis] != np.arange(7)]
    found = searches.fpir(1, 1)
    assert found.basis.events == pytest.approx(others.sum())
    assert found.basis.trials == searches.comparisons == len(others)


@given(seeds)
def test_longer_lists_find_no_fewer(seed: int) -> None:
    searches, _, _ = small(seed)
    rates = [searches.fpir(1, entries).value for entries in range(1, 30)]
    for part in (rates[:6], rates[6:]):  # measured, then extrapolated
        assert all(a <= b + 1e-12 for a, b in pairwise(part))


@given(st.floats(1e-12, 0.5), st.integers(1, 100_000))
def test_extrapolation_takes_comparisons_as_independent(rate: float, entries: int) -> None:
    found = extrapolated(rate, entries)
    assert found <= min(1.0, rate * entries * (1 + 1e-9))
    assert found == pytest.approx(1 - (1 - rate) ** entries, rel=1e-3, abs=1e-12)


def test_beyond_the_data_it_is_marked_and_follows_from_single_comparisons() -> None:
    searches, _, _ = small(4)
    beyond, single = searches.fpir(1, 1000), searches.fpir(1, 1)
    assert not beyond.is_measured
    assert beyond.basis == single.basis
    assert (beyond.low, beyond.high) == tuple(extrapolated(each, 1000) for each in (single.low, single.high))


def test_without_a_false_match_there_is_a_bound() -> None:
    searches, _, _ = small(4)
    for entries in (1, 3, 6, 1000):
        found = searches.fpir(2, entries)
        assert found.value == 0
        assert 0 < found.high <= 1
    rates = [searches.fpir(2, entries).high for entries in (1, 3, 6)]
    assert rates == sorted(rates)


def test_searches_that_nobody_could_win_count_as_misses() -> None:
    subject, entries = np.array([0, 0, 1, 1, 2]), np.array([0, 2, 4])
    scores = np.ones((5, 5), np.float32)
    assert Searches.of(scores, subject, entries).fnir(1).events == 0
    found = Searches.of(scores, subject, entries, failed=[1, 2, 9])
    assert (found.fnir(1).events, found.fnir(1).trials) == (2, 4), "subject 9 has no entry"


def test_a_subject_without_an_entry_takes_no_part() -> None:
    subject, entries = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 2])
    found = Searches.of(np.ones((6, 6), np.float32), subject, entries)
    assert set(found.subject) == {0, 1}
    assert found.longest == 1


@given(seeds)
def test_searching_for_some_is_part_of_searching_for_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    subject, entries = np.repeat(np.arange(7), 2), np.arange(0, 14, 2)
    scores = rng.normal(size=(14, 14)).astype(np.float32)
    rows = np.sort(rng.permutation(14)[:6])
    every, some = Searches.of(scores, subject, entries), Searches.of(scores[rows], subject, entries, rows)
    assert np.array_equal(some.scores, every.scores[rows])
    assert set(some.mated) <= set(every.mated)


@given(seeds)
def test_ranks_are_those_of_scikit_learn_where_nothing_is_equal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    subject, listed = rng.integers(0, 6, 20), np.arange(6)
    scores = rng.normal(size=(20, 6)).astype(np.float32)
    ranks = Ranks.of(scores, subject, listed)
    for rank in (1, 2, 5):
        expected = top_k_accuracy_score(subject, scores, k=rank, labels=listed)
        assert ranks.identified(rank).value == pytest.approx(expected)
        assert ranks.curve([rank]) == [pytest.approx(expected)]


def test_equal_scores_are_ranked_before_the_right_one() -> None:
    scores = np.array([[5, 5, 1], [NEVER, NEVER, NEVER]], np.float32)
    assert Ranks.of(scores, np.array([0, 2]), np.arange(3)).rank.tolist() == [2, 3]


def test_lists_to_report_reach_what_is_measured_and_go_on() -> None:
    assert lengths(770, [500, 1000, 17_000]) == [1, 100, 770, 1000, 17_000]
    assert lengths(10, []) == [1, 10]
