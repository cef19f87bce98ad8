"""Public evaluation for ranked search: sums of products over residues, the inverse transform, one prime less.

Primes p are 2^30 - g with small g, so a value folds by arithmetic that vectorises: its low 30 bits plus g times
the rest are the same modulo p. `gaps` holds the g, and all arrays are as `scanning` lays them out. Nothing here
depends on a secret or branches on data.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from blindwatch.he.butterflies import LANES
from blindwatch.he.ranked.forms import Residues, Words
from blindwatch.he.ranked.presets import CHUNK
from blindwatch.he.ranked.rows import ROWS, STRIPS, add_rows

_HALF = np.uint64(32)
_LOW = np.uint64(2**32 - 1)
_TOP = np.uint64(30)
_REST = np.uint64(2**30 - 1)


@njit(cache=True, nogil=True)
def accumulate(block: Residues, query: Residues, gaps: Residues, result: Words) -> None:
    """Sum over the dimension of the tensor products of two ciphertexts each, into `result` (3, primes, N).

    Every FOLD_ROWS rows the sums are folded, at 32 bits rather than 30: halves of a word multiply in one step, and
    2^32 is 4 g modulo p. A fold leaves less than 2^32 + 2^34 g of a sum, and eight rows add at most 16 (p - 1)^2 to
    the middle one, which is 2^64 - 2^35 (g + 1) + 16 (g + 1)^2: together less than 2^64. What comes out is below
    2^52 and not reduced.
    """
    left, right = block.reshape(-1), query.reshape(-1)
    sums = np.empty((STRIPS, 3, 2, LANES), np.uint64)
    at = 0
    for prime in range(block.shape[0]):
        factor = np.uint64(np.uint32(4) * gaps[prime])
        for chunk in range(block.shape[1]):
            sums[:] = 0
            for _ in range(block.shape[2] // ROWS):
                add_rows(left, right, at, sums, factor)
                at += 2 * CHUNK * ROWS
            for strip in range(STRIPS):
                for part in range(3):
                    target = result[part, prime, chunk * CHUNK + 2 * LANES * strip :]
                    for lane in range(LANES):
                        target[2 * lane] = sums[strip, part, 0, lane]
                        target[2 * lane + 1] = sums[strip, part, 1, lane]


@njit(cache=True, nogil=True)
def from_ntt(
    polynomials: Words, roots: Residues, quotients: Residues, scales: Residues, primes: Residues
) -> Residues:
    """The inverse transform of (m, primes, N), which it spoils, times a constant; fully reduced.

    Butterflies of Gentleman and Sande with Harvey's lazy reduction ("Faster arithmetic for number-theoretic
    transforms", 2014): values stay below 2 p < 2^31. `roots` (primes, 2, S, S) and `quotients`, floor(2^32 w / p)
    for each root w, are laid out as in `transform`; `scales` (primes, 2) holds the constant over N, and its
    quotient. The N = S S values are a square: half of the stages go down its columns, then it is transposed.
    """
    count, rows, degree = polynomials.shape
    result = np.empty((count, rows, degree), np.uint32)
    turned = np.empty(degree, np.uint64)
    for which in range(count):
        for row in range(rows):
            prime, values = np.uint64(primes[row]), polynomials[which, row]
            _shorten(values, prime)
            _ascend(values, roots[row, 1], quotients[row, 1], prime)
            _transpose(values, turned)
            _ascend(turned, roots[row, 0], quotients[row, 0], prime)
            scale, quotient = np.uint64(scales[row, 0]), np.uint64(scales[row, 1])
            for at in range(degree):
                value = turned[at] * scale - (turned[at] * quotient >> _HALF) * prime
                result[which, row, at] = value - prime if value >= prime else value
    return result


@njit(cache=True, nogil=True)
def _shorten(values: Words, prime: np.uint64) -> None:
    """From below 2^52 to below 2 p, in two folds at 30 bits."""
    gap = np.uint64(1 << 30) - prime
    for at in range(values.size):
        value = (values[at] & _REST) + (values[at] >> _TOP & _LOW) * gap
        values[at] = (value & _REST) + (value >> _TOP & _LOW) * gap


@njit(cache=True, nogil=True)
def _ascend(values: Words, roots: Residues, quotients: Residues, prime: np.uint64) -> None:
    """Butterflies between rows of the square, nearest first: (x, y) to (x + y, w (x - y))."""
    twice = np.uint64(2) * prime
    distance, groups = 1, CHUNK // 2
    while groups:
        for group in range(groups):
            factors, parts = roots[groups + group], quotients[groups + group]
            for row in range(2 * distance * group, 2 * distance * group + distance):
                upper = values[row * CHUNK : (row + 1) * CHUNK]
                lower = values[(row + distance) * CHUNK : (row + distance + 1) * CHUNK]
                for at in range(CHUNK):
                    total = upper[at] + lower[at]
                    rest = (upper[at] + twice - lower[at]) & _LOW
                    upper[at] = total - twice if total >= twice else total
                    lower[at] = rest * np.uint64(factors[at]) - (rest * np.uint64(parts[at]) >> _HALF) * prime
        distance *= 2
        groups //= 2


@njit(cache=True, nogil=True)
def _transpose(values: Words, into: Words) -> None:
    tile = 8
    for top in range(0, CHUNK, tile):
        for left in range(0, CHUNK, tile):
            for row in range(top, top + tile):
                for column in range(left, left + tile):
                    into[column * CHUNK + row] = values[row * CHUNK + column]


@njit(cache=True, nogil=True)
def drop_prime(polynomials: Residues, inverse: Residues, primes: Residues) -> Residues:
    """Divide (m, 2, N) by the second prime, which is the smaller one, and round: (m, N).

    `inverse` (2,) holds that prime's inverse modulo the first, and its quotient. SEAL rounds in the same way.
    """
    count, _, degree = polynomials.shape
    result = np.empty((count, degree), np.uint32)
    first, last = np.uint64(primes[0]), np.uint64(primes[1])
    half = last >> np.uint64(1)
    factor, quotient = np.uint64(inverse[0]), np.uint64(inverse[1])
    for which in range(count):
        upper, lower = polynomials[which, 0], polynomials[which, 1]
        for at in range(degree):
            top = np.uint64(lower[at]) + half
            top = top - last if top >= last else top
            rest = (np.uint64(upper[at]) + half + first - top) & _LOW
            value = rest * factor - (rest * quotient >> _HALF) * first
            result[which, at] = value - first if value >= first else value
    return result
