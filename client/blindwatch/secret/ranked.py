"""Keys of ranked search, and decryption of its scores, both SEAL's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tenseal.sealapi as sealapi
from numpy.typing import NDArray

from blindwatch.errors import MalformedCiphertext, WrongKey
from blindwatch.he import objects
from blindwatch.he import seal as serialized
from blindwatch.he.ranked import seal
from blindwatch.he.ranked.keys import RankKey
from blindwatch.he.ranked.presets import RankPreset
from blindwatch.secret.held import Held
from blindwatch.statements.predicates import Window

Scores = NDArray[np.int64]


@dataclass(frozen=True)
class RankSecret:
    """What decrypts. `material` is SEAL's serialized secret key; it never leaves this package in clear.

    Whatever decrypts with it refuses outside the window, if it was released for one.
    """

    preset: RankPreset
    key_id: str
    material: bytes = field(repr=False)
    window: Window | None = None


@dataclass(frozen=True)
class RankKeySet:
    """Both keys of one ranked deployment."""

    secret: RankSecret
    encryption: RankKey


def generate_ranked(preset: RankPreset) -> RankKeySet:
    """New keys for a preset."""
    generator = sealapi.KeyGenerator(seal.context(preset))
    public = sealapi.PublicKey()
    generator.create_public_key(public)
    encryption = RankKey(preset, serialized.save(public))
    secret = RankSecret(preset, encryption.key_id, serialized.save(generator.secret_key()))
    return RankKeySet(secret, encryption)


class RankDecryptor:
    """Opens the results of scans with one secret key, for as long as it may be used."""

    def __init__(self, secret: RankSecret) -> None:
        self._preset = secret.preset
        try:
            key = serialized.load_into(seal.context(secret.preset), sealapi.SecretKey, secret.material)
        except MalformedCiphertext:
            raise WrongKey("The secret key does not belong to the preset.") from None
        self._held = Held(key, secret.window)

    def scores(self, results: Sequence[bytes], entries: int) -> Scores:
        """The score of every entry, shape (entries,), of one result for each block.

        Raises CipherError or OutsideWindow.
        """
        decryptor = self._decryptor()
        if len(results) != self._preset.blocks(entries):
            raise MalformedCiphertext("The result does not have as many blocks as the gallery.")
        whole = np.empty(len(results) * self._preset.poly_degree, np.int64)
        for block, result in zip(whole.reshape(len(results), -1), results, strict=True):
            opened = sealapi.Plaintext()
            decryptor.decrypt(self._load(result), opened)
            block[:] = seal.coefficients(self._preset, opened)
            opened.set_zero()  # SEAL keeps what is freed for the next one, as it was
        if whole[entries:].any():
            # Beyond the entries the gallery holds zero vectors, and no server that follows the protocol changes that.
            raise MalformedCiphertext("The result has scores where the gallery has no entries.")
        return whole[:entries]

    def forget(self) -> None:
        """Let go of the key; nothing is opened any more."""
        self._held.drop()

    def noise_budget(self, result: bytes) -> int:
        """Bits of noise that a result could still take, by SEAL. Never show this to a server."""
        return int(self._decryptor().invariant_noise_budget(self._load(result)))

    def _decryptor(self) -> Any:
        """A decryptor for one result: with it SEAL overwrites what it computed on the way. Raises OutsideWindow."""
        return sealapi.Decryptor(seal.context(self._preset), self._held.get())

    def _load(self, result: bytes) -> sealapi.Ciphertext:
        shape = (3, 1, self._preset.poly_degree)
        if len(result) != 4 * shape[0] * shape[2]:
            raise MalformedCiphertext("The result does not have the size that its preset says.")
        residues = np.frombuffer(result, "<u4").astype(np.uint64).reshape(shape)
        if (residues >= self._preset.primes[0]).any():
            raise MalformedCiphertext("The result has a residue that is not below its prime.")
        data = objects.write_ciphertext(self._preset, residues)
        return serialized.load_into(seal.context(self._preset), sealapi.Ciphertext, data)
