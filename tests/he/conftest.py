from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tenseal.sealapi as sealapi
from numpy.typing import NDArray

from blindwatch.he import objects, seal
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.ntt import Doubles
from blindwatch.he.presets import Preset, preset
from blindwatch.he.ranked import seal as rank_seal
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.presets import RankPreset, rank_preset
from blindwatch.he.residue_scheme import ResidueScheme
from blindwatch.he.scheme import Slots
from blindwatch.he.seal_scheme import SealScheme
from blindwatch.he.values import from_residues, to_residues, transformed
from blindwatch.secret.keys import KeySet
from blindwatch.secret.ranked import RankKeySet, generate_ranked


@pytest.fixture(scope="session")
def real() -> Preset:
    return preset("reveal-128")


@dataclass(frozen=True)
class Bench:
    """Both evaluators under one key, and SEAL's decryptor to compare what they compute."""

    preset: Preset
    keys: KeySet
    ours: ResidueScheme
    theirs: SealScheme
    encryptor: Encryptor
    decryptor: Any

    def encrypt(self, slots: Slots) -> bytes:
        return self.encryptor._encrypt(slots, self.preset.data_primes)

    def to_seal(self, value: Any) -> Any:
        data = objects.write_ciphertext(self.preset, to_residues(self.preset, value.coefficients))
        return seal.load(self.preset, sealapi.Ciphertext, data)

    def residues(self, ciphertext: Any) -> Doubles:
        """As the kernels take them, transformed or not."""
        primes = ciphertext.coeff_modulus_size()
        content = objects.read_ciphertext(self.preset, seal.save(ciphertext), primes, ciphertext.size())
        return (transformed if content.is_ntt else from_residues)(self.preset, content.residues)

    def open(self, ciphertext: Any) -> Slots:
        opened = sealapi.Plaintext()
        self.decryptor.decrypt(ciphertext, opened)
        return np.array(seal.encoder(self.preset).decode_uint64(opened), dtype=np.int64)

    def noise(self, ciphertext: Any) -> int:
        """Bits of noise, by SEAL's count."""
        total = sum(p.bit_length() for p in self.preset.primes[: ciphertext.coeff_modulus_size()])
        return total - 18 - int(self.decryptor.invariant_noise_budget(ciphertext))


@pytest.fixture(scope="session")
def bench(real: Preset, keys: KeySet) -> Bench:
    secret = seal.load(real, sealapi.SecretKey, keys.secret.material)
    return Bench(
        real,
        keys,
        ResidueScheme(keys.evaluation),
        SealScheme(keys.evaluation),
        Encryptor(keys.encryption),
        sealapi.Decryptor(seal.context(real), secret),
    )


@dataclass(frozen=True)
class RankBench:
    """Ranked search under one key, with SEAL's own objects to compare with."""

    preset: RankPreset
    keys: RankKeySet
    encryptor: RankEncryptor
    context: Any
    decryptor: Any

    def encrypt(self, coefficients: Slots) -> Any:
        fresh = sealapi.Ciphertext(self.context)
        self.encryptor._seal.encrypt(rank_seal.plaintext(self.preset, coefficients), fresh)
        return fresh

    def residues(self, ciphertext: Any) -> objects.Residues:
        primes, polynomials = ciphertext.coeff_modulus_size(), ciphertext.size()
        return objects.read_ciphertext(self.preset, seal.save(ciphertext), primes, polynomials).residues

    def form(self, ciphertexts: list[Any]) -> NDArray[np.uint32]:
        """As the scan takes them."""
        rows = np.stack([self.encryptor._transformed(each) for each in ciphertexts], axis=2)
        return np.ascontiguousarray(rows)

    def open(self, ciphertext: Any) -> Slots:
        opened = sealapi.Plaintext()
        self.decryptor.decrypt(ciphertext, opened)
        return rank_seal.coefficients(self.preset, opened)


@pytest.fixture(scope="session")
def rank_bench() -> RankBench:
    chosen = rank_preset("rank-128")
    keys = generate_ranked(chosen)
    context = rank_seal.context(chosen)
    secret = seal.load_into(context, sealapi.SecretKey, keys.secret.material)
    return RankBench(
        chosen, keys, RankEncryptor(keys.encryption), context, sealapi.Decryptor(context, secret)
    )
