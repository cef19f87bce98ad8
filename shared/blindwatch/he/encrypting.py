"""Encryption of probes and of blocks of the watchlist, by SEAL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tenseal.sealapi as sealapi
from numpy.typing import NDArray

from blindwatch.errors import ConfigurationError
from blindwatch.he import noop, seal
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.layout import Layout
from blindwatch.he.preflight import check_ciphertext
from blindwatch.he.presets import Preset
from blindwatch.he.scheme import Slots

Templates = NDArray[np.int64]


class Encryptor:
    """Encrypts under one key. Each call draws fresh randomness, so equal inputs give unequal outputs."""

    def __init__(self, key: EncryptionKey) -> None:
        self.preset = key.preset
        self._seal = None if key.preset.is_insecure else _seal_encryptor(key)

    def probe(self, template: Templates) -> bytes:
        """The ciphertext of one template (d,)."""
        _check(self.preset, template[np.newaxis])
        return self._encrypt(self.preset.layouts[0].repeat(template))

    def block(self, layout: Layout, templates: Templates) -> Iterator[bytes]:
        """The ciphertexts of a block of templates (n, d); rows beyond them are zero vectors, which match nothing."""
        _check(self.preset, templates)
        if len(templates) > layout.capacity:
            raise ConfigurationError("There are more templates than the block has room for.")
        for slots in layout.diagonals(templates):
            yield self._encrypt(slots)

    def watchlist(self, templates: Templates) -> Iterator[Iterator[bytes]]:
        """The blocks of a whole watchlist (n, d), each as its ciphertexts."""
        start = 0
        for layout in self.preset.plan(len(templates)):
            yield self.block(layout, templates[start : start + layout.capacity])
            start += layout.capacity

    def _encrypt(self, slots: Slots) -> bytes:
        if self._seal is None:
            return noop.pack(slots)
        ciphertext = sealapi.Ciphertext(seal.context(self.preset))
        self._seal.encrypt(seal.plaintext(self.preset, slots.tolist()), ciphertext)
        data = seal.save(ciphertext)
        check_ciphertext(self.preset, data)
        return data


def _check(preset: Preset, templates: Templates) -> None:
    if templates.ndim != 2 or templates.shape[1] != preset.dimension or templates.dtype != np.int64:
        raise ConfigurationError("Templates must be integers of the preset's dimension.")
    if (np.square(templates).sum(axis=1) > preset.squared_norm).any():
        raise ConfigurationError("A template is longer than the preset's norm.")


def _seal_encryptor(key: EncryptionKey) -> Any:
    public = seal.load(key.preset, sealapi.PublicKey, key.public)
    return sealapi.Encryptor(seal.context(key.preset), public)
