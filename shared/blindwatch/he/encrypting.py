"""Encryption of probes and of blocks of the watchlist, by SEAL."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tenseal.sealapi as sealapi

from blindwatch.errors import ConfigurationError
from blindwatch.he import form, noop, seal
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.layout import Layout
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.scheme import Slots
from blindwatch.he.templates import Templates

_HALF = (PLAIN_MODULUS + 1) // 2


class Encryptor:
    """Encrypts under one key. Each call draws fresh randomness, so equal inputs give unequal outputs."""

    def __init__(self, key: EncryptionKey) -> None:
        self.preset = key.preset
        self._seal = None if key.preset.is_insecure else _SealEncryptor(key)

    def probe(self, template: Templates) -> bytes:
        """The ciphertext of a single template.

        One row of slots holds half of coarse + fine, the other half of coarse - fine: the sum of the rows is the one,
        their difference the other.
        """
        if len(template) != 1:
            raise ConfigurationError("A probe is one template.")
        _check(self.preset, template)
        rows = np.concatenate([template.coarse + template.fine, template.coarse - template.fine])
        return self._encrypt(
            self.preset.layouts[0].repeat(rows * _HALF % PLAIN_MODULUS), self.preset.data_primes
        )

    def block(self, layout: Layout, templates: Templates) -> Iterator[bytes]:
        """The ciphertexts of a block, coarse and then fine; places beyond the templates hold the zero vector."""
        _check(self.preset, templates)
        if len(templates) > layout.capacity:
            raise ConfigurationError("There are more templates than the block has room for.")
        for slots in layout.diagonals(templates.coarse):
            yield self._encrypt(slots, self.preset.data_primes)
        signs = np.repeat([1, -1], layout.row)
        for slots in layout.diagonals(templates.fine):
            yield self._encrypt(slots * signs, self.preset.fine_primes)

    def watchlist(self, templates: Templates) -> Iterator[Iterator[bytes]]:
        """The blocks of a whole watchlist, each as its ciphertexts."""
        start = 0
        for layout in self.preset.plan(len(templates)):
            yield self.block(layout, templates[start : start + layout.capacity])
            start += layout.capacity

    def _encrypt(self, slots: Slots, primes: int) -> bytes:
        if self._seal is None:
            return noop.pack(slots)
        return self._seal.encrypt(slots, primes)


class _SealEncryptor:
    """SEAL's encryptor, and its evaluator to drop primes from what is compared only at the end."""

    def __init__(self, key: EncryptionKey) -> None:
        self._preset = key.preset
        self._context = seal.context(key.preset)
        self._encryptor = sealapi.Encryptor(
            self._context, seal.load(key.preset, sealapi.PublicKey, key.public)
        )
        self._evaluator = sealapi.Evaluator(self._context)

    def encrypt(self, slots: Slots, primes: int) -> bytes:
        ciphertext = sealapi.Ciphertext(self._context)
        self._encryptor.encrypt(seal.plaintext(self._preset, slots.tolist()), ciphertext)
        while ciphertext.coeff_modulus_size() > primes:
            self._evaluator.mod_switch_to_next_inplace(ciphertext)
        return form.write(self._preset, seal.residues(self._preset, ciphertext))


def _check(preset: Preset, templates: Templates) -> None:
    for values, bound in (
        (templates.coarse, preset.squared_norm),
        (templates.fine, preset.fine_squared_norm),
    ):
        if values.shape != (len(templates), preset.dimension) or values.dtype != np.int64:
            raise ConfigurationError("Templates must be integers of the preset's dimension.")
        if (np.square(values).sum(axis=1) > bound).any():
            raise ConfigurationError("A template is longer than the preset's norm.")
