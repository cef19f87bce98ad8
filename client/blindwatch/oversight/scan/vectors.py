"""Runs of numbers that could be coordinates of a template, found in bytes whatever they are, compiled."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blindwatch.oversight.scan.kernels import Places

ZEROS: Final = 32
"""Of a template of squared norm 200 a third of the coordinates are zeros; so many never stand in a row."""


@njit(cache=True)
def real_runs(bits: NDArray[Any], low: int, high: int, shortest: int) -> Places:
    """Runs of at least so many floating-point numbers whose magnitudes lie between two, as rows of start and end.

    Numbers and bounds are given by their bits: without their signs they have the order of the numbers.
    """
    found = np.empty((bits.size // shortest + 1, 2), np.int64)
    count, start, mask = 0, 0, (1 << 8 * bits.itemsize - 1) - 1
    while start + shortest <= bits.size:
        back = start + shortest - 1
        while back >= start and low <= (np.int64(bits[back]) & mask) <= high:
            back -= 1
        if back >= start:
            start = back + 1
            continue
        end = start + shortest
        while end < bits.size and low <= (np.int64(bits[end]) & mask) <= high:
            end += 1
        found[count, 0], found[count, 1] = start, end
        count += 1
        start = end + 1
    return found[:count]


@njit(cache=True)
def integer_runs(values: NDArray[Any], largest: int, shortest: int) -> Places:
    """Runs of at least so many integers of at most a magnitude, without long rows of zeros: start and end."""
    found = np.empty((values.size // shortest + 1, 2), np.int64)
    count, start = 0, 0
    while start + shortest <= values.size:
        back, zeros = start + shortest - 1, 0
        while back >= start and zeros < ZEROS and -largest <= values[back] <= largest:
            zeros = zeros + 1 if values[back] == 0 else 0
            back -= 1
        if back >= start:
            start = back + 1
            continue
        if zeros == ZEROS:
            start += 1
            continue
        end, zeros = start + shortest, 0
        while end < values.size and zeros < ZEROS and -largest <= values[end] <= largest:
            zeros = zeros + 1 if values[end] == 0 else 0
            end += 1
        end -= zeros if zeros == ZEROS else 0
        found[count, 0], found[count, 1] = start, end
        count += 1
        start = end + 1
    return found[:count]


@njit(cache=True)
def calm_runs(values: NDArray[np.int8], block: int, largest: int, shortest: int) -> Places:
    """Runs of at least so many bytes, in blocks, whose blocks have small squared norms and are not all zeros.

    A window of a small norm lies in such a run and the blocks on both sides of it.
    """
    found = np.empty((values.size // shortest + 1, 2), np.int64)
    count, start = 0, 0
    for at in range(0, values.size + block, block):
        total = np.int32(0)
        if at + block <= values.size:
            for place in range(at, at + block):
                total += np.int32(values[place]) * np.int32(values[place])
        if not 0 < total <= largest:
            if at - start >= shortest:
                found[count, 0], found[count, 1] = max(start - block, 0), min(at + block, values.size)
                count += 1
            start = at + block
    return found[:count]
