"""Key switching and products of ciphertexts against Python's integers, on random residues and at the limits."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import pytest

from blindwatch.he import kernels, products, switching
from blindwatch.he.ntt import Doubles, centred
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.ring import _AUXILIARY, Ring, automorphism, permutation, ring
from blindwatch.he.seal_scheme import galois_element

from .test_kernels import random_residues

Integers = np.ndarray  # of Python's integers


def integers(values: Doubles, primes: Sequence[int]) -> Integers:
    """Residues (..., k, N) as integers, 0 to p - 1."""
    return np.asarray(values.astype(np.int64).astype(object) % np.array(primes, dtype=object)[:, np.newaxis])


def doubles(values: Integers, primes: Sequence[int]) -> Doubles:
    whole = np.array(primes, dtype=object)[:, np.newaxis]
    reduced = np.mod(values, whole)
    return np.asarray(np.where(reduced > whole // 2, reduced - whole, reduced), np.float64)


def rows(preset: Preset, count: int) -> list[int]:
    """The primes that keys have for values with so many, the special one last."""
    return [*preset.primes[:count], preset.primes[-1]]


def transform(constants: Ring, values: Doubles, *, inverse: bool = False) -> Doubles:
    """Of (k + 1, N), the last row modulo the special prime."""
    whole = np.zeros((1, len(constants.preset.primes), values.shape[1]))
    whole[0, : len(values) - 1], whole[0, -1] = values[:-1], values[-1]
    done = (kernels.from_ntt if inverse else kernels.to_ntt)(whole, constants.tables)[0]
    return np.concatenate([done[: len(values) - 1], done[-1:]])


def sums(constants: Ring, target: Doubles, key: Doubles) -> Integers:
    """The digits of `target` (k, N) times a key (k, 2, k + 1, N): (2, k + 1, N), transformed."""
    primes, total = rows(constants.preset, len(target)), 0
    for digit, factors in zip(target, key, strict=True):
        spread = np.stack([integers(digit[np.newaxis], [prime])[0] for prime in primes])
        turned = integers(transform(constants, doubles(spread, primes)), primes)
        total = total + turned * integers(factors, primes)
    return total % np.array(primes, dtype=object)[:, np.newaxis]


def divided(constants: Ring, total: Integers) -> Integers:
    """(k + 1, N), transformed, over the special prime: (k, N)."""
    primes = rows(constants.preset, len(total) - 1)
    values = transform(constants, doubles(total, primes), inverse=True)
    top = values[-1].astype(np.int64).astype(object)
    return np.stack(
        [
            (row.astype(np.int64).astype(object) - top) * pow(primes[-1], -1, prime) % prime
            for row, prime in zip(values[:-1], primes[:-1], strict=True)
        ]
    )


def packed(key: Doubles, preset: Preset) -> Doubles:
    """A key (k, 2, k + 1, N) as the kernels take it; rows and digits that they must not touch are not numbers."""
    count = len(key)
    whole = np.full((7, 2, len(preset.primes), preset.poly_degree), np.nan)
    whole[:count, :, :count], whole[:count, :, -1] = key[:, :, :-1], key[:, :, -1]
    return whole


def residues(preset: Preset, count: int, kind: str, rng: np.random.Generator, *lead: int) -> Doubles:
    """Random ones, or all at p // 2, which is the largest."""
    primes = rows(preset, count)
    if kind == "random":
        return random_residues(rng, preset, *lead, primes=tuple(primes))
    largest = np.array([p // 2 for p in primes], np.float64)
    return np.tile(largest[:, np.newaxis], (*lead, 1, preset.poly_degree))


@pytest.mark.parametrize(("count", "kind"), [(7, "random"), (2, "random"), (7, "largest")])
def test_switching_is_exact(real: Preset, count: int, kind: str, rng: np.random.Generator) -> None:
    constants, primes = ring(real), real.primes[:count]
    # A polynomial whose transform is the largest residue everywhere is that constant.
    target = residues(real, count, kind, rng)[:-1]
    if kind == "largest":
        target[:, 1:] = 0.0
    key = residues(real, count, kind, rng, count, 2)
    rest = random_residues(rng, real, 1, primes=primes)
    found = switching.key_switch(target, packed(key, real), rest, constants.special_shrink, constants.tables)
    expected = np.stack([divided(constants, each) for each in sums(constants, target, key)])
    expected[0] += integers(rest[0], primes)
    assert np.array_equal(found, doubles(expected, primes))


def test_rotations_that_share_digits_are_those_one_by_one(real: Preset, rng: np.random.Generator) -> None:
    constants, count, steps = ring(real), 3, (1, 12)
    value = random_residues(rng, real, 2, primes=real.primes[:count])
    keys = [residues(real, count, "random", rng, count, 2) for _ in steps]
    elements = [galois_element(step, real.poly_degree) for step in steps]
    orders = [permutation(real.poly_degree, element) for element in elements]
    undone = [np.empty_like(key) for key in keys]
    for key, order, target in zip(keys, orders, undone, strict=True):
        target[..., order] = key
    result = np.full((4, 2, count, real.poly_degree), np.nan)
    switching.hoisted(
        value[1],
        kernels.to_ntt(value, constants.tables)[0],
        tuple(packed(key, real) for key in undone),
        tuple(orders),
        result,
        np.array([3, 1]),
        constants.special_shrink,
        constants.tables,
    )
    for place, key, element in zip((3, 1), keys, elements, strict=True):
        turned = kernels.turn(value, *automorphism(real.poly_degree, element))
        alone = switching.key_switch(
            turned[1], packed(key, real), turned[:1], constants.special_shrink, constants.tables
        )
        assert np.array_equal(kernels.from_ntt(result[place], constants.tables), alone)
    assert np.isnan(result[[0, 2]]).all()


@pytest.mark.parametrize(("count", "giants", "kind"), [(3, 3, "random"), (2, 1, "random"), (7, 2, "largest")])
def test_sums_of_turned_products_are_exact(
    real: Preset, count: int, giants: int, kind: str, rng: np.random.Generator
) -> None:
    constants, primes = ring(real), real.primes[:count]
    whole = rows(real, count)
    modulus = np.array(whole, dtype=object)[:, np.newaxis]
    element = galois_element(16, real.poly_degree)
    source, signs = automorphism(real.poly_degree, element)
    order = permutation(real.poly_degree, element)
    terms = residues(real, count, kind, rng, giants, 3)[:, :, :-1].copy()
    keys = [residues(real, count, kind, rng, count, 2) for _ in range(2)]
    first, second = (packed(key, real) for key in keys)
    found = switching.turned_sum(
        terms,
        first,
        second,
        order,
        source,
        signs,
        constants.lift,
        constants.special_shrink,
        constants.tables,
    )
    still: Integers = np.zeros((count + 1, real.poly_degree), dtype=object)
    moving: Integers = np.zeros((count, real.poly_degree), dtype=object)
    for term in terms[::-1]:
        outer = kernels.from_ntt(term[2:], constants.tables)[0]
        turned = kernels.turn(doubles(moving, primes)[np.newaxis], source, signs)[0]
        both = sums(constants, outer, keys[0]) + sums(constants, turned, keys[1])
        both[0] += still[:, order]
        both[:, :-1] += integers(term[:2], primes) * real.primes[-1]
        still, moving = both[0] % modulus, divided(constants, both[1] % modulus)
    assert np.array_equal(found, doubles(np.stack([divided(constants, still), moving]), primes))


def test_sums_of_four_products_at_their_limits_are_exact(real: Preset) -> None:
    primes, tables = real.primes[:2], ring(real).tables
    half = np.array([p // 2 for p in primes], dtype=np.float64)[:, np.newaxis]
    left, right = half * np.ones((2, 2, real.poly_degree)), -half * np.ones((2, 2, real.poly_degree))
    found = kernels.to_ntt(products.tensors((left,) * 4, (right,) * 4, tables), tables)
    for part, times in enumerate((4, 8, 4)):
        for row, prime in enumerate(primes):
            assert (found[part, row] == centred(-times * (prime // 2) ** 2, prime)).all()


@pytest.mark.parametrize("count", [7, 4, 2])
def test_division_rounds_exactly(real: Preset, count: int, rng: np.random.Generator) -> None:
    primes, auxiliary = real.primes[:count], _AUXILIARY[: count + 1]
    whole = prod(primes)
    # As large as sums of four products are: 8 N (Q / 2)^2.
    largest = 2 * real.poly_degree * whole**2
    numbers = [
        int(rng.integers(-(2**62), 2**62)) * (largest >> 62) + int(each)
        for each in rng.integers(0, 2**62, real.poly_degree)
    ]
    numbers[:5] = [0, largest, -largest, whole, whole // PLAIN_MODULUS]
    product, more = (
        np.array([[[centred(n, p) for n in numbers] for p in some]]) for some in (primes, auxiliary)
    )
    found = products.divide(product, more, *ring(real).levels[count].divide)
    expected = [(2 * PLAIN_MODULUS * number + whole) // (2 * whole) for number in numbers]
    assert np.array_equal(found, np.array([[[centred(n, p) for n in expected] for p in primes]]))
