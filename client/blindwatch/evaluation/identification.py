"""Open-set identification in the terms of ISO/IEC 19795-1: searches on lists that have the right entry, or lack it.

One photograph of each subject is an entry. A non-mated search compares a photograph with entries of others, of whom
there are N = subjects - 1. On a list of L of these, drawn at random, a photograph that k of the N match is found with
a probability of 1 - C(N - k, L) / C(N, L): that is the mean over all lists, without drawing any. So the
false-positive identification rate (FPIR) is measured for every L up to N. For longer lists it is extrapolated from
the rate of single comparisons, as 1 - (1 - FMR)^L. That takes comparisons of one photograph with different entries
as independent; where some faces are confused more easily than others it says too much, by Jensen's inequality.

A search for somebody on the list misses when their own entry does not match (FNIR), however long the list is.
Photographs without a face count as misses there, and are no trials of FPIR, which is that of faces that were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.special import gammaln

from blindwatch.evaluation.rates import ENOUGH, Rate, clustered
from blindwatch.evaluation.samples import Flags, Floats, Indices
from blindwatch.evaluation.scoring import NEVER, Scores
from blindwatch.evaluation.variance import by_subject

ASSUMPTION: Final = (
    "comparisons of one photograph with different entries are independent, and people before the camera and on "
    "the list are drawn as the subjects here were"
)


@dataclass(frozen=True)
class Expected:
    """FPIR on lists of one length, with its interval."""

    entries: int
    value: float
    low: float
    high: float
    basis: Rate
    """What it follows from: the rate of searches on such lists or, extrapolated, that of single comparisons."""
    is_measured: bool


@dataclass(frozen=True)
class Searches:
    """The scores of all searches, of one kind of score."""

    scores: Scores
    """Of every photograph with every entry, shape (photographs, entries); NEVER with the entry of its own subject."""
    subject: Indices
    """Of each photograph."""
    entry_subject: Indices
    mated: Scores
    """Of photographs that are no entry with the entry of their subject; NEVER where no face was found."""
    mated_subject: Indices
    like: Self | None = None
    """What else was searched, more of whose scores are known: it tells how few false positives vary."""

    @classmethod
    def of(
        cls,
        scores: Scores,
        subject: Indices,
        entries: Indices,
        rows: Indices | None = None,
        failed: Sequence[int] = (),
    ) -> Self:
        """Searches for the photographs in `rows`, given their scores with all photographs.

        Subjects without an entry take no part. `failed` are the subjects of photographs without a face.
        """
        rows = np.arange(len(subject)) if rows is None else rows
        listed = np.isin(subject[rows], subject[entries])
        rows, scores = rows[listed], scores[listed][:, entries]
        own = subject[rows][:, np.newaxis] == subject[entries]
        probes = ~np.isin(rows, entries)
        missed = np.array([each for each in failed if each in set(subject[entries])], np.int64)
        return cls(
            scores=np.where(own, NEVER, scores),
            subject=subject[rows],
            entry_subject=subject[entries],
            mated=np.concatenate([scores[probes][own[probes]], np.full(len(missed), NEVER)]),
            mated_subject=np.concatenate([subject[rows[probes]], missed]),
        )

    @property
    def longest(self) -> int:
        """The longest list for which FPIR is measured."""
        return len(self.entry_subject) - 1

    @property
    def comparisons(self) -> int:
        """Non-mated comparisons, of photographs with entries of others."""
        return len(self.subject) * self.longest

    def fnir(self, threshold: float) -> Rate:
        """The share of searches for somebody on the list that do not find them."""
        return by_subject(self.mated < np.float32(threshold), self.mated_subject)

    def fpir(self, threshold: float, entries: int) -> Expected:
        """The share of searches for somebody who is not on the list that find somebody."""
        hits = self.scores >= np.float32(threshold)
        if entries <= self.longest:
            rate = self._measured(hits, entries)
            return Expected(entries, rate.value, rate.low, rate.high, rate, is_measured=True)
        rate = self._measured(hits, 1)
        value, low, high = (extrapolated(each, entries) for each in (rate.value, rate.low, rate.high))
        return Expected(entries, value, low, high, rate, is_measured=False)

    def threshold(self, rate: float, entries: int) -> float:
        """The lowest score from which on FPIR on lists of this length keeps to the rate."""
        above = np.nextafter(np.unique(self.scores), np.float32(np.inf))
        low, high = 0, len(above) - 1
        while low < high:
            middle = (low + high) // 2
            if self.curve(above[middle : middle + 1].astype(np.float64), entries)[0] <= rate:
                high = middle
            else:
                low = middle + 1
        return float(above[low])

    def curve(self, thresholds: Floats, entries: int) -> Floats:
        """FPIR on lists of this length for each threshold."""
        found = []
        for each in thresholds:
            matching = (self.scores >= np.float32(each)).sum(axis=1)
            if entries <= self.longest:
                found.append(found_on(matching, self.longest, entries).mean())
            else:
                found.append(extrapolated(float(matching.mean()) / self.longest, entries))
        return np.array(found)

    def _measured(self, hits: Flags, entries: int) -> Rate:
        """FPIR given which comparisons match. As many lists count as trials as have no entry in common."""
        rate = self._varying(hits, entries)
        if hits.sum() >= ENOUGH:
            return rate
        effect = (self.like or self).design_effect(entries)
        return clustered(rate.events, rate.trials, 0.0, len(self.entry_subject), effect)

    def design_effect(self, entries: int) -> float:
        """That of the highest scores, as many as it takes to see them vary."""
        finite = self.scores[self.scores > NEVER]
        if not finite.size:
            return 1.0
        near = np.partition(finite, -min(ENOUGH, finite.size))[-min(ENOUGH, finite.size)]
        return self._varying(self.scores >= near, entries).design_effect

    def _varying(self, hits: Flags, entries: int) -> Rate:
        matching = hits.sum(axis=1)
        share = float(found_on(matching, self.longest, entries).mean())
        trials = len(self.subject) * (self.longest // entries)
        variance = self._jackknife(hits, matching, entries)
        return clustered(share * trials, trials, variance, len(self.entry_subject))

    def _jackknife(self, hits: Flags, matching: Indices, entries: int) -> float:
        """The variance of FPIR, by leaving out each subject, who is before the camera and on the list alike."""
        count, others = int(self.entry_subject.max()) + 1, self.longest - 1
        shorter = min(entries, others)
        without = found_on(matching, others, shorter)
        row, column = np.nonzero(hits)
        fewer = found_on(matching[row] - 1, others, shorter) - without[row]
        gone = np.bincount(self.subject, without, count)
        change = np.bincount(self.entry_subject[column], fewer, count) - gone
        left = len(self.subject) - np.bincount(self.subject, minlength=count)
        estimates = ((without.sum() + change) / left)[self.entry_subject]
        return float((len(estimates) - 1) * estimates.var())


def extrapolated(rate: float, entries: int) -> float:
    """FPIR on a list of this length, if comparisons match at this rate independently."""
    return float(-np.expm1(entries * np.log1p(-rate))) if rate < 1 else 1.0


def found_on(matching: Indices, others: int, entries: int) -> Floats:
    """The chance that a list of some of the others has one of those that match, for each number of these."""
    numbers, places = np.unique(np.minimum(matching, others), return_inverse=True)
    rest = others - numbers
    spared = gammaln(rest + 1) - gammaln(np.maximum(rest - entries, 0) + 1)
    every = gammaln(others + 1) - gammaln(others - entries + 1)
    found: Floats = -np.expm1(np.where(rest >= entries, spared - every, -np.inf))[places]
    return found


def lengths(longest: int, wanted: Sequence[int]) -> list[int]:
    """Lists to report: 1, 100, 10,000 and the longest that is measured, then those to extrapolate to."""
    powers = [100**power for power in range(3) if 100**power < longest]
    return [*powers, longest, *(each for each in wanted if each > longest)]
