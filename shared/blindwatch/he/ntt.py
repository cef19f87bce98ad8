"""The negacyclic number-theoretic transform, on doubles.

The butterflies are those of Longa and Naehrig ("Speeding up the number theoretic transform", 2016), as in SEAL, but
the N values are taken as a rectangle: the first stages go down its columns, then it is transposed, and the other
stages do the same. So neighbours always go through the same steps, eight columns at a time, in the fastest cache, and
stages are taken in twos. What comes out is in SEAL's order, transposed; `from_seal_order` converts. Results are
reduced; arguments must be below one prime.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blindwatch.he.arithmetic import multiply, reduce
from blindwatch.he.butterflies import (
    LANES,
    ascend,
    ascend_by_column,
    descend,
    descend_by_column,
    descend_last,
)

Doubles = NDArray[np.float64]
Arrays = tuple[Doubles, ...]
"""The fields of `Tables`, as compiled code takes them."""


@dataclass(frozen=True)
class Tables:
    """Powers of the 2N-th root of unity, for several primes.

    `rows` (primes, R) and `columns` (primes, C * R): stage m of the first R takes factor m + i for its i-th group, of
    the other C factors (m + i) R + (column). `scales` holds 1 / N, shape (primes,).
    """

    primes: Doubles
    inverses: Doubles
    rows: Doubles
    columns: Doubles
    inverse_rows: Doubles
    inverse_columns: Doubles
    scales: Doubles


def rectangle(degree: int) -> tuple[int, int]:
    """R and C with R C = N, both powers of four, so that their stages come in twos."""
    rows = 4 ** ((degree.bit_length() - 1) // 4)
    return rows, degree // rows


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
        scales=np.array([centred(pow(degree, -1, p), p) for p in primes]),
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


def from_seal_order(values: Doubles) -> Doubles:
    """Transformed values (..., N) as SEAL orders them, in the order of this module."""
    square = values.reshape(*values.shape[:-1], *rectangle(values.shape[-1]))
    return np.ascontiguousarray(np.swapaxes(square, -1, -2)).reshape(values.shape)


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
    return flat[:rows].copy(), table.ravel()


@njit(cache=True, nogil=True)
def forward(values: Doubles, result: Doubles, tables_: Arrays, which: int) -> None:
    """Transform `values` (N,) modulo prime `which` of the tables into `result`, which must not overlap it."""
    primes, inverses, rows, columns, _, _, _ = tables_
    _forward_rows(values, result, rows[which], primes[which], inverses[which])
    _forward_columns(result, rows.shape[1], columns[which], primes[which], inverses[which])


@njit(cache=True, nogil=True)
def backward(values: Doubles, result: Doubles, tables_: Arrays, which: int) -> None:
    """The inverse of `forward`: `values` stay as they are, `result` must not overlap them."""
    primes, inverses, _, _, rows, columns, scales = tables_
    _backward_columns(values, result, rows.shape[1], columns[which], primes[which], inverses[which])
    _backward_rows(result, rows[which], primes[which], inverses[which], scales[which])


@njit(cache=True, nogil=True)
def _forward_rows(values: Doubles, result: Doubles, roots: Doubles, prime: float, inverse: float) -> None:
    """The first stages, down the columns of `values` (R, C); then `result` (C, R) is their transpose."""
    rows, strip = roots.size, np.empty(roots.size * LANES)
    columns = values.size // rows
    for left in range(0, columns, LANES):
        step, far = rows // 4, rows // 4 * columns
        for at in range(step):
            descend(
                values, at * columns + left, far, strip, at * LANES, step * LANES, roots, 1, 2, 1, prime, inverse
            )  # fmt: skip
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
        for lane in range(LANES):
            for row in range(rows):
                result[(left + lane) * rows + row] = strip[row * LANES + lane]


@njit(cache=True, nogil=True)
def _forward_columns(result: Doubles, rows: int, roots: Doubles, prime: float, inverse: float) -> None:
    """The other stages, down the columns of `result` (C, R), in place."""
    columns = result.size // rows
    strip = np.empty(columns * LANES)
    for left in range(0, rows, LANES):
        step, far = columns // 4, columns // 4 * rows
        for at in range(step):
            descend_by_column(
                result, at * rows + left, far, strip, at * LANES, step * LANES,
                roots, rows + left, 2 * rows + left, rows, prime, inverse,
            )  # fmt: skip
        groups, step = 4, step // 4
        while step > 1:
            far = step * LANES
            for group in range(groups):
                first = (groups + group) * rows
                for at in range(4 * group * far, 4 * group * far + far, LANES):
                    descend_by_column(
                        strip, at, far, strip, at, far,
                        roots, first + left, 2 * first + left, rows, prime, inverse,
                    )  # fmt: skip
            groups, step = 4 * groups, step // 4
        for group in range(groups):
            first = (groups + group) * rows
            descend_last(
                strip, 4 * group * LANES, LANES, result, 4 * group * rows + left, rows,
                roots, first + left, 2 * first + left, rows, prime, inverse,
            )  # fmt: skip


@njit(cache=True, nogil=True)
def _backward_columns(
    values: Doubles, result: Doubles, rows: int, roots: Doubles, prime: float, inverse: float
) -> None:
    """The inverse of `_forward_columns`; then `result` (R, C) is the transpose."""
    columns = values.size // rows
    strip = np.empty(columns * LANES)
    for left in range(0, rows, LANES):
        groups, step = columns // 4, 1
        for group in range(groups):
            first = (groups + group) * rows
            ascend_by_column(
                values, 4 * group * rows + left, rows, strip, 4 * group * LANES, LANES,
                roots, first + left, 2 * first + left, rows, prime, inverse,
            )  # fmt: skip
        groups, step = groups // 4, 4
        while groups:
            far = step * LANES
            for group in range(groups):
                first = (groups + group) * rows
                for at in range(4 * group * far, 4 * group * far + far, LANES):
                    ascend_by_column(
                        strip, at, far, strip, at, far,
                        roots, first + left, 2 * first + left, rows, prime, inverse,
                    )  # fmt: skip
            groups, step = groups // 4, 4 * step
        for lane in range(LANES):
            for column in range(columns):
                result[(left + lane) * columns + column] = strip[column * LANES + lane]


@njit(cache=True, nogil=True)
def _backward_rows(result: Doubles, roots: Doubles, prime: float, inverse: float, scale: float) -> None:
    """The inverse of `_forward_rows` on its transpose, in place."""
    rows, strip = roots.size, np.empty(roots.size * LANES)
    columns = result.size // rows
    for left in range(0, columns, LANES):
        groups, step = rows // 4, 1
        for group in range(groups):
            ascend(
                result, 4 * group * columns + left, columns, strip, 4 * group * LANES, LANES,
                roots, groups + group, 2 * (groups + group), 1, prime, inverse,
            )  # fmt: skip
        groups, step = groups // 4, 4
        while groups:
            far = step * LANES
            for group in range(groups):
                for at in range(4 * group * far, 4 * group * far + far, LANES):
                    ascend(
                        strip, at, far, strip, at, far,
                        roots, groups + group, 2 * (groups + group), 1, prime, inverse,
                    )  # fmt: skip
            groups, step = groups // 4, 4 * step
        for row in range(rows):
            for lane in range(LANES):
                value = strip[row * LANES + lane]
                result[row * columns + left + lane] = reduce(
                    multiply(value, scale, prime, inverse), prime, inverse
                )
