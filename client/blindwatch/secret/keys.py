"""Key generation and decryption, both SEAL's."""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import numpy as np
import tenseal.sealapi as sealapi
from numpy.typing import NDArray

from blindwatch.errors import MalformedCiphertext, WrongKey
from blindwatch.he import noop, objects, seal
from blindwatch.he.keys import EncryptionKey, EvaluationBundle
from blindwatch.he.presets import Preset
from blindwatch.he.seal_scheme import galois_element


@dataclass(frozen=True)
class SecretKey:
    """What decrypts. `material` is SEAL's serialized secret key; it never leaves this package in clear."""

    preset: Preset
    key_id: str
    material: bytes = field(repr=False)


@dataclass(frozen=True)
class KeySet:
    """All keys of one deployment."""

    secret: SecretKey
    encryption: EncryptionKey
    evaluation: EvaluationBundle


def generate(preset: Preset) -> KeySet:
    """New keys for a preset; about two seconds."""
    if preset.is_insecure:
        encryption = EncryptionKey(preset, token_bytes(32))
        secret = SecretKey(preset, encryption.key_id, b"")
        return KeySet(secret, encryption, EvaluationBundle(encryption, b"", b""))
    generator = sealapi.KeyGenerator(seal.context(preset))
    elements = [galois_element(step, preset.poly_degree) for step in preset.steps]
    public, relinearisation, rotation = sealapi.PublicKey(), sealapi.RelinKeys(), sealapi.GaloisKeys()
    generator.create_public_key(public)
    generator.create_relin_keys(relinearisation)
    generator.create_galois_keys(elements, rotation)
    encryption = EncryptionKey(preset, seal.save(public))
    evaluation = EvaluationBundle(encryption, seal.save(relinearisation), seal.save(rotation))
    secret = SecretKey(preset, encryption.key_id, seal.save(generator.secret_key()))
    return KeySet(secret, encryption, evaluation)


class Decryptor:
    """Opens releases with one secret key."""

    def __init__(self, secret: SecretKey) -> None:
        self._preset = secret.preset
        self._seal: Any = None
        if not secret.preset.is_insecure:
            try:
                key = seal.load(secret.preset, sealapi.SecretKey, secret.material)
            except MalformedCiphertext:
                raise WrongKey("The secret key does not belong to the preset.") from None
            self._seal = sealapi.Decryptor(seal.context(secret.preset), key)

    def slots(self, data: bytes) -> NDArray[np.int64]:
        """The slot values, 0 to t - 1, of a released ciphertext; raises CipherError."""
        if self._seal is None:
            return noop.unpack(self._preset, data)
        objects.read_ciphertext(self._preset, data, primes=1)
        return self._open(seal.load(self._preset, sealapi.Ciphertext, data))

    def noise_budget(self, data: bytes, primes: int = 1) -> int:
        """Bits of noise that a ciphertext could still take, by SEAL. Never show this to a server."""
        objects.read_ciphertext(self._preset, data, primes)
        return int(self._seal.invariant_noise_budget(seal.load(self._preset, sealapi.Ciphertext, data)))

    def _open(self, ciphertext: Any) -> NDArray[np.int64]:
        opened = sealapi.Plaintext()
        self._seal.decrypt(ciphertext, opened)
        return np.array(seal.encoder(self._preset).decode_uint64(opened), dtype=np.int64)
