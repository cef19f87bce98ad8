"""Encryptions of zero from a seed: zeros by SEAL's own decryptor, the same for the same seed and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tenseal.sealapi as sealapi

from blindwatch.errors import MalformedCiphertext
from blindwatch.he import objects, seal
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
    ciphertext = bench.encryptor._encrypt(np.zeros(16384, dtype=np.int64), bench.preset.data_primes)
    with pytest.raises(MalformedCiphertext):
        Zeros(bench.preset, ciphertext)
