"""Encryptions of zero by SEAL whose randomness follows from a seed: whoever has the seed gets the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import tenseal.sealapi as sealapi

from blindwatch.errors import MalformedCiphertext
from blindwatch.he import masks, objects, seal
from blindwatch.he.flooding import flood
from blindwatch.he.objects import Residues
from blindwatch.he.presets import PLAIN_MODULUS, Preset

_WORDS: Final = 8


class Zeros:
    """Encrypts zero under one public key, at the level at which values are released.

    SEAL's generator belongs to a context, so each seed takes a context of its own. Of the few primes of that level
    alone, to which the public key is cut down, it is made in 5 ms.
    """

    def __init__(self, preset: Preset, public: bytes) -> None:
        self._preset = preset
        self._primes = preset.ladder[-1]
        self._level = np.frombuffer(preset.parms_id(self._primes), dtype="<u8").tolist()
        content = objects.read_ciphertext(preset, public, len(preset.primes))
        if not content.is_ntt:
            raise MalformedCiphertext("The encryption key is not transformed.")
        cut = content.residues[:, : self._primes]
        data = objects.write_ciphertext(preset, cut, is_ntt=True)
        self._key = seal.load_into(self._context([0] * _WORDS), sealapi.PublicKey, data)

    def encrypt(self, seed: bytes) -> Residues:
        """An encryption of zero (2, k, N) from a seed of 32 bytes, which must be new for each."""
        context = self._context(np.frombuffer(masks.keystream(seed, 8 * _WORDS), dtype="<u8").tolist())
        zero = sealapi.Ciphertext(context)
        sealapi.Encryptor(context, self._key).encrypt_zero(self._level, zero)
        return seal.residues(self._preset, zero)

    def flooded(self, seed: bytes) -> Residues:
        """What is added to a value when it is released (2, k, N), from the seed of the release.

        An encryption of zero, so that the sum is a fresh ciphertext, with the noise that hides the value's own.
        """
        zero = self.encrypt(masks.derive(seed, masks.ZERO))
        return flood(self._preset, zero, masks.derive(seed, masks.FLOOD))

    def _context(self, words: Sequence[int]) -> Any:
        generator = sealapi.Blake2xbPRNGFactory(words)
        return seal.new_context(self._preset, PLAIN_MODULUS, self._primes, generator)
