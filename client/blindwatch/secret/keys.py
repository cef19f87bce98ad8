"""Key generation and decryption, both SEAL's."""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import numpy as np
import tenseal.sealapi as sealapi
from numpy.typing import NDArray

from blindwatch.errors import MalformedCiphertext, WrongKey
from blindwatch.he import form, noop, seal
from blindwatch.he.keys import EncryptionKey, EvaluationBundle
from blindwatch.he.presets import Preset
from blindwatch.he.seal_scheme import galois_element
from blindwatch.secret.held import Held
from blindwatch.statements.predicates import Window


@dataclass(frozen=True)
class SecretKey:
    """What decrypts. `material` is SEAL's serialized secret key; it never leaves this package in clear.

    Whatever decrypts with it refuses outside the window, if it was released for one.
    """

    preset: Preset
    key_id: str
    material: bytes = field(repr=False)
    window: Window | None = None


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
    """Opens releases with one secret key, for as long as it may be used."""

    def __init__(self, secret: SecretKey) -> None:
        self._preset = secret.preset
        self._held = Held(_native(secret), secret.window)

    def slots(self, data: bytes) -> NDArray[np.int64]:
        """The slot values, 0 to t - 1, of a released ciphertext; raises CipherError or OutsideWindow."""
        decryptor = self._held.get()
        if self._preset.is_insecure:
            return noop.unpack(self._preset, data)
        opened = sealapi.Plaintext()
        decryptor.decrypt(self._read(data, 1), opened)
        return np.array(seal.encoder(self._preset).decode_uint64(opened), dtype=np.int64)

    def forget(self) -> None:
        """Let go of the key; nothing is opened any more."""
        self._held.drop()

    def noise_budget(self, data: bytes, primes: int = 1) -> int:
        """Bits of noise that a ciphertext could still take, by SEAL. Never show this to a server."""
        decryptor = self._held.get()
        return int(decryptor.invariant_noise_budget(self._read(data, primes)))

    def _read(self, data: bytes, primes: int) -> Any:
        return seal.ciphertext(self._preset, form.read(self._preset, data, primes))


def _native(secret: SecretKey) -> Any:
    """SEAL's decryptor; for a preset in clear the key itself, which opens nothing."""
    if secret.preset.is_insecure:
        return secret
    try:
        key = seal.load(secret.preset, sealapi.SecretKey, secret.material)
    except MalformedCiphertext:
        raise WrongKey("The secret key does not belong to the preset.") from None
    return sealapi.Decryptor(seal.context(secret.preset), key)
