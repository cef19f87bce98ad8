"""The kernels of ranked search against Python's integers and against SEAL, at random and at their limits."""

from __future__ import annotations

import numpy as np
import pytest
import tenseal.sealapi as sealapi
from numpy.typing import NDArray

from blindwatch.he import objects
from blindwatch.he import seal as serialized
from blindwatch.he.ranked import kernels, seal
from blindwatch.he.ranked.presets import CHUNK, FOLD_ROWS, RANK_PRESETS, RankPreset, rank_preset
from blindwatch.he.ranked.rows import ROWS
from blindwatch.he.ranked.scanning import multiply, score
from blindwatch.he.ranked.transform import constants, transpose

from .conftest import RankBench

Integers = NDArray[np.uint64]
PRESETS = [pytest.param(each, id=each.name) for each in RANK_PRESETS.values()]
SMALL = rank_preset("rank-128")


def sums(preset: RankPreset, block: np.ndarray, query: np.ndarray) -> Integers:
    result = np.empty((3, preset.data_primes, preset.poly_degree), np.uint64)
    kernels.accumulate(block, query, constants(preset).gaps, result)
    return result


def exact_sums(block: np.ndarray, query: np.ndarray, chunk: int) -> list[list[list[int]]]:
    """By Python's integers, for one chunk: three sums for each prime and coefficient."""
    a, b = block[:, chunk].astype(object), query[:, chunk].astype(object)
    (a0, a1), (b0, b1) = (np.moveaxis(each, 2, 0) for each in (a, b))
    return [part.sum(axis=1).tolist() for part in (a0 * b0, a0 * b1 + a1 * b0, a1 * b1)]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("largest", [True, False])
def test_sums_are_those_of_integers(preset: RankPreset, largest: bool, rng: np.random.Generator) -> None:
    limits = np.array(preset.primes[:2], np.uint32)[:, None, None, None, None]
    block, query = (
        np.broadcast_to(limits - 1, preset.shape).copy()
        if largest
        else rng.integers(0, limits, preset.shape, np.uint32)
        for _ in range(2)
    )
    found = sums(preset, block, query)
    assert found.max() < 2**52
    for chunk in (0, 17, 63):
        expected = exact_sums(block, query, chunk)
        for part in range(3):
            for row, prime in enumerate(preset.primes[:2]):
                values = found[part, row, CHUNK * chunk : CHUNK * (chunk + 1)].tolist()
                assert [v % prime for v in values] == [v % prime for v in expected[part][row]]


@pytest.mark.parametrize("preset", PRESETS)
def test_eight_rows_fit_behind_a_fold_and_a_ninth_would_not(preset: RankPreset) -> None:
    assert preset.dimension % ROWS == ROWS % FOLD_ROWS == 0
    for prime in preset.primes[: preset.data_primes]:
        left = 2**32 - 1 + (2**32 - 1) * 4 * (2**30 - prime)
        assert left + 2 * FOLD_ROWS * (prime - 1) ** 2 < 2**64
        assert left + 2 * (FOLD_ROWS + 1) * (prime - 1) ** 2 >= 2**64


def test_the_inverse_transform_is_seals_times_the_constant(rank_bench: RankBench) -> None:
    fixed, evaluator = constants(SMALL), sealapi.Evaluator(rank_bench.context)
    fresh = rank_bench.encrypt(np.arange(4096) % 50)
    residues = rank_bench.residues(fresh)
    transformed = sealapi.Ciphertext(rank_bench.context)
    evaluator.transform_to_ntt(fresh, transformed)
    values = transpose(rank_bench.residues(transformed))
    back = kernels.from_ntt(values.copy(), fixed.roots, fixed.quotients, fixed.scales, fixed.primes)
    factors = [[-SMALL.plain_modulus % p] for p in SMALL.primes[:2]]
    expected = residues.astype(object) * np.array(factors, object) % fixed.primes.astype(object)[:, None]
    assert np.array_equal(back, expected.astype(np.uint32))


def test_the_inverse_transform_takes_all_that_sums_can_be(rng: np.random.Generator) -> None:
    fixed = constants(SMALL)
    large = rng.integers(2**52 - 2**30, 2**52, (1, 2, 4096), np.uint64)
    large[..., :100] = 2**52 - 1
    small = large % fixed.primes[:, None].astype(np.uint64)
    found = [
        kernels.from_ntt(each, fixed.roots, fixed.quotients, fixed.scales, fixed.primes)
        for each in (large, small)
    ]
    assert np.array_equal(found[0], found[1])
    assert (found[0] < fixed.primes[:, None]).all()


def test_dropping_a_prime_is_seals(rank_bench: RankBench) -> None:
    fixed, evaluator = constants(SMALL), sealapi.Evaluator(rank_bench.context)
    fresh, lowered = rank_bench.encrypt(np.arange(4096)), sealapi.Ciphertext(rank_bench.context)
    evaluator.mod_switch_to_next(fresh, lowered)
    found = kernels.drop_prime(rank_bench.residues(fresh).astype(np.uint32), fixed.inverse, fixed.primes)
    assert np.array_equal(found, rank_bench.residues(lowered)[:, 0])


@pytest.mark.parametrize("edge", [0, 1, -1])
def test_dropping_a_prime_rounds_at_the_limits(edge: int) -> None:
    fixed, (first, last) = constants(SMALL), SMALL.primes[:2]
    values = [
        edge % (first * last),
        (last // 2 + edge),
        last // 2 + 1 + edge,
        first * last - 1,
        first * last // 2,
    ]
    residues = np.zeros((1, 2, 4096), np.uint32)
    residues[0, :, : len(values)] = [[v % p for v in values] for p in (first, last)]
    found = kernels.drop_prime(residues, fixed.inverse, fixed.primes)
    assert found[0, : len(values)].tolist() == [(v + last // 2) // last % first for v in values]


def test_products_are_those_of_seals_evaluator(rank_bench: RankBench, rng: np.random.Generator) -> None:
    """The same decrypted plaintext for all d products and their sum, of any values and not of templates only."""
    rows = rng.integers(-40, 41, (SMALL.dimension, 4096))
    constant = rng.integers(-4, 5, SMALL.dimension)
    left = [rank_bench.encrypt(row) for row in rows]
    right = [rank_bench.encrypt(np.array([value])) for value in constant]
    evaluator = sealapi.Evaluator(rank_bench.context)
    products = [sealapi.Ciphertext(rank_bench.context) for _ in rows]
    for a, b, product in zip(left, right, products, strict=True):
        evaluator.multiply(a, b, product)
    theirs = sealapi.Ciphertext(rank_bench.context)
    evaluator.add_many(products, theirs)
    forms = [rank_bench.form(each) for each in (left, right)]
    ours = [multiply(SMALL, forms[1], forms[0]), score(SMALL, forms[1], forms[0])[:, None]]
    expected = rank_bench.open(theirs)
    for residues in ours:
        data = objects.write_ciphertext(SMALL, residues.astype(np.uint64))
        found = rank_bench.open(serialized.load_into(rank_bench.context, sealapi.Ciphertext, data))
        assert np.array_equal(found, expected)
    assert np.array_equal(expected, (constant @ rows + 4096) % 8192 - 4096)


def test_plaintexts_come_back(rng: np.random.Generator) -> None:
    for values in (rng.integers(-4096, 4096, 4096), np.array([-4096]), np.zeros(3, np.int64)):
        found = seal.coefficients(SMALL, seal.plaintext(SMALL, values))
        assert np.array_equal(found[: len(values)], values)
        assert not found[len(values) :].any()
