"""Encryptions of zero from a seed: zeros by SEAL's own decryptor, the same for the same seed and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tenseal.sealapi as sealapi

from blindwatch.errors import MalformedCiphertext
from blindwatch.he import masks, objects, seal
from blindwatch.he.zeros import Zeros

if TYPE_CHECKING:
    from .conftest import Bench

SEEDS = [bytes([number]) * 32 for number in range(3)]


@pytest.fixture(scope="module")
def zeros(bench: Bench) -> Zeros:
    return Zeros(bench.preset, bench.keys.encryption.public)


@pytest.mark.parametrize("seed", SEEDS)
def test_they_open_to_zero_with_the_noise_of_a_fresh_ciphertext(
    bench: Bench, zeros: Zeros, seed: bytes
) -> None:
    data = objects.write_ciphertext(bench.preset, zeros.encrypt(seed))
    ciphertext = seal.load(bench.preset, sealapi.Ciphertext, data)
    assert not bench.open(ciphertext).any()
    assert bench.noise(ciphertext) <= 16


def test_a_seed_decides_all_of_it(bench: Bench, zeros: Zeros) -> None:
    other = Zeros(bench.preset, bench.keys.encryption.public)
    assert all(np.array_equal(zeros.encrypt(seed), other.encrypt(seed)) for seed in SEEDS)
    first, second, third = (zeros.encrypt(seed) for seed in SEEDS)
    for one, another in ((first, second), (second, third), (first, third)):
        assert (one == another).mean() < 1e-3


def test_what_is_no_key_is_refused(bench: Bench) -> None:
    ciphertext = bench.theirs.load(bench.encrypt(np.zeros(16384, dtype=np.int64)))
    with pytest.raises(MalformedCiphertext):
        Zeros(bench.preset, seal.save(ciphertext))


def test_flooding_adds_one_integer_of_the_right_size_to_each_coefficient(bench: Bench, zeros: Zeros) -> None:
    preset, seed = bench.preset, SEEDS[0]
    plain, flooded = zeros.encrypt(masks.derive(seed, masks.ZERO)), zeros.flooded(seed)
    assert np.array_equal(plain[1], flooded[1])
    primes = preset.primes[: preset.ladder[-1]]
    added = [
        (high.astype(object) - low.astype(object)) % prime
        for high, low, prime in zip(flooded[0], plain[0], primes, strict=True)
    ]
    (first, second), (p, q) = added, primes
    whole = first + p * ((second - first) * pow(p, -1, q) % q)
    centred = (whole + p * q // 2) % (p * q) - p * q // 2
    bound = 1 << preset.release_noise_bits + preset.flood_bits
    assert -bound <= centred.min() < -bound * 0.99
    assert bound * 0.99 < centred.max() < bound


def test_the_same_release_has_the_same_bytes_by_both_evaluators(bench: Bench) -> None:
    slots = np.arange(bench.preset.poly_degree)
    data, last = bench.encrypt(slots), bench.preset.ladder[-1]
    ours, theirs = (
        scheme.release(scheme.lower(scheme.load(data), last), slots, SEEDS[1])
        for scheme in (bench.ours, bench.theirs)
    )
    assert ours == theirs
