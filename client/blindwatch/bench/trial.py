"""What is measured on: a list, a probe, and what the integers in clear say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from blindwatch.he.encrypting import Encryptor
from blindwatch.he.layout import Layout
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.released import VALUES, Release, opened
from blindwatch.he.scheme import Slots
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import Decryptor, KeySet, generate
from blindwatch.vision.quantise import templates

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Releases = Sequence[Release]
Read = Callable[[Layout, Release, Callable[[bytes], Slots]], Integers]
"""From a layout, the ciphertexts of a block and what decrypts one: a row of indicators and rows of other numbers."""

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
    templates: Templates
    probe: Templates
    """A single one."""
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
    def expected(self) -> dict[int, int]:
        """The entries that match by the integers in clear, and the score that is released of each."""
        coarse, fine = self.templates.scores(self.probe)
        return {int(entry): int(fine[entry]) for entry in np.flatnonzero(coarse >= self.threshold)}

    def check(self, answers: Iterable[Releases]) -> Verdict:
        """Decrypt every answer and hold it against the clear comparison."""
        found = [self.open(answer, _released) for answer in answers]
        return Verdict(
            exact=bool(found)
            and all(each.of_matches() == self.expected and each.has_one_key() for each in found),
            worst_budget_bits=min(each.budget for each in found),
        )

    def open(self, answer: Releases, read: Read) -> Opened:
        """Decrypt an answer: `read` says what the ciphertexts of a block hold."""
        decryptor = Decryptor(self.keys.secret)
        plan = self.preset.plan(self.entries)
        values = [read(layout, block, decryptor.slots) for layout, block in zip(plan, answer, strict=True)]
        return Opened(
            values=np.concatenate(values, axis=1)[:, : self.entries],
            budget=min(decryptor.noise_budget(each) for block in answer for each in block),
        )


@dataclass(frozen=True)
class Opened:
    """A decrypted answer: a row of indicators and rows of what was released with them, a column for each entry."""

    values: Integers
    budget: int

    @property
    def matches(self) -> Integers:
        """The entries that match."""
        return np.flatnonzero(self.values[0] == 0)

    def of_matches(self) -> dict[int, int]:
        """The entries that match and their scores, which may be below zero."""
        half = PLAIN_MODULUS // 2
        scores = (self.values[1] + half) % PLAIN_MODULUS - half
        return {int(entry): int(scores[entry]) for entry in self.matches}

    def has_one_key(self) -> bool:
        """Whether all matches have the same pieces of a key, in the rows after the score."""
        pieces = self.values[2:, self.matches]
        return bool((pieces == pieces[:, :1]).all())


def _released(layout: Layout, block: Release, slots: Callable[[bytes], Slots]) -> Integers:
    return opened(layout, block, VALUES, slots)


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


def trial(entries: int, preset: Preset) -> Trial:
    """A list of this many entries. The threshold is the lowest, so that the match set is as wide as can be."""
    return build(*embeddings(entries, preset.dimension), preset, preset.lowest_threshold)


def build(vectors: Floats, probe: Floats, preset: Preset, threshold: int) -> Trial:
    """A trial of these embeddings (n, d) and (d,): quantised and encrypted."""
    encryptor = Encryptor(keys(preset).encryption)
    listed, single = templates(vectors, preset), templates(probe[np.newaxis], preset)
    return Trial(
        keys=keys(preset),
        threshold=threshold,
        templates=listed,
        probe=single,
        blocks=[list(block) for block in encryptor.watchlist(listed)],
        ciphertext=encryptor.probe(single),
    )
