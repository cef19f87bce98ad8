from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tenseal.sealapi as sealapi

from blindwatch.he import objects, seal
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.ntt import Doubles
from blindwatch.he.presets import Preset, preset
from blindwatch.he.residue_scheme import ResidueScheme, from_residues, to_residues
from blindwatch.he.scheme import Slots
from blindwatch.he.seal_scheme import SealScheme
from blindwatch.secret.keys import KeySet


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
        return self.encryptor._encrypt(slots)

    def to_seal(self, value: Any) -> Any:
        data = objects.write_ciphertext(self.preset, to_residues(self.preset, value.coefficients))
        return seal.load(self.preset, sealapi.Ciphertext, data)

    def residues(self, ciphertext: Any) -> Doubles:
        primes = ciphertext.coeff_modulus_size()
        content = objects.read_ciphertext(self.preset, seal.save(ciphertext), primes, ciphertext.size())
        return from_residues(self.preset, content.residues)

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
