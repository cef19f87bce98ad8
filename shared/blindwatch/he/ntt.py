"""The negacyclic number-theoretic transform, on doubles.

The butterflies are those of Longa and Naehrig ("Speeding up the number theoretic transform", 2016), as in SEAL, but
the N values are taken as a rectangle: the first stages go down its columns, then it is transposed, and the other
stages do the same. So neighbours always go through the same steps, eight columns at a time, in the fastest cache, and
stages are taken in twos.

Eight columns are a strip, and arrays hold strip after strip, on both sides of the transform, so that every half of it
reads and writes memory as it lies: coefficients (C / 8, R, 8), transformed values (R / 8, C, 8). `from_natural` and
`from_seal_order` bring values into these orders. Results are reduced; arguments must be below one prime.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blindwatch.he.butterflies import (
    LANES,
    ascend,
    ascend_by_column,
    ascend_last,
    descend,
    descend_by_column,
    descend_last,
    transpose,
)

Doubles = NDArray[np.float64]
Arrays = tuple[Doubles, ...]
"""The fields of `Tables`, as compiled code takes them."""


@dataclass(frozen=True)
class Tables:
    """Powers of the 2N-th root of unity, for several primes.

    `rows` (primes, R) and `columns` (primes, C * R): stage m of the first R takes factor m + i for its i-th group, of
    the other C factors (m + i) R + (column), strip by strip. `lasts` (primes, 5) is for the last two stages of the
    inverse: their three factors over N, 1 / N, and the first factor.
    """

    primes: Doubles
    inverses: Doubles
    rows: Doubles
    columns: Doubles
    inverse_rows: Doubles
    inverse_columns: Doubles
    lasts: Doubles


def rectangle(degree: int) -> tuple[int, int]:
    """R and C with R C = N, both powers of four, so that their stages come in twos."""
    columns = 4 ** ((degree.bit_length() - 1) // 4)
    return degree // columns, columns


def centred(value: int, prime: int) -> float:
    """The double that stands for an integer."""
    value %= prime
    return float(value - prime if value > prime // 2 else value)


def tables(primes: tuple[int, ...], degree: int) -> Arrays:
    """`Tables` of the smallest primitive root of each prime, which is the one SEAL takes."""
    roots = [primitive_root(prime, 2 * degree) for prime in primes]
    there = [_powers(root, p, degree) for root, p in zip(roots, primes, strict=True)]
    back = [_powers(pow(root, -1, p), p, degree) for root, p in zip(roots, primes, strict=True)]
    made = Tables(
        primes=np.array(primes, dtype=np.float64),
        inverses=1.0 / np.array(primes, dtype=np.float64),
        rows=np.stack([rows for rows, _ in there]),
        columns=np.stack([columns for _, columns in there]),
        inverse_rows=np.stack([rows for rows, _ in back]),
        inverse_columns=np.stack([columns for _, columns in back]),
        lasts=np.array([_last(rows, p, degree) for (rows, _), p in zip(back, primes, strict=True)]),
    )
    return astuple(made)


def primitive_root(prime: int, order: int) -> int:
    """The smallest primitive root of unity of an order that is a power of two."""
    some = next(
        root
        for base in range(2, prime)
        if pow(root := pow(base, (prime - 1) // order, prime), order // 2, prime) == prime - 1
    )
    square, power, smallest = some * some % prime, some, some
    for _ in range(order // 2 - 1):
        power = power * square % prime
        smallest = min(smallest, power)
    return smallest


def bit_reversed(degree: int) -> NDArray[np.intp]:
    """0 to N - 1 with the order of their bits turned round."""
    order = np.zeros(1, dtype=np.intp)
    while len(order) < degree:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def from_natural(values: Doubles) -> Doubles:
    """Coefficients (..., N) from the lowest to the highest, in the order of this module."""
    rows, columns = rectangle(values.shape[-1])
    strips = values.reshape(*values.shape[:-1], rows, columns // LANES, LANES)
    return np.ascontiguousarray(np.swapaxes(strips, -2, -3)).reshape(values.shape)


def to_natural(values: Doubles) -> Doubles:
    """The inverse of `from_natural`."""
    rows, columns = rectangle(values.shape[-1])
    strips = values.reshape(*values.shape[:-1], columns // LANES, rows, LANES)
    return np.ascontiguousarray(np.swapaxes(strips, -2, -3)).reshape(values.shape)


def from_seal_order(values: Doubles) -> Doubles:
    """Transformed values (..., N) as SEAL has them, in the order of this module."""
    rows, columns = rectangle(values.shape[-1])
    strips = values.reshape(*values.shape[:-1], rows // LANES, LANES, columns)
    return np.ascontiguousarray(np.swapaxes(strips, -1, -2)).reshape(values.shape)


def _last(rows: Doubles, prime: int, degree: int) -> list[float]:
    """What `Tables` says of the last stages of one prime."""
    first, second, third = (int(factor) for factor in rows[1:4])
    scale = pow(degree, -1, prime)
    return [centred(each, prime) for each in (first * scale, second * scale, third * scale, scale, first)]


def _powers(root: int, prime: int, degree: int) -> tuple[Doubles, Doubles]:
    """The factors of one prime for the stages down the first and the second rectangle."""
    powers = [1]
    for _ in range(degree - 1):
        powers.append(powers[-1] * root % prime)
    flat = np.array([centred(power, prime) for power in powers])[bit_reversed(degree)]
    rows, columns = rectangle(degree)
    table = np.zeros((columns, rows))
    stage = 1
    while stage < columns:
        table[stage : 2 * stage] = flat[rows * stage : 2 * rows * stage].reshape(rows, stage).T
        stage *= 2
    strips = table.reshape(columns, rows // LANES, LANES).transpose(1, 0, 2)
    return flat[:rows].copy(), np.ascontiguousarray(strips).ravel()


@njit(cache=True, nogil=True)
def forward(values: Doubles, result: Doubles, tables_: Arrays, which: int) -> None:
    """Transform `values` (N,) modulo prime `which` of the tables into `result`, which must not overlap it."""
    primes, inverses, rows, columns, _, _, _ = tables_
    _forward_rows(values, result, rows[which], primes[which], inverses[which])
    _forward_columns(result, columns[which], rows.shape[1], primes[which], inverses[which])


@njit(cache=True, nogil=True)
def backward(values: Doubles, result: Doubles, tables_: Arrays, which: int) -> None:
    """The inverse of `forward`: `values` stay as they are, `result` must not overlap them."""
    primes, inverses, _, _, rows, columns, lasts = tables_
    copy = np.empty(values.size)
    _backward_columns(values, copy, columns[which], rows.shape[1], primes[which], inverses[which])
    _backward_rows(copy, result, rows[which], lasts[which], primes[which], inverses[which])


@njit(cache=True, nogil=True)
def _forward_rows(values: Doubles, result: Doubles, roots: Doubles, prime: float, inverse: float) -> None:
    """The first stages, down the strips of `values`, into those of `result`."""
    rows, strip = roots.size, np.empty(roots.size * LANES)
    columns = values.size // rows
    for left in range(0, columns, LANES):
        step, far = rows // 4, rows // 4 * LANES
        for at in range(0, far, LANES):
            descend(values, left * rows + at, far, strip, at, far, roots, 1, 2, 1, prime, inverse)
        groups, step = 4, step // 4
        while step:
            far = step * LANES
            for group in range(groups):
                for at in range(4 * group * far, 4 * group * far + far, LANES):
                    descend(
                        strip, at, far, strip, at, far,
                        roots, groups + group, 2 * (groups + group), 1, prime, inverse,
                    )  # fmt: skip
            groups, step = 4 * groups, step // 4
        for row in range(0, rows, LANES):
            transpose(strip, row * LANES, result, row * columns + left * LANES)


@njit(cache=True, nogil=True)
def _forward_columns(result: Doubles, roots: Doubles, rows: int, prime: float, inverse: float) -> None:
    """The other stages, down the strips of `result`, in place."""
    columns = result.size // rows
    for strip in range(0, result.size, columns * LANES):
        _forward_strip(result, strip, columns, roots, prime, inverse)


@njit(cache=True, nogil=True)
def _forward_strip(
    result: Doubles, start: int, columns: int, roots: Doubles, prime: float, inverse: float
) -> None:
    groups, step = 1, columns // 4
    while step > 1:
        far = step * LANES
        for group in range(groups):
            first = start + 4 * group * far
            for at in range(first, first + far, LANES):
                descend_by_column(
                    result, at, far, result, at, far,
                    roots, start + (groups + group) * LANES, start + 2 * (groups + group) * LANES, LANES,
                    prime, inverse,
                )  # fmt: skip
        groups, step = 4 * groups, step // 4
    for group in range(groups):
        at = start + 4 * group * LANES
        descend_last(
            result, at, LANES, result, at, LANES,
            roots, start + (groups + group) * LANES, start + 2 * (groups + group) * LANES, LANES,
            prime, inverse,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _backward_columns(
    values: Doubles, result: Doubles, roots: Doubles, rows: int, prime: float, inverse: float
) -> None:
    """The inverse of `_forward_columns`, from the strips of `values` to those of `result`."""
    columns = values.size // rows
    for strip in range(0, values.size, columns * LANES):
        _backward_strip(values, result, strip, columns, roots, prime, inverse)


@njit(cache=True, nogil=True)
def _backward_strip(
    values: Doubles, result: Doubles, start: int, columns: int, roots: Doubles, prime: float, inverse: float
) -> None:
    groups = columns // 4
    for group in range(groups):
        at = start + 4 * group * LANES
        ascend_by_column(
            values, at, LANES, result, at, LANES,
            roots, start + (groups + group) * LANES, start + 2 * (groups + group) * LANES, LANES,
            prime, inverse,
        )  # fmt: skip
    groups, step = groups // 4, 4
    while groups:
        far = step * LANES
        for group in range(groups):
            first = start + 4 * group * far
            for at in range(first, first + far, LANES):
                ascend_by_column(
                    result, at, far, result, at, far,
                    roots, start + (groups + group) * LANES, start + 2 * (groups + group) * LANES, LANES,
                    prime, inverse,
                )  # fmt: skip
        groups, step = groups // 4, 4 * step


@njit(cache=True, nogil=True)
def _backward_rows(
    values: Doubles, result: Doubles, roots: Doubles, last: Doubles, prime: float, inverse: float
) -> None:
    """The inverse of `_forward_rows`, and 1 / N."""
    rows, strip = roots.size, np.empty(roots.size * LANES)
    columns = result.size // rows
    for left in range(0, columns, LANES):
        for row in range(0, rows, LANES):
            transpose(values, row * columns + left * LANES, strip, row * LANES)
        groups, step = rows // 4, 1
        while groups > 1:
            far = step * LANES
            for group in range(groups):
                for at in range(4 * group * far, 4 * group * far + far, LANES):
                    ascend(
                        strip, at, far, strip, at, far,
                        roots, groups + group, 2 * (groups + group), 1, prime, inverse,
                    )  # fmt: skip
            groups, step = groups // 4, 4 * step
        far = step * LANES
        for at in range(0, far, LANES):
            ascend_last(strip, at, far, result, left * rows + at, far, last, 0, 1, 1, prime, inverse)
