"""Error rates of face templates, with paired intervals over people, for accuracy.py.

A score matrix has probes as rows and entries as columns. Every curve keeps who its scores belong to, so that
people can be drawn with replacement and every method can be judged on the same draws.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]
Indices = NDArray[np.int64]

MOST_PHOTOGRAPHS = 5  # of one person, lest a few much photographed ones make up the genuine pairs
KEPT_IMPOSTORS = 0.004  # the highest share, enough for an FMR of 1e-3 in every draw
NOT_RELEASED = -1.0  # below every threshold of interest


def unit(rows: Floats) -> Floats:
    """Rows of length 1."""
    units: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return units


def project(rows: Floats, projection: Floats, dimension: int) -> Floats:
    """The leading PCA coordinates, at length 1; the last row of the projection is the projected mean."""
    return unit(rows @ projection[:-1, :dimension] - projection[-1, :dimension])


@dataclass(frozen=True)
class Faces:
    """Embeddings of photographs, the person of each as a number, and who was not used to fit the PCA."""

    embeddings: Floats
    person: Indices
    unseen: NDArray[np.bool_]

    @classmethod
    def load(cls, faces: Path, seed: int) -> Faces:
        """At most five photographs of each person, without those known to be labelled wrongly."""
        sys.path.append(str(Path(__file__).parents[1] / "models" / "training"))
        part = import_module("faces").part
        with np.load(faces / "lfw_embeddings_retail_0095.npz") as stored:
            photographs = np.array([Path(name).stem for name in stored["names"]])
            rows = stored["embeddings"].astype(np.float64)
        wrong = (faces / "lfw_errata_images.txt").read_text().splitlines()
        right = ~np.isin(photographs, wrong)
        names = np.array([name.rpartition("_")[0] for name in photographs[right]])
        rng = np.random.default_rng(seed)
        kept = [
            rng.permutation(np.flatnonzero(names == name))[:MOST_PHOTOGRAPHS] for name in np.unique(names)
        ]
        rows, names = rows[right][np.concatenate(kept)], names[np.concatenate(kept)]
        unseen = np.array([part(name) != "train" for name in names])
        return cls(unit(rows), np.unique(names, return_inverse=True)[1], unseen)

    def without_training(self) -> Faces:
        """Only people whom the PCA has not seen."""
        person = np.unique(self.person[self.unseen], return_inverse=True)[1]
        return Faces(self.embeddings[self.unseen], person, self.unseen[self.unseen])


@dataclass(frozen=True)
class Curve:
    """Scores of mated and non-mated comparisons or searches; `impostor` and its people keep only the top."""

    genuine: Indices
    genuine_person: Indices
    impostor: Indices
    impostor_people: tuple[Indices, ...]
    photographs: Indices | None = None
    """Of each person, where impostors are all pairs of two people."""

    def misses(self, weights: Floats, rates: Sequence[float]) -> Floats:
        """The miss rate at these false match rates, people counting as often as their weights say.

        Between two thresholds the rate is interpolated, as if drawing lots between them: so whole-number
        scores are compared with cosines at equal rates.
        """
        impostors = np.prod([weights[people] for people in self.impostor_people], axis=0)
        total = impostors.sum()
        if self.photographs is not None:
            counts = self.photographs * weights
            total = (counts.sum() ** 2 - (counts**2).sum()) / 2
        lowest = min(self.genuine.min(), self.impostor.min())
        length = max(self.genuine.max(), self.impostor.max()) - lowest + 2
        owners = weights[self.genuine_person]
        above = np.cumsum(np.bincount(self.impostor - lowest, impostors, length)[::-1]) / total
        below = np.cumsum(np.bincount(self.genuine - lowest, owners, length))[::-1]
        missed = np.append(below[1:], 0) / owners.sum()
        found: Floats = np.interp(rates, above, missed)
        return found


@dataclass(frozen=True)
class Split:
    """One gallery with one photograph of each enrolled person; every other photograph is a probe."""

    entries: Indices
    mated: Indices
    column: Indices
    """Of the entry that shows the person of each mated probe."""
    others: Indices

    @classmethod
    def draw(cls, person: Indices, enrolled: int, seed: int) -> Split:
        """Enrol people of two photographs or more at random."""
        rng = np.random.default_rng(seed)
        chosen = rng.permutation(np.flatnonzero(np.bincount(person) > 1))[:enrolled]
        entries = np.array([rng.choice(np.flatnonzero(person == who)) for who in chosen])
        inside = np.isin(person, chosen)
        mated = np.setdiff1d(np.flatnonzero(inside), entries)
        order = np.argsort(chosen)
        column = order[np.searchsorted(chosen, person[mated], sorter=order)]
        return cls(entries, mated, column, np.flatnonzero(~inside))

    def best_of_others(self, scores: Scores) -> Scores:
        """The highest score of every probe of a person who is not enrolled."""
        best: Scores = scores[np.ix_(self.others, self.entries)].max(axis=1)
        return best


@dataclass(frozen=True)
class Trial:
    """People, galleries and draws that every method is measured on."""

    person: Indices
    splits: list[Split]
    draws: list[Floats]

    @classmethod
    def make(cls, person: Indices, enrolled: int, splits: int, draws: int, seed: int) -> Trial:
        """Several galleries, and people drawn with replacement: the first draw has everybody once."""
        people = int(person.max()) + 1
        rng = np.random.default_rng(seed)
        resamples = [np.bincount(rng.integers(0, people, people), minlength=people) for _ in range(draws)]
        weights = [np.ones(people), *(resample.astype(np.float64) for resample in resamples)]
        return cls(person, [Split.draw(person, enrolled, seed + each) for each in range(splits)], weights)

    @cached_property
    def _genuine(self) -> tuple[Indices, Indices]:
        first, second = np.nonzero(np.triu(self.person[:, np.newaxis] == self.person, 1))
        return first, second

    @cached_property
    def _of_two(self) -> NDArray[np.bool_]:
        return np.triu(self.person[:, np.newaxis] != self.person, 1)

    def verification(self, scores: Scores, step: float, rates: Sequence[float]) -> Floats:
        """FNMR at these FMRs: the first row for everybody, then one for each draw."""
        first, second = self._genuine
        values = scores[self._of_two]
        kept = int(KEPT_IMPOSTORS * values.size)
        rows, columns = np.nonzero(self._of_two & (scores >= np.partition(values, -kept)[-kept]))
        curve = Curve(
            _steps(scores[first, second], step),
            self.person[first],
            _steps(scores[rows, columns], step),
            (self.person[rows], self.person[columns]),
            np.bincount(self.person),
        )
        return np.array([curve.misses(weights, rates) for weights in self.draws])

    def identification(self, scores: Scores, step: float, rates: Sequence[float]) -> Floats:
        """FNIR at these FPIRs, the mean over the galleries: for everybody, then for each draw."""
        curves = [
            Curve(
                _steps(scores[split.mated, split.entries[split.column]], step),
                self.person[split.mated],
                _steps(split.best_of_others(scores), step),
                (self.person[split.others],),
            )
            for split in self.splits
        ]
        return np.array([np.mean([curve.misses(w, rates) for curve in curves], axis=0) for w in self.draws])

    def threshold(self, scores: Scores, rate: float) -> float:
        """The score that this share of non-mated searches reaches, over all galleries."""
        best = np.concatenate([split.best_of_others(scores) for split in self.splits])
        return float(np.quantile(best, 1 - rate))

    def passing(self, scores: Scores, threshold: float) -> float:
        """The share of non-mated searches that reach this threshold."""
        best = np.concatenate([split.best_of_others(scores) for split in self.splits])
        return float((best >= threshold).mean())


def _steps(scores: Scores, step: float) -> Indices:
    steps: Indices = np.floor(scores / step).astype(np.int64)
    return steps
