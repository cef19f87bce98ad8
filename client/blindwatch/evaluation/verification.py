"""Verification in the terms of ISO/IEC 19795-1: false match rate (FMR) and false non-match rate (FNMR)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np

from blindwatch.evaluation.rates import CONFIDENCE, ENOUGH, Rate, clustered
from blindwatch.evaluation.samples import Floats, Indices
from blindwatch.evaluation.scoring import NEVER, Scores
from blindwatch.evaluation.variance import Pairs, by_subject

HIGHEST: Final = 0.05
"""The share of non-mated comparisons, those with the highest scores, whose subjects are remembered."""
_LEAST: Final = 20_000
SEED: Final = 7


@dataclass(frozen=True)
class Refit:
    """A rate at the threshold that the data set for another rate, and its interval by drawing subjects anew."""

    wanted: float
    """The rate that the threshold keeps to."""
    threshold: float
    value: float
    low: float
    high: float
    false_matches: int
    """On which the threshold rests."""


@dataclass(frozen=True)
class Comparisons:
    """The scores of mated comparisons, of one subject, and of non-mated ones, of two."""

    mated: Scores
    mated_subject: Indices
    non_mated: Scores
    """Descending."""
    top_subjects: Indices
    """The two subjects of the first non-mated scores, shape (k, 2)."""
    pairs: Pairs
    like: Self | None = None
    """What else was compared, more of whose scores are known: it tells how few false matches vary."""

    @classmethod
    def of(cls, scores: Scores, subject: Indices, rows: Indices | None = None) -> Self:
        """Every two photographs once, given their scores; only those of `rows` if not all were searched for."""
        count = len(subject)
        rows = np.arange(count) if rows is None else rows
        searched = np.zeros(count, dtype=bool)
        searched[rows] = True
        once = ~searched[np.newaxis] | (rows[:, np.newaxis] < np.arange(count))
        same = subject[rows][:, np.newaxis] == subject
        own, _ = np.nonzero(once & same)
        others = once & ~same
        first, second = np.nonzero(others)
        values = scores[others]
        order = np.argsort(-values, kind="stable")
        kept = order[: max(int(HIGHEST * len(order)), _LEAST)]
        return cls(
            mated=scores[once & same],
            mated_subject=subject[rows[own]],
            non_mated=values[order],
            top_subjects=np.stack([subject[rows[first[kept]]], subject[second[kept]]], axis=1),
            pairs=Pairs.of(subject, searched),
        )

    @cached_property
    def _ascending(self) -> Scores:
        return self.non_mated[::-1]

    def _hits(self, threshold: float) -> int:
        """How many non-mated comparisons reach the threshold."""
        return len(self.non_mated) - int(np.searchsorted(self._ascending, np.float32(threshold)))

    def fmr(self, threshold: float) -> Rate:
        """The share of non-mated comparisons that match."""
        hits, subjects, total = self._hits(threshold), self.pairs.subjects, len(self.non_mated)
        if ENOUGH <= hits <= len(self.top_subjects):
            return clustered(hits, total, self.pairs.variance(self.top_subjects[:hits]), subjects)
        # Too few false matches to see them vary, or too many to know whose they are: the nearest scores tell.
        return clustered(hits, total, 0.0, subjects, (self.like or self).design_effect(hits))

    def design_effect(self, hits: int) -> float:
        """That of the highest scores, about so many of them, but as many as it takes to see them vary."""
        finite = int((self.non_mated[: len(self.top_subjects)] > NEVER).sum())
        near = min(max(hits, ENOUGH), finite)
        if not near:
            return 1.0
        variance = self.pairs.variance(self.top_subjects[:near])
        return clustered(near, len(self.non_mated), variance, self.pairs.subjects).design_effect

    def fnmr(self, threshold: float) -> Rate:
        """The share of mated comparisons that do not match."""
        return by_subject(self.mated < np.float32(threshold), self.mated_subject)

    def threshold(self, rate: float) -> float:
        """The lowest score from which on the share of non-mated comparisons that match keeps to the rate."""
        allowed = int(np.floor(rate * len(self.non_mated) + 1e-9))
        if allowed >= len(self.non_mated):
            return float(self.non_mated[-1])
        return float(np.nextafter(self.non_mated[allowed], np.float32(np.inf)))

    def refit(self, rate: float, draws: Floats) -> Refit:
        """FNMR where FMR keeps to a rate, with the threshold found anew in each draw of the subjects."""
        threshold = self.threshold(rate)
        found = [self._refit(rate, weights) for weights in draws]
        low, high = np.quantile(found, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
        value = float((self.mated < np.float32(threshold)).mean())
        return Refit(rate, threshold, value, float(low), float(high), self._hits(threshold))

    def _refit(self, rate: float, weights: Floats) -> float:
        """FNMR if subjects count as often as these weights say."""
        first, second = self.top_subjects.T
        reached = np.cumsum(weights[first] * weights[second])
        at = int(np.searchsorted(reached, rate * self.pairs.weighted(weights), side="right"))
        highest = self.non_mated[min(at, len(reached) - 1)]
        counted = weights[self.mated_subject]
        missed = counted[self.mated <= highest]
        return float(missed.sum() / counted.sum()) if counted.sum() else 0.0

    def curve(self, rates: Sequence[float]) -> tuple[Floats, Floats, Floats]:
        """Thresholds that keep to these FMRs, with the FMR and the FNMR that they have."""
        thresholds = np.array([self.threshold(rate) for rate in rates])
        fmr = np.array([self._hits(each) / len(self.non_mated) for each in thresholds])
        ordered = np.sort(self.mated)
        fnmr = np.searchsorted(ordered, thresholds.astype(np.float32)) / len(ordered)
        return thresholds, fmr, fnmr

    @property
    def equal_error_rate(self) -> float:
        """Where FMR and FNMR are the same, between the two thresholds at which one overtakes the other."""
        candidates = np.unique(self.mated[self.mated > NEVER])
        ordered = np.sort(self.mated)
        fnmr = np.searchsorted(ordered, candidates) / len(ordered)
        fmr = 1 - np.searchsorted(self._ascending, candidates) / len(self.non_mated)
        at = int(np.argmin(np.maximum(fmr, fnmr)))
        return float((fmr[at] + fnmr[at]) / 2)


def draws(subjects: int, count: int, seed: int = SEED) -> Floats:
    """How often each subject is in samples of all subjects with replacement, shape (count, subjects)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(subjects, np.full(subjects, 1 / subjects), count).astype(np.float64)
