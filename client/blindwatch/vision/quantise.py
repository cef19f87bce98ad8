"""Unit embeddings to integer templates whose squared norm has a hard bound."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blindwatch.errors import InputError
from blindwatch.he.presets import Preset
from blindwatch.he.templates import Templates


def templates(embeddings: ArrayLike, preset: Preset) -> Templates:
    """The templates of embeddings (n, d) at both scales of a preset."""
    rows = np.asarray(embeddings)
    return Templates(
        coarse=np.stack([quantise(row, preset.squared_norm) for row in rows]),
        fine=np.stack([quantise(row, preset.fine_squared_norm) for row in rows]),
    )


def quantise(embedding: ArrayLike, squared_norm: int) -> NDArray[np.int64]:
    """Round the embedding at the largest scale that keeps the squared norm at or under `squared_norm`.

    While the scale grows, coordinate i steps from k to k + 1 when scale * |e_i| passes k + 1/2, and adds
    2 k + 1 to the squared norm. Steps are laid out and taken in order of their scale until the next one, or
    the next group at the same scale, would pass the bound. So the result is exact, and every template comes
    as near to the same norm as its direction allows.
    """
    values = np.asarray(embedding, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all() or not values.any():
        raise InputError("An embedding must be one finite vector other than zero.")
    if squared_norm < 1:
        raise InputError("The squared norm of a template must be at least 1.")
    # The scale counts from the largest coordinate, so that no length of the vector over- or underflows.
    lengths = np.abs(values) / np.abs(values).max()
    # Rounding moves a vector by sqrt(d) / 2 at most: only steps at lengths that near to the bound are laid out.
    slack, unit = sqrt(len(values)) / 2, lengths / np.linalg.norm(lengths)
    start = np.maximum(np.floor((sqrt(squared_norm) - slack) * unit - 0.5), 0).astype(np.int64)
    end = np.floor((sqrt(squared_norm) + slack) * unit + 0.5).astype(np.int64) + 2
    coordinate = np.repeat(np.arange(len(values)), end - start)
    step = np.arange(len(coordinate)) + np.repeat(end - np.cumsum(end - start), end - start)
    with np.errstate(divide="ignore", over="ignore"):
        scales = (step + 0.5) / lengths[coordinate]
    order = np.argsort(scales)
    total = (start * start).sum() + np.cumsum((2 * step + 1)[order])
    first_too_many = scales[order[np.searchsorted(total, squared_norm, side="right")]]
    taken = np.bincount(coordinate, scales < first_too_many, len(values)).astype(np.int64)
    magnitudes: NDArray[np.int64] = start + taken
    if not magnitudes.any():
        raise InputError("The squared norm of a template is too small for an embedding of this direction.")
    return np.where(values < 0, -magnitudes, magnitudes)
