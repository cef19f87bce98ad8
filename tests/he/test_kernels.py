"""The kernels against Python's integers and against SEAL, on random inputs and at the limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tenseal.sealapi as sealapi
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from blindwatch.he import arithmetic, kernels, seal
from blindwatch.he.layout import SWAP
from blindwatch.he.ntt import Doubles, bit_reversed, centred, from_natural, primitive_root, to_natural
from blindwatch.he.packing import Packed
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.ring import _AUXILIARY, Extension, automorphism, permutation, ring, transposed
from blindwatch.he.seal_scheme import galois_element

from .conftest import Bench

REAL_PRIMES = (281449206448129, 281238749839361, 281474976546817, PLAIN_MODULUS)


@njit()
def _multiply(a: float, b: float, prime: float) -> float:
    return arithmetic.multiply(a, b, prime, 1.0 / prime)


@njit()
def _reduce(a: float, prime: float) -> float:
    return arithmetic.reduce(a, prime, 1.0 / prime)


def exact(values: np.ndarray) -> list[int]:
    return [int(value) for value in values.ravel()]


def random_residues(rng: np.random.Generator, preset: Preset, *lead: int, primes: tuple[int, ...]) -> Doubles:
    shape = (*lead, len(primes), preset.poly_degree)
    limits = np.array(primes)[:, np.newaxis]
    values = rng.integers(0, limits, shape)
    values[..., :4] = [0, 1, -1, 2]
    values[..., 4:6] = limits // 2 + np.array([0, 1])
    values = values % limits
    return np.asarray(np.where(values > limits // 2, values - limits, values), np.float64)


@given(st.sampled_from(REAL_PRIMES), st.floats(-31, 31), st.floats(-0.5, 0.5), st.integers(-3, 3))
def test_products_are_exact_and_within_their_bound(prime: int, a: float, b: float, nudge: int) -> None:
    x, y = round(a * prime) + nudge, min(max(round(b * prime) + nudge, -(prime // 2)), prime // 2)
    result = _multiply(float(x), float(y), float(prime))
    assert (int(result) - x * y) % prime == 0
    assert abs(result) <= (0.5 + (abs(a) + 1e-3) / 20) * prime + 1


@given(st.sampled_from(REAL_PRIMES), st.integers(-(2**53), 2**53))
def test_reduction_is_exact(prime: int, value: int) -> None:
    result = _reduce(float(value), float(prime))
    assert (int(result) - value) % prime == 0
    assert abs(result) <= prime // 2 + 1


def test_auxiliary_primes_are_primes_of_the_ring(real: Preset) -> None:
    for prime in (*real.primes, *_AUXILIARY):
        assert prime < arithmetic.PRIME_LIMIT
        assert prime % (2 * real.poly_degree) == 1
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7, 11))
    assert len({*real.primes, *_AUXILIARY}) == len(real.primes) + len(_AUXILIARY)


def test_transform_gives_the_values_at_powers_of_the_root(real: Preset, rng: np.random.Generator) -> None:
    values = random_residues(rng, real, 1, primes=real.primes)
    transformed = kernels.to_ntt(values, ring(real).tables)[..., transposed(real.poly_degree)]
    order = bit_reversed(real.poly_degree)
    for row, prime in enumerate(real.primes):
        root, coefficients = primitive_root(prime, 2 * real.poly_degree), exact(to_natural(values[0, row]))
        for at in (0, 1, 77, real.poly_degree - 1):
            point, total = pow(root, 2 * int(order[at]) + 1, prime), 0
            for coefficient in reversed(coefficients):
                total = (total * point + coefficient) % prime
            assert int(transformed[0, row, at]) % prime == total


def test_transform_and_its_inverse_cancel(real: Preset, rng: np.random.Generator) -> None:
    values = random_residues(rng, real, 2, primes=real.primes)
    there = kernels.to_ntt(values, ring(real).tables)
    assert np.array_equal(kernels.from_ntt(there, ring(real).tables), values)


def test_transform_is_seals_residue_for_residue(bench: Bench, rng: np.random.Generator) -> None:
    data = bench.encrypt(rng.integers(0, PLAIN_MODULUS, bench.preset.poly_degree))
    ours = kernels.to_ntt(bench.ours.load(data).coefficients, ring(bench.preset).tables)
    theirs = bench.theirs.load(data)
    bench.theirs._evaluator.transform_to_ntt_inplace(theirs)
    assert np.array_equal(ours, bench.residues(theirs))


def test_encoding_is_seals(real: Preset, bench: Bench, rng: np.random.Generator) -> None:
    slots = rng.integers(0, PLAIN_MODULUS, real.poly_degree)
    encoded = seal.plaintext(real, slots.tolist())
    theirs = [encoded.data(i) for i in range(encoded.coeff_count())]
    assert [int(value) % PLAIN_MODULUS for value in to_natural(bench.ours._encode(slots))] == theirs


def test_dropping_a_prime_is_seals_residue_for_residue(bench: Bench, rng: np.random.Generator) -> None:
    data = bench.encrypt(rng.integers(0, PLAIN_MODULUS, bench.preset.poly_degree))
    for primes in range(bench.preset.data_primes - 1, 0, -1):
        ours = bench.ours.lower(bench.ours.load(data), primes)
        theirs = bench.theirs.lower(bench.theirs.load(data), primes)
        assert np.array_equal(ours.coefficients, bench.residues(theirs))


@pytest.mark.parametrize("step", [1, 16, 504, 4032])
def test_automorphism_turns_coefficients_round(real: Preset, step: int, rng: np.random.Generator) -> None:
    element = galois_element(step, real.poly_degree)
    source, signs = automorphism(real.poly_degree, element)
    values = rng.integers(-5, 6, real.poly_degree).astype(np.float64)
    expected = np.zeros(real.poly_degree)
    for at, value in enumerate(values):
        target = at * element % (2 * real.poly_degree)
        expected[target % real.poly_degree] = value if target < real.poly_degree else -value
    assert np.array_equal(to_natural(from_natural(values)[source] * signs), expected)


def test_extension_is_exact_on_every_level(real: Preset, rng: np.random.Generator) -> None:
    for count, level in ring(real).levels.items():
        primes = real.primes[:count]
        whole = int(np.prod([int(p) for p in primes], dtype=object))
        numbers = [int(rng.integers(-(2**62), 2**62)) * (whole // 2**63) for _ in range(real.poly_degree)]
        numbers[:4] = [0, 1, -1, whole // 2 - (whole >> 39)]
        values = np.array([[[centred(n, p) for n in numbers] for p in primes]])
        wider = kernels.extend(values, *level.up.arrays)
        for row, prime in enumerate(_AUXILIARY[: count + 1]):
            assert all((int(a) - b) % prime == 0 for a, b in zip(wider[0, row], numbers, strict=True))
        down = Extension.between(_AUXILIARY[: count + 1], primes)
        assert np.array_equal(kernels.extend(wider, *down.arrays), values)


@pytest.mark.parametrize("step", [SWAP, 1, 3, 12, 16, 4032])
def test_automorphism_permutes_transformed_values(real: Preset, step: int, rng: np.random.Generator) -> None:
    element = galois_element(step, real.poly_degree)
    source, signs = automorphism(real.poly_degree, element)
    values = random_residues(rng, real, 1, primes=real.primes)
    turned = kernels.to_ntt(kernels.turn(values, source, signs), ring(real).tables)
    permuted = kernels.to_ntt(values, ring(real).tables)[..., permutation(real.poly_degree, element)]
    assert np.array_equal(turned, permuted)


def test_transforms_of_values_at_their_limits_are_exact(real: Preset) -> None:
    primes, tables = real.primes, ring(real).tables
    half = np.array([p // 2 for p in primes], dtype=np.float64)[:, np.newaxis]
    for signs in (np.ones(real.poly_degree), np.where(np.arange(real.poly_degree) % 2, 1.0, -1.0)):
        values = (half * signs)[np.newaxis]
        assert np.array_equal(kernels.from_ntt(kernels.to_ntt(values, tables), tables), values)


def test_the_inverse_takes_sums_of_up_to_five_primes(real: Preset) -> None:
    tables, degree = ring(real).tables, real.poly_degree
    half = np.array([p // 2 for p in real.primes], dtype=np.float64)[:, np.newaxis]
    for signs in (np.ones(degree), np.where(np.arange(degree) % 3, 1.0, -1.0)):
        once = kernels.from_ntt((half * signs)[np.newaxis], tables)
        many = kernels.from_ntt((9 * half * signs)[np.newaxis], tables)
        assert np.array_equal(many, kernels.add(9 * once, 0 * once, tables))


def test_packing_keeps_every_residue(real: Preset, rng: np.random.Generator, tmp_path: Path) -> None:
    primes = np.array(real.primes[:3], dtype=np.float64)
    values = [random_residues(rng, real, 2, primes=real.primes[:3]) for _ in range(2)]
    packed = Packed.of(values, primes, (2, 2, 3, real.poly_degree))
    packed.save(tmp_path, "some")
    mapped = Packed.map(tmp_path, "some")
    words = mapped.low.astype(np.int64) + (mapped.high.astype(np.int64) << 32)
    for row, prime in enumerate(real.primes[:3]):
        assert np.array_equal(words[:, :, row], np.stack(values)[:, :, row].astype(np.int64) % prime)
    with pytest.raises(ValueError, match="shorter"):
        Packed.of(values, primes, (3, 2, 3, real.poly_degree))


@pytest.mark.parametrize("babies", [16, 28, 57])
def test_dots_of_residues_at_their_limits(real: Preset, babies: int) -> None:
    primes, tables = real.primes[:2], ring(real).tables
    shape = (babies, 2, 2, real.poly_degree)
    half = np.array([p // 2 for p in primes], dtype=np.float64)[:, np.newaxis]
    # The largest packed residue is p - 1, and a packed -(p // 2) is p - p // 2.
    for residue in (-1, -(real.primes[0] // 2)):
        right = Packed.of(np.full(shape, float(residue)), np.array(primes, dtype=np.float64), shape)
        result = kernels.dots(half * np.ones(shape), right.low, right.high, ring(real).negative_t, tables)
        for row, prime in enumerate(primes):
            product = babies * (prime // 2) * residue * -PLAIN_MODULUS
            for part, times in enumerate((1, 2, 1)):
                assert (int(result[0, part, row, 5]) - times * product) % prime == 0
                assert abs(result[0, part, row]).max() <= prime // 2 + 1


def test_sums_at_the_limit_of_lazy_addition_are_exact(real: Preset) -> None:
    prime, tables = real.primes[0], ring(real).tables
    values = np.full((1, 1, real.poly_degree), float(prime // 2))
    for factor in (32768.0, float(prime // 2)):
        total = kernels.combine((values,) * 28, np.full(28, factor), tables)
        assert (int(total[0, 0, 0]) - 28 * (prime // 2) * int(factor)) % prime == 0
        assert abs(total).max() <= prime // 2 + 1


def test_operations_decrypt_to_what_seal_computes(bench: Bench, rng: np.random.Generator) -> None:
    degree = bench.preset.poly_degree
    slots = [rng.integers(0, PLAIN_MODULUS, degree) for _ in range(2)]
    slots[0][:4], slots[1][:4] = [0, 1, 65536, 65536], [65536, 1, 65536, 0]
    data = [bench.encrypt(each) for each in slots]
    a, b = (bench.ours.load(each) for each in data)
    c, d = (bench.theirs.load(each) for each in data)
    factors = rng.integers(0, PLAIN_MODULUS, degree)
    pairs = {
        "multiply": (bench.ours.products([(a, b)]), bench.theirs.products([(c, d)])),
        "square": (bench.ours.products([(a, a)]), bench.theirs.products([(c, c)])),
        "products": (
            bench.ours.products([(a, b), (b, b), (a, a), (b, a)]),
            bench.theirs.products([(c, d), (d, d), (c, c), (d, c)]),
        ),
        "add": (bench.ours.add(a, b), bench.theirs.add(c, d)),
        "combine": (
            bench.ours.combine([a, b], [-7, 65536], 12),
            bench.theirs.combine([c, d], [-7, 65536], 12),
        ),
        "mask": (bench.ours.mask(a, factors), bench.theirs.mask(c, factors)),
        **{
            f"rotate {step}": (bench.ours.rotate(a, step), bench.theirs.rotate(c, step))
            for step in bench.preset.steps
        },
        **{
            f"rotation {step}": (turned, bench.theirs.rotate(c, step) if step else c)
            for step, turned in enumerate(bench.ours.rotations(a, 16))
            if step in bench.preset.steps
        },
    }
    for name, (ours, theirs) in pairs.items():
        opened = bench.to_seal(ours)
        assert np.array_equal(bench.open(opened), bench.open(theirs)), name
        assert bench.noise(opened) <= bench.noise(theirs) + 1, name


@pytest.mark.parametrize("primes", [6, 5, 4, 3, 2])
def test_products_on_lower_levels_decrypt_to_what_seal_computes(
    bench: Bench, primes: int, rng: np.random.Generator
) -> None:
    slots = [rng.integers(0, PLAIN_MODULUS, bench.preset.poly_degree) for _ in range(2)]
    ours = [bench.ours.lower(bench.ours.load(bench.encrypt(each)), primes) for each in slots]
    product = bench.open(bench.to_seal(bench.ours.products([(ours[0], ours[1])])))
    assert np.array_equal(product, slots[0] * slots[1] % PLAIN_MODULUS)


@pytest.mark.parametrize("primes", [7, 3])
def test_dots_decrypt_to_sums_of_products(bench: Bench, primes: int, rng: np.random.Generator) -> None:
    degree = bench.preset.poly_degree
    left, right = rng.integers(0, PLAIN_MODULUS, (3, degree)), rng.integers(0, PLAIN_MODULUS, (9, degree))
    values = [bench.ours.lower(bench.ours.load(bench.encrypt(each)), primes) for each in left]
    parts = bench.ours.pack((bench.encryptor._encrypt(each, primes) for each in right), 9, primes)
    expected = np.zeros(degree, dtype=np.int64)
    for giant in range(3):
        dot = (left * right[3 * giant : 3 * giant + 3] % PLAIN_MODULUS).sum(axis=0)
        expected += np.roll(dot.reshape(2, -1), -16 * giant, axis=1).ravel()
    found = bench.ours.dots(values, parts, 16)
    assert np.array_equal(bench.open(bench.to_seal(found)), expected % PLAIN_MODULUS)


def test_every_rotation_of_the_probe_is_right(bench: Bench, rng: np.random.Generator) -> None:
    slots = rng.integers(0, PLAIN_MODULUS, bench.preset.poly_degree)
    turned = bench.ours.rotations(bench.ours.load(bench.encrypt(slots)), 16)
    for step, value in enumerate(turned):
        expected = np.roll(slots.reshape(2, -1), -step, axis=1).ravel()
        assert np.array_equal(bench.open(bench.to_seal(value)), expected)


def test_nothing_decrypts_what_a_wrong_key_made(bench: Bench) -> None:
    other = sealapi.KeyGenerator(seal.context(bench.preset))
    wrong = sealapi.Decryptor(seal.context(bench.preset), other.secret_key())
    slots = np.arange(bench.preset.poly_degree)
    opened = sealapi.Plaintext()
    wrong.decrypt(bench.theirs.load(bench.encrypt(slots)), opened)
    decoded = np.array(seal.encoder(bench.preset).decode_uint64(opened))
    assert np.mean(decoded == slots) < 0.01
