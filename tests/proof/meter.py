"""Measures whether values of the field tell anything of the scores behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, chisquare

from blindwatch.he.presets import PLAIN_MODULUS

Integers = NDArray[np.int64]
_BINS = 257


@dataclass(frozen=True)
class Reading:
    """Probabilities of such values, were they uniform and independent of the scores; and their correlation."""

    uniform: float
    independent: float
    correlation: float
    sampling_error: float
    count: int

    @property
    def reveals(self) -> bool:
        """Whether the values are not what a uniform and independent source gives."""
        unlikely = min(self.uniform, self.independent) < 1e-6
        return unlikely or abs(self.correlation) > 5 * self.sampling_error


def read(values: Integers, scores: Integers) -> Reading:
    """Measure decrypted values against the true scores of the same slots."""
    counts = np.bincount(values * _BINS // PLAIN_MODULUS, minlength=_BINS)
    edges = np.append(np.arange(_BINS) * PLAIN_MODULUS, _BINS * PLAIN_MODULUS)
    widths = np.diff(-(-edges // _BINS))
    bands = np.quantile(scores, np.linspace(0, 1, 9)[1:-1])
    table = np.zeros((8, 32))
    np.add.at(table, (np.searchsorted(bands, scores), values * 32 // PLAIN_MODULUS), 1)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    return Reading(
        uniform=float(chisquare(counts, widths / PLAIN_MODULUS * len(values)).pvalue),
        independent=float(chi2_contingency(table).pvalue),
        correlation=float(np.corrcoef(values, scores)[0, 1]),
        sampling_error=float(1 / np.sqrt(len(values))),
        count=len(values),
    )
