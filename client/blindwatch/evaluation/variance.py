"""How much rates vary from one draw of the subjects to the next, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from blindwatch.evaluation.rates import Rate, clustered

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def by_subject(events: NDArray[np.bool_], subject: Indices) -> Rate:
    """The rate of trials that belong to one subject each."""
    numbers = np.unique(subject, return_inverse=True)[1]
    found, trials = (np.bincount(numbers, each).astype(np.float64) for each in (events, np.ones(len(events))))
    # Where nothing varies, all trials of a subject count as one.
    effect = float((trials**2).sum() / trials.sum()) if len(trials) else 1.0
    return clustered(int(events.sum()), len(events), of_subjects(found, trials), len(trials), effect)


def of_subjects(events: Floats, trials: Floats) -> float:
    """The variance of a rate whose trials belong to one subject each: events and trials of every subject."""
    taking_part = trials > 0
    events, trials = events[taking_part], trials[taking_part]
    count, total = len(trials), trials.sum()
    if count < 2:
        return 0.0
    rest = events - events.sum() / total * trials
    return float(count / (count - 1) * (rest**2).sum() / total**2)


@dataclass(frozen=True)
class Pairs:
    """How many pairs of photographs there are of every two subjects.

    Pairs count in which at least one photograph was searched for: all of them, unless only some were.
    """

    photographs: Floats
    """Of each subject."""
    unsearched: Floats
    """Of each subject, those that were not searched for."""

    @classmethod
    def of(cls, subject: Indices, searched: NDArray[np.bool_]) -> Self:
        """Given the subject of each photograph, and which were searched for."""
        count = int(subject.max()) + 1
        every = np.bincount(subject, minlength=count).astype(np.float64)
        return cls(every, every - np.bincount(subject[searched], minlength=count))

    @property
    def subjects(self) -> int:
        """How many subjects take part."""
        return int((self.photographs > 0).sum())

    @property
    def total(self) -> float:
        """All pairs of photographs of two subjects."""
        return float(self._over_pairs(self.photographs, self.unsearched))

    def weighted(self, weights: Floats) -> float:
        """All pairs, each as often as the weights of both subjects say."""
        return float(self._over_pairs(weights * self.photographs, weights * self.unsearched))

    def of_each(self) -> Floats:
        """The pairs that every subject takes part in."""
        every, left = self.photographs, self.unsearched
        found: Floats = every * (every.sum() - every) - left * (left.sum() - left)
        return found

    def variance(self, hits: Indices) -> float:
        """The variance of the share of pairs that are hits, given the two subjects of every hit, shape (hits, 2).

        Pairs that share a subject vary together: Aronow, Samii and Assenova, "Cluster-robust variance estimation for
        dyadic data" (2015).
        """
        total, count = self.total, self.subjects
        if count < 2 or not total:
            return 0.0
        share = len(hits) / total
        each = np.bincount(hits.ravel(), minlength=len(self.photographs)) - share * self.of_each()
        return float(count / (count - 1) * ((each**2).sum() - self._own(hits, share)) / total**2)

    def _own(self, hits: Indices, share: float) -> float:
        """The sum over pairs of subjects of the square of hits beyond what the share says."""
        every, left = self.photographs, self.unsearched
        two, times = np.unique(np.sort(hits, axis=1), axis=0, return_counts=True)
        first, second = two[:, 0], two[:, 1]
        expected = every[first] * every[second] - left[first] * left[second]
        squares = self._over_pairs(every**2, left**2) - 2 * self._over_pairs(every * left, 0 * every)
        # (ab - cd)^2 = a^2 b^2 - 2 ac bd + c^2 d^2, of which the first term took c^2 d^2 away.
        squares += 2 * self._over_pairs(left**2, 0 * left)
        return float((times**2 - 2 * share * times * expected).sum() + share**2 * squares)

    @staticmethod
    def _over_pairs(every: Floats, left: Floats) -> float:
        """The sum over pairs i < j of every_i every_j - left_i left_j."""
        whole = every.sum() ** 2 - (every**2).sum() - left.sum() ** 2 + (left**2).sum()
        return float(whole / 2)
