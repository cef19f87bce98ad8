"""Products of ciphertexts: t / Q times the product over the integers, rounded.

Arrays are those of `kernels`. A product is computed modulo the primes of its factors and modulo the auxiliary ones,
which is enough for the integers that it consists of; then it is divided.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from blindwatch.he.arithmetic import multiply, nearest, reduce
from blindwatch.he.ntt import Arrays, Doubles, backward

_CHUNK = 256


@njit(cache=True, parallel=True)
def tensors(lefts: tuple[Doubles, ...], rights: tuple[Doubles, ...], tables_: Arrays) -> Doubles:
    """The sum of at most four products of transformed ciphertexts (2, k, N): coefficients (3, k, N)."""
    _, rows, degree = lefts[0].shape
    result = np.empty((3, rows, degree))
    for row in prange(rows):
        prime, inverse = tables_[0][row], tables_[1][row]
        sums = np.zeros((3, degree))
        for pair in range(len(lefts)):
            left, right = lefts[pair], rights[pair]
            for part in range(2):
                for other in range(2):
                    a, b, total = left[part, row], right[other, row], sums[part + other]
                    for at in range(degree):
                        total[at] += multiply(a[at], b[at], prime, inverse)
        for part in range(3):
            backward(sums[part], result[part, row], tables_, row)
    return result


@njit(cache=True, nogil=True)
def _turns(parts: Doubles, inverses: Doubles) -> Doubles:
    """How many times too much the sum of parts over their primes is, which are shares of an integer."""
    turns = np.zeros(parts.shape[1])
    for row in range(parts.shape[0]):
        part, inverse = parts[row], inverses[row]
        for at in range(turns.size):
            turns[at] += part[at] * inverse
    for at in range(turns.size):
        turns[at] = nearest(turns[at])
    return turns


@njit(cache=True, nogil=True)
def _merge(
    parts: Doubles, merge: Doubles, turns: Doubles, whole: float, total: Doubles, prime: float, inverse: float
) -> None:
    """Add to `total` the integer that parts stand for, and reduce."""
    for at in range(total.size):
        total[at] -= multiply(turns[at], whole, prime, inverse)
    for row in range(parts.shape[0]):
        part, factor = parts[row], merge[row]
        for at in range(total.size):
            total[at] += multiply(part[at], factor, prime, inverse)
    for at in range(total.size):
        total[at] = reduce(total[at], prime, inverse)


@njit(cache=True, nogil=True)
def _scale(values: Doubles, factor: float, result: Doubles, prime: float, inverse: float) -> None:
    for at in range(values.size):
        result[at] = multiply(values[at], factor, prime, inverse)


@njit(cache=True, parallel=True)
def divide(
    product: Doubles,
    more: Doubles,
    split: Doubles,
    merge: Doubles,
    whole: Doubles,
    scale: Doubles,
    back_merge: Doubles,
    back_whole: Doubles,
    primes: Doubles,
    inverses: Doubles,
    into: Doubles,
    into_inverses: Doubles,
) -> Doubles:
    """t / Q times integers, rounded, modulo `primes`, from residues (m, k, N) modulo these and (m, l, N) `into`.

    The remainder of t times the integer modulo Q is extended to `into` and taken away, what is left is divided by Q
    there and extended back: two times `kernels.extend`, with the constants in between multiplied into its own.
    """
    count, rows, degree = product.shape
    stretches = degree // _CHUNK
    result = np.empty((count, rows, degree))
    for task in prange(count * stretches):
        which, start = task // stretches, task % stretches * _CHUNK
        end = start + _CHUNK
        parts, quotients = np.empty((rows, _CHUNK)), np.empty((into.size, _CHUNK))
        for row in range(rows):
            prime, inverse, part = primes[row], inverses[row], parts[row]
            _scale(product[which, row, start:end], split[row], part, prime, inverse)
            for at in range(_CHUNK):
                part[at] = reduce(part[at], prime, inverse)
        turns = _turns(parts, inverses)
        for row in range(into.size):
            prime, inverse, quotient = into[row], into_inverses[row], quotients[row]
            _scale(more[which, row, start:end], scale[row], quotient, prime, inverse)
            _merge(parts, merge[row], turns, whole[row], quotient, prime, inverse)
        turns = _turns(quotients, into_inverses)
        for row in range(rows):
            total = result[which, row, start:end]
            total[:] = 0.0
            _merge(quotients, back_merge[row], turns, back_whole[row], total, primes[row], inverses[row])
    return result
