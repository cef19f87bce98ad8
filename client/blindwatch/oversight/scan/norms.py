"""Which stretches of a run of numbers are vectors of a norm that templates have, compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blindwatch.he.presets import PRESETS
from blindwatch.he.ranked.presets import RANK_PRESETS
from blindwatch.oversight.scan.kernels import Places

Vector = NDArray[np.float64]

SHORTEST: Final = 64
"""Coordinates of the shortest vector that is taken for a template."""
LONGEST: Final = 4096
DIMENSIONS: Final = (64, 128, 256, 512, 1024)
"""Those of vectors that are looked for within longer runs; a vector that is a run of its own may have any."""
EDGE: Final = 8
"""So many numbers before or behind a vector may look like coordinates without being any."""
NORMS: Final = tuple(
    sorted(
        {
            (each.dimension, norm)
            for each in PRESETS.values()
            for norm in (each.squared_norm, each.fine_squared_norm)
        }
        | {(each.dimension, each.squared_norm) for each in RANK_PRESETS.values()}
    )
)
"""Dimension and squared norm of the integer templates of all presets."""
_NORMS: Final = np.array(NORMS)
_SMALL: Final = 1000


@dataclass(frozen=True, order=True)
class Candidate:
    """A stretch of numbers of the right norm; `squared_norm` is 1 in floating point."""

    start: int
    end: int
    squared_norm: int = 1

    def overlaps(self, other: Candidate) -> bool:
        """Whether they have a number in common."""
        return self.start < other.end and other.start < self.end


def unit_vectors(run: Vector, tolerance: float, *, any_length: bool = True) -> set[Candidate]:
    """Stretches of squared norm 1 whose coordinates are spread as those of embeddings are."""
    found = [_units(run, dimension, tolerance) for dimension in DIMENSIONS if dimension <= len(run)]
    if any_length and SHORTEST <= len(run) <= LONGEST:
        found.append(_whole(run, SHORTEST, EDGE, tolerance))
    return {Candidate(start, end) for rows in found for start, end in rows.tolist()}


def integer_vectors(run: NDArray[Any]) -> set[Candidate]:
    """Stretches whose squared norm is as near to that of a preset as rounding comes, and spread as templates are.

    By 1,500 faces and each preset: the next step of the rounding would pass the norm, no coordinate has more than
    0.61 of the length, the sum is within 3.5 lengths of zero, of small templates 40 % are not zero and of larger
    ones 80 %, no value other than zero has more than 0.57 of these or 2.0 over the standard deviation, and moved by
    a few places a template has a product with itself of at most 0.47 of its norm. The bounds leave room to that.
    """
    return {Candidate(start, end, norm) for start, end, norm in _templates(run, _NORMS, _SMALL).tolist()}


def separate(candidates: Iterable[Candidate], length: int, *, anywhere: bool = False) -> Iterator[Candidate]:
    """Those that begin or end with the run, or where another one ends or begins, or anywhere; none that overlap.

    Among many numbers of the right size, such as the weights of a network, some stretch always has the right norm by
    chance. Vectors lie alone or in rows.
    """
    found = sorted(
        candidates, key=lambda each: (each.start, each.end - each.start not in DIMENSIONS, each.end)
    )
    starts, ends = {each.start for each in found}, {each.end for each in found}
    behind = 0
    for each in found:
        is_at_edge = anywhere or each.start <= EDGE or each.end >= length - EDGE
        if each.start >= behind and (is_at_edge or each.end in starts or each.start in ends):
            behind = each.end
            yield each


@njit(cache=True)
def _is_mixed(part: NDArray[Any], norm: float) -> bool:
    """Whether neighbours have nothing to do with each other, as is so in templates and not in tables and pictures."""
    for lag in (1, 2, 3, 4, 8, 16):
        together = 0.0
        for at in range(part.size - lag):
            together += np.float64(part[at]) * np.float64(part[at + lag])
        if abs(together) > 0.6 * norm:
            return False
    return True


@njit(cache=True)
def _is_spread(part: Vector) -> bool:
    """Both signs, no coordinate that has nearly all of the length, and few that are equal."""
    below, largest, different = 0, 0.0, 1
    ordered = np.sort(part)
    for at in range(part.size):
        below += part[at] < 0
        largest = max(largest, abs(part[at]))
        different += at > 0 and ordered[at] != ordered[at - 1]
    return (
        0.15 * part.size <= below <= 0.85 * part.size
        and largest < 0.8
        and 2 * different >= part.size
        and _is_mixed(part, 1.0)
    )


@njit(cache=True)
def _units(run: Vector, width: int, tolerance: float) -> Places:
    """The windows of so many numbers and norm 1: start and end."""
    found = np.empty((run.size, 2), np.int64)
    count = 0
    sums = np.empty(run.size + 1, np.float64)
    sums[0] = 0.0
    for at in range(run.size):
        sums[at + 1] = sums[at] + run[at] * run[at]
    for start in range(run.size - width + 1):
        near = abs(sums[start + width] - sums[start] - 1) < tolerance
        if near and _is_spread(run[start : start + width]):
            found[count, 0], found[count, 1] = start, start + width
            count += 1
    return found[:count]


@njit(cache=True)
def _whole(run: Vector, shortest: int, edge: int, tolerance: float) -> Places:
    """The run without a few numbers at either end, where it has norm 1 then: start and end."""
    found = np.empty(((edge + 1) * (edge + 1), 2), np.int64)
    count, total, before = 0, np.sum(run * run), 0.0
    for start in range(min(edge, run.size - shortest) + 1):
        rest = total - before
        for end in range(run.size, max(run.size - edge, start + shortest) - 1, -1):
            if abs(rest - 1) < tolerance and _is_spread(run[start:end]):
                found[count, 0], found[count, 1] = start, end
                count += 1
            rest -= run[end - 1] * run[end - 1]
        before += run[start] * run[start]
    return found[:count]


@njit(cache=True)
def _is_template(part: NDArray[Any], norm: int, small: int) -> Any:
    total, added, largest = np.int64(0), np.int64(0), np.int64(0)
    entries, below = np.int64(0), np.int64(0)
    for each in part:
        value = np.int64(each)
        total += value * value
        added += value
        entries += value != 0
        below += value < 0
        largest = max(largest, np.abs(value))
    return (
        norm - 3 * largest <= total <= norm
        and largest * largest <= 0.45 * norm
        and entries >= (0.33 if norm < small else 0.75) * part.size
        and added * added <= 16 * norm
        and 0.25 * entries <= below <= 0.75 * entries
        and _commonest(part, largest) <= min(0.57, 2.6 / np.sqrt(norm / part.size)) * entries
        and _is_even(part, entries)
        and _is_mixed(part, np.float64(norm))
    )


@njit(cache=True)
def _is_even(part: NDArray[Any], entries: np.int64) -> Any:
    """Whether numbers at odd and at even places, and at every fourth, are of one kind, and neighbours mostly differ.

    So it is not with the bytes of larger integers, which tables of programs are made of.
    """
    filled, large, equal = np.zeros(4, np.int64), np.zeros(2, np.int64), 0
    for at in range(part.size):
        filled[at % 4] += part[at] != 0
        large[at % 2] += not -2 < part[at] < 2
        equal += at > 0 and part[at] == part[at - 1]
    return filled.min() >= 0.1 * entries and large.min() >= 3 and 2 * equal <= 1.1 * part.size


@njit(cache=True)
def _commonest(part: NDArray[Any], largest: np.int64) -> np.int64:
    """How often the commonest value other than zero is there."""
    counts = np.zeros(2 * largest + 1, np.int64)
    for each in part:
        counts[np.int64(each) + largest] += 1
    counts[largest] = 0
    return np.int64(counts.max())


@njit(cache=True)
def _templates(run: NDArray[Any], norms: Places, small: int) -> Places:
    """The windows that could be a template of any of some dimensions and squared norms: start, end and norm."""
    found = np.empty((run.size + 1, 3), np.int64)
    count = 0
    for kind in range(len(norms)):
        width, norm = norms[kind]
        slack, total = 3 * int(np.sqrt(norm)), np.int64(0)
        for at in range(run.size):
            total += np.int64(run[at]) * np.int64(run[at])
            if at >= width:
                total -= np.int64(run[at - width]) * np.int64(run[at - width])
            if at >= width - 1 and norm - slack <= total <= norm and count < run.size:
                start = at - width + 1
                if _is_template(run[start : at + 1], norm, small):
                    found[count, 0], found[count, 1], found[count, 2] = start, at + 1, norm
                    count += 1
    return found[:count]
