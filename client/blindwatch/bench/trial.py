"""What is measured on: a list, a probe, and what the integers in clear say of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from blindwatch.he.encrypting import Encryptor
from blindwatch.he.presets import Preset
from blindwatch.operator.reading import Match, Reader
from blindwatch.secret.keys import Decryptor, KeySet, generate
from blindwatch.vision.quantise import quantise
from blindwatch.wire.messages import ReleasedBlock

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Releases = Sequence[ReleasedBlock]

PLANTED = 48
"""Entries whose scores run from those of strangers up to the highest, across the threshold."""


@dataclass(frozen=True)
class Verdict:
    """What checking the answers to a trial found."""

    exact: bool
    worst_budget_bits: int


@dataclass(frozen=True)
class Trial:
    """One probe against one list, in clear and encrypted."""

    keys: KeySet
    threshold: int
    templates: Integers
    probe: Integers
    blocks: Sequence[Sequence[bytes]]
    ciphertext: bytes

    @property
    def preset(self) -> Preset:
        """The preset of its keys."""
        return self.keys.encryption.preset

    @property
    def entries(self) -> int:
        """How many templates are on the list."""
        return len(self.templates)

    @property
    def expected(self) -> list[Match]:
        """The matches of the integers in clear."""
        scores = self.templates @ self.probe
        return [Match(int(entry), int(scores[entry])) for entry in np.flatnonzero(scores >= self.threshold)]

    def check(self, answers: Iterable[Releases]) -> Verdict:
        """Decrypt every answer and hold it against the clear comparison."""
        reader = Reader(self.keys.secret, self.threshold, self.entries)
        decryptor = Decryptor(self.keys.secret)
        right, budgets = [], []
        for answer in answers:
            right.append(reader.matches(answer) == self.expected)
            for released in answer:
                budgets += [decryptor.noise_budget(each) for each in (released.indicator, released.score)]
        return Verdict(bool(right) and all(right), min(budgets))


@cache
def keys(preset: Preset) -> KeySet:
    """The keys of a preset, made once for a run."""
    return generate(preset)


def embeddings(entries: int, dimension: int) -> tuple[Floats, Floats]:
    """Random unit vectors (n, d) and a probe (d,); `PLANTED` of the vectors resemble the probe, more and more."""
    rng = np.random.default_rng(entries)
    vectors, probe = rng.standard_normal((entries, dimension)), rng.standard_normal(dimension)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    probe /= np.linalg.norm(probe)
    places = rng.choice(entries, PLANTED, replace=False)
    cosines = np.linspace(0.2, 1.0, PLANTED)[:, np.newaxis]
    vectors[places] = cosines * probe + np.sqrt(1 - cosines**2) * vectors[places]
    return vectors, probe


def quantised(vectors: Floats, preset: Preset) -> Integers:
    """Templates (n, d) of embeddings."""
    return np.stack([quantise(vector, preset.squared_norm) for vector in vectors])


def encrypted(templates: Integers, preset: Preset) -> list[list[bytes]]:
    """The blocks of a list, each as its ciphertexts."""
    return [list(block) for block in Encryptor(keys(preset).encryption).watchlist(templates)]


def trial(entries: int, preset: Preset) -> Trial:
    """A list of this many entries. The threshold is the lowest, so that the match set is as wide as can be."""
    vectors, probe = embeddings(entries, preset.dimension)
    return build(
        quantised(vectors, preset), quantise(probe, preset.squared_norm), preset, preset.lowest_threshold
    )


def build(templates: Integers, probe: Integers, preset: Preset, threshold: int) -> Trial:
    """A trial of these templates."""
    return Trial(
        keys=keys(preset),
        threshold=threshold,
        templates=templates,
        probe=probe,
        blocks=encrypted(templates, preset),
        ciphertext=Encryptor(keys(preset).encryption).probe(probe),
    )
