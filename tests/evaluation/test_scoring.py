"""Decisions as one number, in clear and under encryption."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.evaluation.encrypted import EncryptedList, Gated
from blindwatch.evaluation.scoring import NEVER, cosines, decisions, highest, products, similarity
from blindwatch.he.presets import preset
from blindwatch.secret.keys import KeySet
from blindwatch.vision.quantise import templates

from .synthetic import faces

REVEAL = preset("reveal-128")


@given(st.integers(1, 32_000))
def test_a_fine_threshold_has_a_similarity_that_sets_it(fine: int) -> None:
    assert REVEAL.thresholds(similarity(fine, REVEAL)).fine == fine


@given(st.integers(81, 200))
def test_the_highest_threshold_of_a_coarse_score_still_has_a_gate_that_it_reaches(coarse: int) -> None:
    fine = int(highest(REVEAL)[coarse])
    assert REVEAL.thresholds(similarity(fine, REVEAL)).gate <= coarse
    if fine < REVEAL.fine_squared_norm:
        assert REVEAL.thresholds(similarity(fine + 1, REVEAL)).gate > coarse


def test_below_the_lowest_gate_nothing_matches() -> None:
    assert (highest(REVEAL)[: REVEAL.lowest_threshold] == NEVER).all()


def test_decisions_are_those_of_both_steps_at_every_threshold(rng: np.random.Generator) -> None:
    rows = templates(faces(rng, 12, 3, spread=0.8), REVEAL)
    scores = decisions(rows, REVEAL)
    coarse, fine = rows.coarse @ rows.coarse.T, rows.fine @ rows.fine.T
    for lowest in np.linspace(0.01, 1, 60):
        both = REVEAL.thresholds(lowest)
        assert np.array_equal(scores >= both.fine, (coarse >= both.gate) & (fine >= both.fine))


def test_scores_of_floats_and_of_integers_are_those_of_numpy(rng: np.random.Generator) -> None:
    rows = faces(rng, 20, 2)
    assert cosines(rows) == pytest.approx(rows @ rows.T, abs=1e-6)
    integers = templates(rows, REVEAL).fine
    assert np.array_equal(products(integers, integers), integers @ integers.T)


@pytest.mark.parametrize("gate", [81, 110])
def test_under_encryption_nothing_is_decided_otherwise(
    gate: int, keys: KeySet, rng: np.random.Generator
) -> None:
    rows = templates(faces(rng, 40, 3, spread=0.9), REVEAL)
    listed = EncryptedList(rows, REVEAL, keys)
    searched = rng.permutation(120)[:8]
    found = Gated.of(gate, searched, list(listed.search(gate, searched)))
    assert (found.tally.searches, found.tally.comparisons) == (8, 8 * 120)
    assert found.tally.different == 0
    coarse, fine = products(rows.coarse, rows.coarse)[searched], products(rows.fine, rows.fine)[searched]
    assert np.array_equal(found.scores, np.where(coarse >= gate, fine, NEVER))
    assert found.tally.released == (coarse >= gate).sum() >= 8


def test_a_decision_that_differs_is_counted(keys: KeySet, rng: np.random.Generator) -> None:
    rows = templates(faces(rng, 2, 2, spread=0.5), REVEAL)
    listed = EncryptedList(rows, REVEAL, keys)
    rows.coarse[0] = -rows.coarse[0]  # not what was encrypted
    (_, tally), *_ = listed.search(81, np.array([1]))
    assert tally.different == 1
