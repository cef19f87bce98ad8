"""Key switching on residues: relinearisation and rotation.

Arrays are those of `kernels`. The digits that a key is multiplied with are the residues of a polynomial themselves:
as centred integers they are good for every prime, since all primes are of nearly the same size. Keys are transformed,
of shape (digits, 2, K + 1, N), the special prime last; `shrink` (k,) holds its inverses modulo the others. Work goes
prime by prime: a digit is transformed, and multiplied with the key while it is in a near cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from blindwatch.he.arithmetic import multiply, reduce
from blindwatch.he.kernels import Places
from blindwatch.he.ntt import Arrays, Doubles, backward, forward


@njit(cache=True, parallel=True)
def key_switch(target: Doubles, key: Doubles, rest: Doubles, shrink: Doubles, tables_: Arrays) -> Doubles:
    """What replaces `target` (k, N) times its old key, under the new one, and `rest` (1 or 2, k, N): (2, k, N)."""
    count, degree = target.shape
    special = key.shape[2] - 1
    sums = np.empty((2, count + 1, degree))
    for task in prange(count + 1):
        row = int(np.int64(task)) if task < count else special
        first, second = np.zeros(degree), np.zeros(degree)
        _add_switched(target, key, first, second, tables_, row)
        backward(first, sums[0, task], tables_, row)
        backward(second, sums[1, task], tables_, row)
    result = np.empty((2, count, degree))
    for task in prange(2 * count):
        part, row = task // count, task % count
        _divide(sums[part, row], sums[part, count], result[part, row], shrink[row], tables_, row)
        if part < rest.shape[0]:
            _add(rest[part, row], result[part, row])
            _reduce(result[part, row], tables_, row)
    return result


@njit(cache=True, parallel=True)
def turned_sum(
    products: Doubles,
    relinearisation: Doubles,
    rotation: Doubles,
    order: Places,
    source: Places,
    signs: Doubles,
    lift: Doubles,
    shrink: Doubles,
    tables_: Arrays,
) -> Doubles:
    """The sum of transformed products (g, 3, k, N), relinearised, the i-th of them turned i times: (2, k, N).

    By Horner's rule: what is there is turned, and the next one added. Of the sum's two polynomials the second one is
    needed modulo each prime to be turned again. The first one needs no digits: it stays transformed and times the
    special prime, which `lift` (k,) holds modulo the others, until the end. `order` permutes transformed values as
    `source` and `signs` do coefficients.
    """
    giants, _, count, degree = products.shape
    special = rotation.shape[2] - 1
    still, sums = np.zeros((2, count + 1, degree)), np.empty((count + 1, degree))
    moving, outer, turned = np.zeros((count, degree)), np.empty((count, degree)), np.empty((count, degree))
    for turn in range(giants):
        product = products[giants - 1 - turn]
        before, after = still[turn % 2], still[1 - turn % 2]
        for row in prange(count):
            backward(product[2, row], outer[row], tables_, row)
            _turn(moving[row], source, signs, turned[row])
        for task in prange(count + 1):
            row = int(np.int64(task)) if task < count else special
            first, second = np.zeros(degree), np.zeros(degree)
            _add_switched(outer, relinearisation, first, second, tables_, row)
            if turn > 0:
                _add_switched(turned, rotation, first, second, tables_, row)
                _add_permuted(before[task], order, first)
            if task < count:
                _add_scaled(product[0, row], lift[row], first, tables_, row)
                _add_scaled(product[1, row], lift[row], second, tables_, row)
            _reduce(first, tables_, row)
            _reduce(second, tables_, row)
            after[task] = first
            backward(second, sums[task], tables_, row)
        for row in prange(count):
            _divide(sums[row], sums[count], moving[row], shrink[row], tables_, row)
    result, last = np.empty((2, count, degree)), still[giants % 2]
    for task in prange(count + 1):
        backward(last[task], sums[task], tables_, int(np.int64(task)) if task < count else special)
    for row in prange(count):
        _divide(sums[row], sums[count], result[0, row], shrink[row], tables_, row)
        result[1, row] = moving[row]
    return result


@njit(cache=True, parallel=True)
def hoisted(
    target: Doubles,
    still: Doubles,
    keys: tuple[Doubles, ...],
    orders: tuple[Places, ...],
    result: Doubles,
    places: Places,
    shrink: Doubles,
    tables_: Arrays,
) -> None:
    """Rotations of one ciphertext that share its digits, transformed, at `places` of `result` (m, 2, k, N).

    `target` (k, N) is the ciphertext's second polynomial, `still` (k, N) the first, transformed. A rotation permutes
    transformed values by its order (N,). Keys have the same permutation undone, so that what is permuted is their
    sum with the digits, once (Halevi and Shoup, "Faster homomorphic linear transformations in HElib", 2018).
    """
    count, degree = target.shape
    turns, special = len(keys), keys[0].shape[2] - 1
    sums, tops = np.zeros((count + 1, turns, 2, degree)), np.empty((turns, 2, degree))
    for task in prange(count + 1):
        row = int(np.int64(task)) if task < count else special
        split = np.empty((count, degree))
        for which in range(count):
            forward(target[which], split[which], tables_, row)
        for turn in range(turns):
            first, second = sums[task, turn, 0], sums[task, turn, 1]
            for which in range(count):
                _add_product(split[which], keys[turn][which], first, second, tables_, row)
    for task in prange(2 * turns):
        backward(sums[count, task // 2, task % 2], tops[task // 2, task % 2], tables_, special)
    for task in prange(turns * count):
        turn, row = task // count, task % count
        top, whole = np.empty(degree), np.empty(degree)
        for part in range(2):
            forward(tops[turn, part], top, tables_, row)
            _divide(sums[row, turn, part], top, whole, shrink[row], tables_, row)
            if part == 0:
                _add(still[row], whole)
            _permute(whole, orders[turn], result[places[turn], part, row])
            _reduce(result[places[turn], part, row], tables_, row)


@njit(cache=True, nogil=True)
def _add_switched(
    target: Doubles, key: Doubles, first: Doubles, second: Doubles, tables_: Arrays, row: int
) -> None:
    """Transforms the digits of `target` (k, N) modulo one prime and adds them times their key to the sums (N,)."""
    digit = np.empty(first.size)
    for which in range(target.shape[0]):
        forward(target[which], digit, tables_, row)
        _add_product(digit, key[which], first, second, tables_, row)


@njit(cache=True, nogil=True)
def _add_product(
    digit: Doubles, key: Doubles, first: Doubles, second: Doubles, tables_: Arrays, row: int
) -> None:
    """Adds a transformed digit times the two halves of a key; each sum grows by 0.53 p at most."""
    prime, inverse, key0, key1 = tables_[0][row], tables_[1][row], key[0, row], key[1, row]
    for at in range(first.size):
        first[at] += multiply(digit[at], key0[at], prime, inverse)
        second[at] += multiply(digit[at], key1[at], prime, inverse)


@njit(cache=True, nogil=True)
def _add_scaled(values: Doubles, factor: float, sums: Doubles, tables_: Arrays, row: int) -> None:
    prime, inverse = tables_[0][row], tables_[1][row]
    for at in range(sums.size):
        sums[at] += multiply(values[at], factor, prime, inverse)


@njit(cache=True, nogil=True)
def _add(values: Doubles, sums: Doubles) -> None:
    for at in range(sums.size):
        sums[at] += values[at]


@njit(cache=True, nogil=True)
def _add_permuted(values: Doubles, order: Places, sums: Doubles) -> None:
    for at in range(sums.size):
        sums[at] += values[order[at]]


@njit(cache=True, nogil=True)
def _permute(values: Doubles, order: Places, result: Doubles) -> None:
    for at in range(result.size):
        result[at] = values[order[at]]


@njit(cache=True, nogil=True)
def _turn(values: Doubles, source: Places, signs: Doubles, result: Doubles) -> None:
    for at in range(result.size):
        result[at] = values[source[at]] * signs[at]


@njit(cache=True, nogil=True)
def _reduce(values: Doubles, tables_: Arrays, row: int) -> None:
    prime, inverse = tables_[0][row], tables_[1][row]
    for at in range(values.size):
        values[at] = reduce(values[at], prime, inverse)


@njit(cache=True, nogil=True)
def _divide(sums: Doubles, top: Doubles, result: Doubles, factor: float, tables_: Arrays, row: int) -> None:
    """`sums` modulo one prime over the special one, modulo which they are `top`, rounded."""
    prime, inverse = tables_[0][row], tables_[1][row]
    for at in range(sums.size):
        result[at] = reduce(multiply(sums[at] - top[at], factor, prime, inverse), prime, inverse)
