"""Public evaluation on residues: what SEAL's evaluator does, for many values in one pass over memory.

Residues are doubles as `arithmetic` describes them, in arrays of shape (..., primes, N), reduced. `tables_` are those
of `ntt`, with the primes of the arrays first. Nothing here depends on a secret or branches on data. Loops over primes
and over stretches of coefficients are shared out among Numba's threads.
"""

from __future__ import annotations

import os

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from blindwatch.he.arithmetic import multiply, nearest, reduce
from blindwatch.he.ntt import Arrays, Doubles, backward, forward

Low = NDArray[np.uint32]
High = NDArray[np.uint16]
Places = NDArray[np.int64]

_CHUNK = 256
_RUN = 1024
"""Neighbours of a list's ciphertext that are read at once: shorter runs come from memory slower, and those of all
rotations of the probe must stay in a near cache."""

# Read when the first loop is shared out. Threads that wait must not spin: workers share the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@njit(cache=True, parallel=True)
def to_ntt(polynomials: Doubles, tables_: Arrays) -> Doubles:
    """Transform (m, k, N); row k of each modulo prime k."""
    count, rows, _ = polynomials.shape
    result = np.empty_like(polynomials)
    for at in prange(count * rows):
        forward(polynomials[at // rows, at % rows], result[at // rows, at % rows], tables_, at % rows)
    return result


@njit(cache=True, parallel=True)
def from_ntt(polynomials: Doubles, tables_: Arrays) -> Doubles:
    """The inverse of `to_ntt`."""
    count, rows, _ = polynomials.shape
    result = np.empty_like(polynomials)
    for at in prange(count * rows):
        backward(polynomials[at // rows, at % rows], result[at // rows, at % rows], tables_, at % rows)
    return result


@njit(cache=True, parallel=True)
def dots(left: Doubles, low: Low, high: High, scales: Doubles, tables_: Arrays) -> Doubles:
    """Sums of tensor products: `left` (b, 2, k, N) with each b of the packed (g b, 2, k, N), to (g, 3, k, N).

    All are transformed. A packed residue is low + 2^32 high, 0 to p - 1. Each sum is multiplied by `scales` (k,).
    No more than 28 products are added before a reduction: two of them make 1.1 p, and doubles hold 32 p.
    """
    primes, inverses = tables_[0], tables_[1]
    count, _, rows, degree = left.shape
    giants, stretches = low.shape[0] // count, degree // _RUN
    result = np.empty((giants, 3, rows, degree))
    for task in prange(rows * stretches):
        row, start = task // stretches, task % stretches * _RUN
        prime, inverse, scale = primes[row], inverses[row], scales[row]
        end = start + _RUN
        for giant in range(giants):
            outer, cross, inner = np.zeros(_RUN), np.zeros(_RUN), np.zeros(_RUN)
            for baby in range(count):
                part = giant * count + baby
                a0, a1 = left[baby, 0, row, start:end], left[baby, 1, row, start:end]
                low0, high0 = low[part, 0, row, start:end], high[part, 0, row, start:end]
                low1, high1 = low[part, 1, row, start:end], high[part, 1, row, start:end]
                for at in range(_RUN):
                    b0 = np.float64(low0[at]) + 4294967296.0 * np.float64(high0[at])
                    b1 = np.float64(low1[at]) + 4294967296.0 * np.float64(high1[at])
                    outer[at] += multiply(a0[at], b0, prime, inverse)
                    cross[at] += multiply(a0[at], b1, prime, inverse) + multiply(a1[at], b0, prime, inverse)
                    inner[at] += multiply(a1[at], b1, prime, inverse)
                if baby % 28 == 27:
                    for at in range(_RUN):
                        outer[at] = reduce(outer[at], prime, inverse)
                        cross[at] = reduce(cross[at], prime, inverse)
                        inner[at] = reduce(inner[at], prime, inverse)
            for at in range(_RUN):
                result[giant, 0, row, start + at] = reduce(
                    multiply(outer[at], scale, prime, inverse), prime, inverse
                )
                result[giant, 1, row, start + at] = reduce(
                    multiply(cross[at], scale, prime, inverse), prime, inverse
                )
                result[giant, 2, row, start + at] = reduce(
                    multiply(inner[at], scale, prime, inverse), prime, inverse
                )
    return result


@njit(cache=True, parallel=True)
def drop_prime(polynomials: Doubles, shrink: Doubles, tables_: Arrays) -> Doubles:
    """Divide (m, k, N) by the last prime and round: (m, k - 1, N). `shrink` holds that prime's inverses."""
    primes, inverses = tables_[0], tables_[1]
    count, rows, degree = polynomials.shape
    result = np.empty((count, rows - 1, degree))
    for task in prange(count * (rows - 1)):
        which, row = task // (rows - 1), task % (rows - 1)
        prime, inverse, factor = primes[row], inverses[row], shrink[row]
        source, last, target = polynomials[which, row], polynomials[which, rows - 1], result[which, row]
        for at in range(degree):
            target[at] = reduce(multiply(source[at] - last[at], factor, prime, inverse), prime, inverse)
    return result


@njit(cache=True, parallel=True)
def extend(
    polynomials: Doubles,
    split: Doubles,
    merge: Doubles,
    whole: Doubles,
    primes: Doubles,
    inverses: Doubles,
    into: Doubles,
    into_inverses: Doubles,
) -> Doubles:
    """Residues (m, k, N) modulo `primes` to residues modulo the primes `into`, of the same centred integers.

    With Q the product of `primes`: `split` (k,) is (Q / q_i)^-1 modulo q_i, `merge` (k, l) is Q / q_i and
    `whole` (l,) is Q modulo each new prime. An integer within 2^-40 Q of Q / 2 may come out as its neighbour
    modulo Q (Halevi, Polyakov and Shoup, "An improved RNS variant of the BFV scheme", 2019).
    """
    count, rows, degree = polynomials.shape
    stretches = degree // _CHUNK
    result = np.empty((count, into.size, degree))
    for task in prange(count * stretches):
        which, start = task // stretches, task % stretches * _CHUNK
        parts, turns = np.empty((rows, _CHUNK)), np.zeros(_CHUNK)
        for row in range(rows):
            prime, inverse, factor = primes[row], inverses[row], split[row]
            source, part = polynomials[which, row, start : start + _CHUNK], parts[row]
            for at in range(_CHUNK):
                part[at] = reduce(multiply(source[at], factor, prime, inverse), prime, inverse)
                turns[at] += part[at] * inverse
        for at in range(_CHUNK):
            turns[at] = nearest(turns[at])
        for new in range(into.size):
            prime, inverse = into[new], into_inverses[new]
            total = result[which, new, start : start + _CHUNK]
            for at in range(_CHUNK):
                total[at] = -multiply(turns[at], whole[new], prime, inverse)
            for row in range(rows):
                part, factor = parts[row], merge[row, new]
                for at in range(_CHUNK):
                    total[at] += multiply(part[at], factor, prime, inverse)
            for at in range(_CHUNK):
                total[at] = reduce(total[at], prime, inverse)
    return result


@njit(cache=True, parallel=True)
def affine(
    values: Doubles, factors: Doubles, more: Doubles, more_factors: Doubles, tables_: Arrays
) -> Doubles:
    """values * factors + more * more_factors, of (m, k, N) and one factor for each prime (k,)."""
    primes, inverses = tables_[0], tables_[1]
    count, rows, degree = values.shape
    result = np.empty_like(values)
    for task in prange(count * rows):
        which, row = task // rows, task % rows
        prime, inverse = primes[row], inverses[row]
        a, b = factors[row], more_factors[row]
        left, right, target = values[which, row], more[which, row], result[which, row]
        for at in range(degree):
            total = multiply(left[at], a, prime, inverse) + multiply(right[at], b, prime, inverse)
            target[at] = reduce(total, prime, inverse)
    return result


@njit(cache=True, parallel=True)
def combine(values: tuple[Doubles, ...], factors: Doubles, tables_: Arrays) -> Doubles:
    """The sum of at most 28 values (m, k, N), each times its factor, below p / 2."""
    primes, inverses = tables_[0], tables_[1]
    count, rows, degree = values[0].shape
    result = np.zeros((count, rows, degree))
    for task in prange(count * rows):
        which, row = task // rows, task % rows
        prime, inverse, target = primes[row], inverses[row], result[which, row]
        for term in range(len(values)):
            source, factor = values[term][which, row], factors[term]
            for at in range(degree):
                target[at] += multiply(source[at], factor, prime, inverse)
        for at in range(degree):
            target[at] = reduce(target[at], prime, inverse)
    return result


@njit(cache=True, parallel=True)
def add(left: Doubles, right: Doubles, tables_: Arrays) -> Doubles:
    """The sum of two (m, k, N), each below 16 p."""
    primes, inverses = tables_[0], tables_[1]
    count, rows, degree = left.shape
    result = np.empty((count, rows, degree))
    for task in prange(count * rows):
        which, row = task // rows, task % rows
        prime, inverse = primes[row], inverses[row]
        a, b, target = left[which, row], right[which, row], result[which, row]
        for at in range(degree):
            target[at] = reduce(a[at] + b[at], prime, inverse)
    return result


@njit(cache=True, parallel=True)
def turn(values: Doubles, source: Places, signs: Doubles) -> Doubles:
    """Coefficients (m, k, N) of f(x^e), for the places and signs that e stands for."""
    count, rows, degree = values.shape
    result = np.empty((count, rows, degree))
    for task in prange(count * rows):
        which, row = task // rows, task % rows
        here, target = values[which, row], result[which, row]
        for at in range(degree):
            target[at] = here[source[at]] * signs[at]
    return result


@njit(cache=True, parallel=True)
def pointwise(values: Doubles, factors: Doubles, tables_: Arrays) -> Doubles:
    """Transformed values (m, k, N) times a transformed plaintext (k, N)."""
    primes, inverses = tables_[0], tables_[1]
    count, rows, degree = values.shape
    result = np.empty_like(values)
    for task in prange(count * rows):
        which, row = task // rows, task % rows
        prime, inverse = primes[row], inverses[row]
        source, factor, target = values[which, row], factors[row], result[which, row]
        for at in range(degree):
            target[at] = reduce(multiply(source[at], factor[at], prime, inverse), prime, inverse)
    return result
