"""Ranked search under encryption: the scores of every entry, decrypted and held against the integers in clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blindwatch.evaluation.samples import Floats
from blindwatch.he.ranked import forms
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.gallery import Gallery
from blindwatch.he.ranked.presets import RankPreset
from blindwatch.he.ranked.scanning import scan
from blindwatch.secret.ranked import RankDecryptor, generate_ranked
from blindwatch.vision.quantise import quantise

Integers = NDArray[np.int64]


def rank_templates(embeddings: Floats, preset: RankPreset) -> Integers:
    """The templates of ranked search of embeddings (n, d)."""
    return np.stack([quantise(row, preset.squared_norm) for row in embeddings])


@dataclass(frozen=True)
class Sought:
    """What came out of a search for one template."""

    scores: Integers
    """Of every entry, decrypted."""
    different: int
    """How many are not those of the integers in clear."""


class RankedGallery:
    """Templates as an encrypted gallery, and whoever may open its scores."""

    def __init__(self, templates: Integers, preset: RankPreset) -> None:
        self._templates = templates
        keys = generate_ranked(preset)
        self._encryptor, self._decryptor = RankEncryptor(keys.encryption), RankDecryptor(keys.secret)
        key_id = keys.encryption.key_id
        blocks = [
            forms.read(forms.BLOCK, preset, key_id, memoryview(block))
            for block in self._encryptor.gallery(templates)
        ]
        self._gallery = Gallery(preset, key_id, blocks)

    def search(self, probes: Integers) -> Iterator[Sought]:
        """The scores of all entries for each of these templates."""
        for probe in probes:
            answer = scan(self._encryptor.query(probe), self._gallery)
            scores = self._decryptor.scores(answer, len(self._templates))
            yield Sought(scores, int((scores != self._templates @ probe).sum()))
