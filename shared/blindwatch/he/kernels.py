"""Public evaluation on residues: what SEAL's evaluator does, for many values in one pass over memory.

All arrays are doubles as `arithmetic` describes them, of shape (..., primes, N), reduced. `tables_` are those of
`ntt`, with the primes of the arrays first. Nothing here depends on a secret or branches on data.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from blindwatch.he.arithmetic import multiply, nearest, reduce
from blindwatch.he.ntt import Doubles, backward, forward

_CHUNK = 256


@njit(cache=True)
def to_ntt(polynomials: Doubles, tables_: tuple[Doubles, ...]) -> Doubles:
    """Transform (m, k, N); row k of each modulo prime k."""
    result = np.empty_like(polynomials)
    buffer = np.empty(polynomials.shape[2])
    for which in range(polynomials.shape[0]):
        for row in range(polynomials.shape[1]):
            buffer[:] = polynomials[which, row]
            forward(buffer, result[which, row], tables_, row)
    return result


@njit(cache=True)
def from_ntt(polynomials: Doubles, tables_: tuple[Doubles, ...]) -> Doubles:
    """The inverse of `to_ntt`; it spoils its argument."""
    result = np.empty_like(polynomials)
    for which in range(polynomials.shape[0]):
        for row in range(polynomials.shape[1]):
            backward(polynomials[which, row], result[which, row], tables_, row)
    return result


@njit(cache=True)
def dot(left: Doubles, right: Doubles, scales: Doubles, tables_: tuple[Doubles, ...]) -> Doubles:
    """Sum of the tensor products of pairs, times `scales`: (b, 2, k, N) twice, transformed, to (3, k, N)."""
    primes, inverses = tables_[0], tables_[1]
    count, _, rows, degree = left.shape
    result = np.empty((3, rows, degree))
    for row in range(rows):
        prime, inverse, scale = primes[row], inverses[row], scales[row]
        for start in range(0, degree, _CHUNK):
            sums = np.zeros((3, _CHUNK))
            for pair in range(count):
                a0, a1 = (
                    left[pair, 0, row, start : start + _CHUNK],
                    left[pair, 1, row, start : start + _CHUNK],
                )
                b0 = right[pair, 0, row, start : start + _CHUNK]
                b1 = right[pair, 1, row, start : start + _CHUNK]
                for at in range(_CHUNK):
                    outer = multiply(a0[at], b0[at], prime, inverse)
                    cross = multiply(a0[at], b1[at], prime, inverse) + multiply(
                        a1[at], b0[at], prime, inverse
                    )
                    inner = multiply(a1[at], b1[at], prime, inverse)
                    sums[0, at] = reduce(sums[0, at] + outer, prime, inverse)
                    sums[1, at] = reduce(sums[1, at] + cross, prime, inverse)
                    sums[2, at] = reduce(sums[2, at] + inner, prime, inverse)
            for part in range(3):
                for at in range(_CHUNK):
                    result[part, row, start + at] = reduce(
                        multiply(sums[part, at], scale, prime, inverse), prime, inverse
                    )
    return result


@njit(cache=True)
def tensor(left: Doubles, right: Doubles, tables_: tuple[Doubles, ...]) -> Doubles:
    """The product of two transformed ciphertexts (2, k, N), of three polynomials."""
    primes, inverses = tables_[0], tables_[1]
    _, rows, degree = left.shape
    result = np.empty((3, rows, degree))
    for row in range(rows):
        prime, inverse = primes[row], inverses[row]
        for at in range(degree):
            a0, a1, b0, b1 = left[0, row, at], left[1, row, at], right[0, row, at], right[1, row, at]
            cross = multiply(a0, b1, prime, inverse) + multiply(a1, b0, prime, inverse)
            result[0, row, at] = reduce(multiply(a0, b0, prime, inverse), prime, inverse)
            result[1, row, at] = reduce(cross, prime, inverse)
            result[2, row, at] = reduce(multiply(a1, b1, prime, inverse), prime, inverse)
    return result


@njit(cache=True)
def key_switch(target: Doubles, key: Doubles, shrink: Doubles, tables_: tuple[Doubles, ...]) -> Doubles:
    """What replaces `target` (k, N) times its old key: two polynomials (2, k, N) under the new one.

    `key` (digits, 2, K + 1, N) is transformed, its last prime the special one, which the tables have last
    too; `shrink` holds the inverse of the special prime. Digits are the residues of `target` themselves: as
    centred integers they are good for every prime, since all primes are of nearly the same size.
    """
    primes, inverses = tables_[0], tables_[1]
    count, degree = target.shape
    special = key.shape[2] - 1
    result = np.empty((2, count, degree))
    tops = np.empty((2, degree))
    digit, image, buffer = np.empty(degree), np.empty(degree), np.empty(degree)
    sums = np.empty((2, degree))
    for turn in range(count + 1):
        row = special if turn == 0 else turn - 1
        prime, inverse = primes[row], inverses[row]
        sums[:] = 0.0
        for which in range(count):
            digit[:] = target[which]
            forward(digit, image, tables_, row)
            for part in range(2):
                factors, total = key[which, part, row], sums[part]
                for at in range(degree):
                    total[at] = reduce(
                        total[at] + multiply(image[at], factors[at], prime, inverse), prime, inverse
                    )
        for part in range(2):
            if turn == 0:
                backward(sums[part], tops[part], tables_, row)
                continue
            backward(sums[part], buffer, tables_, row)
            for at in range(degree):
                rest = reduce(buffer[at] - tops[part, at], prime, inverse)
                result[part, row, at] = reduce(multiply(rest, shrink[row], prime, inverse), prime, inverse)
    return result


@njit(cache=True)
def drop_prime(polynomials: Doubles, shrink: Doubles, tables_: tuple[Doubles, ...]) -> Doubles:
    """Divide (m, k, N) by the last prime and round: (m, k - 1, N). `shrink` holds that prime's inverses."""
    primes, inverses = tables_[0], tables_[1]
    count, rows, degree = polynomials.shape
    result = np.empty((count, rows - 1, degree))
    for which in range(count):
        last = polynomials[which, rows - 1]
        for row in range(rows - 1):
            prime, inverse = primes[row], inverses[row]
            for at in range(degree):
                rest = reduce(polynomials[which, row, at] - last[at], prime, inverse)
                result[which, row, at] = reduce(multiply(rest, shrink[row], prime, inverse), prime, inverse)
    return result


@njit(cache=True)
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
    result = np.empty((count, into.size, degree))
    parts = np.empty((rows, _CHUNK))
    turns = np.empty(_CHUNK)
    for which in range(count):
        for start in range(0, degree, _CHUNK):
            turns[:] = 0.0
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
                        total[at] = reduce(
                            total[at] + multiply(part[at], factor, prime, inverse), prime, inverse
                        )
    return result


@njit(cache=True)
def affine(
    values: Doubles, factors: Doubles, more: Doubles, more_factors: Doubles, tables_: tuple[Doubles, ...]
) -> Doubles:
    """values * factors + more * more_factors, of (m, k, N) and one factor for each prime (k,)."""
    primes, inverses = tables_[0], tables_[1]
    result = np.empty_like(values)
    for which in range(values.shape[0]):
        for row in range(values.shape[1]):
            prime, inverse = primes[row], inverses[row]
            a, b = factors[row], more_factors[row]
            for at in range(values.shape[2]):
                total = multiply(values[which, row, at], a, prime, inverse)
                total += multiply(more[which, row, at], b, prime, inverse)
                result[which, row, at] = reduce(total, prime, inverse)
    return result


@njit(cache=True)
def pointwise(values: Doubles, factors: Doubles, tables_: tuple[Doubles, ...]) -> Doubles:
    """Transformed values (m, k, N) times a transformed plaintext (k, N)."""
    primes, inverses = tables_[0], tables_[1]
    result = np.empty_like(values)
    for which in range(values.shape[0]):
        for row in range(values.shape[1]):
            prime, inverse = primes[row], inverses[row]
            for at in range(values.shape[2]):
                product = multiply(values[which, row, at], factors[row, at], prime, inverse)
                result[which, row, at] = reduce(product, prime, inverse)
    return result
