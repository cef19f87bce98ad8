"""Encrypted decisions and scores are those of the integers in clear, for every pair of a run on photographs."""

from __future__ import annotations

import numpy as np

from blindwatch.he.presets import PLAIN_MODULUS

from .conftest import ENROLLED, KNOWN, STRANGERS, Evidence


def test_every_decision_and_every_released_score_is_that_of_the_integers(evidence: Evidence) -> None:
    assert len(evidence.names) >= ENROLLED
    assert len(evidence.answers) >= KNOWN + STRANGERS
    for answer in evidence.answers:
        released = answer.coarse_scores >= evidence.thresholds.gate
        matching = released & (answer.fine_scores >= evidence.thresholds.fine)
        expected = {int(entry): int(answer.fine_scores[entry]) for entry in np.flatnonzero(matching)}
        assert {match.entry: match.score for match in answer.matches} == expected
        assert np.array_equal(answer.indicators == 0, released)
        assert np.array_equal(answer.values[released], answer.fine_scores[released] % PLAIN_MODULUS)


def test_some_pairs_pass_the_gate_and_are_dropped_by_the_fine_score(evidence: Evidence) -> None:
    gate, threshold = evidence.thresholds.gate, evidence.thresholds.fine
    near = [
        ((each.coarse_scores >= gate) & (each.fine_scores < threshold)).sum() for each in evidence.answers
    ]
    assert sum(near) > 0


def test_the_run_found_people_and_left_strangers_alone(evidence: Evidence) -> None:
    # Not a claim on accuracy: a run that matched nobody, or everybody, would prove nothing about exactness.
    right = [
        any(evidence.names[match.entry] == answer.person for match in answer.matches)
        for answer in evidence.answers
        if answer.person in evidence.names
    ]
    wrong = [bool(answer.matches) for answer in evidence.answers if answer.person not in evidence.names]
    assert np.mean(right) > 0.7
    assert np.mean(wrong) < 0.2
