"""Choosing the threshold of a deployment: the lowest that keeps to an FPIR on a list of some length.

Up to the number of other subjects in the data, FPIR is measured on lists of that very length. Beyond, it is
extrapolated, as `identification` says. Either way a rate is called measured from 30 false matches on; the data fall
short if it takes more comparisons than they have to expect as many at the wanted rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, expm1, log1p
from typing import Self

import numpy as np

from blindwatch.evaluation.identification import Expected, Searches
from blindwatch.evaluation.rates import ENOUGH, Rate
from blindwatch.evaluation.samples import Samples
from blindwatch.evaluation.scoring import decisions, similarity
from blindwatch.he.presets import Preset, Thresholds
from blindwatch.vision.quantise import templates


@dataclass(frozen=True)
class Shortfall:
    """The data cannot support what is wanted."""

    comparisons: int
    """There are so many, of two people."""
    needed: int
    """For as many false matches as it takes to call a rate measured."""
    false_matches: int
    """Seen at the threshold that was chosen."""

    def __str__(self) -> str:
        return (
            f"The data cannot support this threshold: it rests on {self.false_matches:,} false matches. It "
            f"would take {self.needed:,} comparisons of two people; there are {self.comparisons:,}."
        )


@dataclass(frozen=True)
class Calibration:
    """A threshold, why, and what to expect of it."""

    wanted: float
    entries: int
    similarity: float
    thresholds: Thresholds
    fpir: Expected
    fnir: Rate
    single: Rate
    """Of single comparisons of two people: the FMR."""
    needed: int

    @property
    def shortfall(self) -> Shortfall | None:
        """What is missing, if the data fall short."""
        if self.single.trials >= self.needed:
            return None
        return Shortfall(self.single.trials, self.needed, round(self.single.events))

    @property
    def keeps(self) -> bool:
        """Whether the wanted FPIR is kept to, or the best that the data can say is a bound above it."""
        return (self.fpir.value or self.fpir.high) <= self.wanted


@dataclass(frozen=True)
class Calibrator:
    """The searches that a threshold is chosen on, by integers as deployed."""

    searches: Searches
    preset: Preset

    @classmethod
    def of(cls, samples: Samples, preset: Preset) -> Self:
        """Decide over integers in clear, which is what encryption computes."""
        seen = samples.acquired
        scores = decisions(templates(samples.embeddings[seen], preset), preset)
        failed = samples.subject[~seen & ~samples.entry].tolist()
        entries = np.flatnonzero(samples.entry[seen])
        return cls(Searches.of(scores, samples.subject[seen], entries, failed=failed), preset)

    def choose(self, wanted: float, entries: int, *, confident: bool = False) -> Calibration:
        """The lowest threshold with the wanted FPIR; `confident` holds the upper end of its interval to it."""
        fine = self._whole(self.searches.threshold(wanted, entries))
        if confident:
            fine = self._confident(fine, wanted, entries)
        lowest = similarity(fine, self.preset)
        return Calibration(
            wanted=wanted,
            entries=entries,
            similarity=lowest,
            thresholds=self.preset.thresholds(lowest),
            fpir=self.searches.fpir(fine, entries),
            fnir=self.searches.fnir(fine),
            single=self.searches.fpir(fine, 1).basis,
            needed=needed(wanted, entries),
        )

    def _whole(self, threshold: float) -> int:
        return int(np.clip(np.ceil(threshold), 1, self.preset.fine_squared_norm))

    def _confident(self, low: int, wanted: float, entries: int) -> int:
        """The lowest fine threshold from `low` on whose FPIR has an interval that ends below what is wanted."""
        high = self._whole(float(self.searches.scores.max()) + 1)
        while low < high:
            middle = (low + high) // 2
            if self.searches.fpir(middle, entries).high <= wanted:
                high = middle
            else:
                low = middle + 1
        return low


def needed(fpir: float, entries: int) -> int:
    """Comparisons of two people until as many false matches are expected as it takes to call the rate measured."""
    return ceil(ENOUGH / -expm1(log1p(-fpir) / entries))
