"""Scores of every two photographs: cosines of floats, and what decides over integers.

Integers decide in two steps: the coarse score must reach the gate, and the fine score its own threshold. A preset
derives both from one similarity, so one number says from where on two templates match no longer: the highest fine
threshold at which both steps would still let them pass. That is their score here. It turns all curves over
thresholds into curves over one number, and at every threshold decides as a deployment does.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from blindwatch.he.presets import Preset
from blindwatch.he.templates import Templates

Scores = NDArray[np.float32]

NEVER: Final = np.float32(-np.inf)
"""The score of two templates that match at no threshold."""


def cosines(embeddings: NDArray[np.float64]) -> Scores:
    """The cosine of every two embeddings of unit length (n, d)."""
    rows = embeddings.astype(np.float32)
    found: Scores = rows @ rows.T
    return found


def products(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Scores:
    """The inner products of integer templates; exact, as they and all partial sums are far below 2^24."""
    found: Scores = rows.astype(np.float32) @ columns.astype(np.float32).T
    return found


def similarity(fine: int, preset: Preset) -> float:
    """A similarity for which the preset sets this fine threshold."""
    return (fine - 0.5) / preset.fine_squared_norm


def decisions(templates: Templates, preset: Preset) -> Scores:
    """For every two templates the highest fine threshold at which they match."""
    fine = products(templates.fine, templates.fine)
    coarse = products(templates.coarse, templates.coarse).astype(np.int64)
    by_gate = highest(preset)
    found: Scores = np.minimum(fine, by_gate[np.maximum(coarse, preset.lowest_threshold - 1)])
    return found


def highest(preset: Preset) -> Scores:
    """For every coarse score up to the squared norm, the highest fine threshold whose gate it reaches."""
    thresholds = np.arange(1, preset.fine_squared_norm + 1)
    gates = np.array([preset.thresholds(similarity(int(each), preset)).gate for each in thresholds])
    scores = np.arange(preset.squared_norm + 1)
    last = np.searchsorted(gates, scores, side="right")
    return np.where(last > 0, last, NEVER).astype(np.float32)
