"""The negacyclic number-theoretic transform, on doubles.

The butterflies are those of Longa and Naehrig ("Speeding up the number theoretic transform", 2016), as in SEAL,
but the N = S * S values are taken as a square: half of the stages go down its columns, then it is transposed,
and the other half do the same. So every inner loop runs over S neighbours and vectorises. What comes out is in
SEAL's order, transposed; `from_seal_order` converts. Outputs are reduced, inputs must be below 1.5 primes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blindwatch.he.arithmetic import multiply, reduce

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Tables:
    """Powers of the 2N-th root of unity, for several primes.

    `roots` and `inverse_roots`, shape (primes, 2, S, S): stage m of the first half takes [0, m + i, 0] for its
    i-th group; of the second half [1, m + i, :]. `scales` holds 1 / N, shape (primes,).
    """

    primes: Doubles
    inverses: Doubles
    roots: Doubles
    inverse_roots: Doubles
    scales: Doubles


def centred(value: int, prime: int) -> float:
    """The double that stands for an integer."""
    value %= prime
    return float(value - prime if value > prime // 2 else value)


def tables(primes: tuple[int, ...], degree: int) -> Tables:
    """Tables of the smallest primitive root of each prime, which is the one SEAL takes."""
    roots = [primitive_root(prime, 2 * degree) for prime in primes]
    return Tables(
        primes=np.array(primes, dtype=np.float64),
        inverses=1.0 / np.array(primes, dtype=np.float64),
        roots=np.stack([_powers(root, p, degree) for root, p in zip(roots, primes, strict=True)]),
        inverse_roots=np.stack(
            [_powers(pow(root, -1, p), p, degree) for root, p in zip(roots, primes, strict=True)]
        ),
        scales=np.array([centred(pow(degree, -1, p), p) for p in primes]),
    )


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
    """Transformed values (..., N) as SEAL orders them, in the order of this module; its own inverse."""
    side = isqrt(values.shape[-1])
    square = values.reshape(*values.shape[:-1], side, side)
    return np.ascontiguousarray(np.swapaxes(square, -1, -2)).reshape(values.shape)


def _powers(root: int, prime: int, degree: int) -> Doubles:
    powers = [1]
    for _ in range(degree - 1):
        powers.append(powers[-1] * root % prime)
    flat = np.array([centred(power, prime) for power in powers])[bit_reversed(degree)]
    side = isqrt(degree)
    table = np.zeros((2, side, side))
    table[0] = flat[:side, np.newaxis]
    stage = 1
    while stage < side:
        table[1, stage : 2 * stage] = flat[side * stage : 2 * side * stage].reshape(side, stage).T
        stage *= 2
    return table


@njit(cache=True)
def forward(values: Doubles, spare: Doubles, tables_: tuple[Doubles, ...], which: int) -> None:
    """Transform `values` (N,) modulo prime `which` of the tables, into `spare`, which must not overlap it."""
    primes, inverses, roots, _, _ = tables_
    _descend(values, roots[which, 0], primes[which], inverses[which])
    _transpose(values, spare)
    _descend(spare, roots[which, 1], primes[which], inverses[which])
    for at in range(spare.size):
        spare[at] = reduce(spare[at], primes[which], inverses[which])


@njit(cache=True)
def backward(values: Doubles, spare: Doubles, tables_: tuple[Doubles, ...], which: int) -> None:
    """The inverse of `forward`: from `values`, which it spoils, into `spare`."""
    primes, inverses, _, roots, scales = tables_
    prime, inverse = primes[which], inverses[which]
    _ascend(values, roots[which, 1], prime, inverse)
    _transpose(values, spare)
    _ascend(spare, roots[which, 0], prime, inverse)
    for at in range(spare.size):
        spare[at] = reduce(multiply(spare[at], scales[which], prime, inverse), prime, inverse)


@njit(cache=True)
def _descend(values: Doubles, roots: Doubles, prime: float, inverse: float) -> None:
    """Butterflies between rows of the square, farthest first: (x, y) to (x + w y, x - w y)."""
    side = roots.shape[0]
    distance, groups = side // 2, 1
    while distance:
        for group in range(groups):
            factors = roots[groups + group]
            for row in range(2 * distance * group, 2 * distance * group + distance):
                upper = values[row * side : (row + 1) * side]
                lower = values[(row + distance) * side : (row + distance + 1) * side]
                for at in range(side):
                    x = reduce(upper[at], prime, inverse)
                    y = multiply(lower[at], factors[at], prime, inverse)
                    upper[at] = x + y
                    lower[at] = x - y
        distance //= 2
        groups *= 2


@njit(cache=True)
def _ascend(values: Doubles, roots: Doubles, prime: float, inverse: float) -> None:
    """Butterflies between rows of the square, nearest first: (x, y) to (x + y, w (x - y))."""
    side = roots.shape[0]
    distance, groups = 1, side // 2
    while groups:
        for group in range(groups):
            factors = roots[groups + group]
            for row in range(2 * distance * group, 2 * distance * group + distance):
                upper = values[row * side : (row + 1) * side]
                lower = values[(row + distance) * side : (row + distance + 1) * side]
                for at in range(side):
                    x, y = upper[at], lower[at]
                    upper[at] = reduce(x + y, prime, inverse)
                    lower[at] = multiply(x - y, factors[at], prime, inverse)
        distance *= 2
        groups //= 2


@njit(cache=True)
def _transpose(values: Doubles, into: Doubles) -> None:
    side, tile = int(np.sqrt(values.size)), 8
    for top in range(0, side, tile):
        for left in range(0, side, tile):
            for row in range(top, top + tile):
                for column in range(left, left + tile):
                    into[column * side + row] = values[row * side + column]
