"""Encryption of galleries and queries, by SEAL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tenseal.sealapi as sealapi
from numpy.typing import NDArray

from blindwatch.errors import ConfigurationError
from blindwatch.he import objects
from blindwatch.he import seal as serialized
from blindwatch.he.ranked import forms, seal
from blindwatch.he.ranked.forms import Residues
from blindwatch.he.ranked.keys import RankKey
from blindwatch.he.ranked.presets import CHUNK, RankPreset
from blindwatch.he.ranked.transform import transpose

Templates = NDArray[np.int64]


class RankEncryptor:
    """Encrypts under one key. Each call draws fresh randomness, so equal inputs give unequal outputs."""

    def __init__(self, key: RankKey) -> None:
        self.preset = key.preset
        self._key_id = key.key_id
        context = seal.context(key.preset)
        public = serialized.load_into(context, sealapi.PublicKey, key.public)
        self._seal = sealapi.Encryptor(context, public)
        self._evaluator = sealapi.Evaluator(context)

    def query(self, template: Templates) -> bytes:
        """The form of one template (d,): one constant polynomial for each coordinate."""
        _check(self.preset, template[np.newaxis])
        return self._form(forms.QUERY, template[:, np.newaxis])

    def block(self, templates: Templates) -> bytes:
        """The form of at most N templates (n, d); entries beyond them are zero vectors."""
        _check(self.preset, templates)
        if len(templates) > self.preset.poly_degree:
            raise ConfigurationError("There are more templates than the block has room for.")
        return self._form(forms.BLOCK, templates.T)

    def gallery(self, templates: Templates) -> Iterator[bytes]:
        """The blocks of a whole gallery (n, d), one at a time."""
        for start in range(0, len(templates), self.preset.poly_degree):
            yield self.block(templates[start : start + self.preset.poly_degree])

    def _form(self, kind: bytes, rows: Templates) -> bytes:
        residues = np.empty(self.preset.shape, np.uint32)
        for at, row in enumerate(rows):
            residues[:, :, at] = self._encrypt(row)
        return forms.pack(kind, self.preset, self._key_id, residues)

    def _encrypt(self, row: Templates) -> Residues:
        ciphertext = sealapi.Ciphertext(seal.context(self.preset))
        self._seal.encrypt(seal.plaintext(self.preset, row), ciphertext)
        return self._transformed(ciphertext)

    def _transformed(self, ciphertext: Any) -> Residues:
        """The residues of a ciphertext as a row of a form: primes, chunks, polynomials, coefficients of a chunk."""
        self._evaluator.transform_to_ntt_inplace(ciphertext)
        data = serialized.save(ciphertext)
        content = objects.read_ciphertext(self.preset, data, self.preset.data_primes)
        square = transpose(content.residues.astype(np.uint32))
        return square.reshape(2, self.preset.data_primes, -1, CHUNK).transpose(1, 2, 0, 3)


def _check(preset: RankPreset, templates: Templates) -> None:
    if templates.ndim != 2 or templates.shape[1] != preset.dimension or templates.dtype != np.int64:
        raise ConfigurationError("Templates must be integers of the preset's dimension.")
    if (np.square(templates).sum(axis=1) > preset.squared_norm).any():
        raise ConfigurationError("A template is longer than the preset's norm.")
