"""The same decisions under encryption: real keys, real ciphertexts, the engine of the match server, and a decryptor.

All photographs are enrolled as one encrypted list, so that searching for one of them compares it with all at the cost
of a single probe. What comes out is held against the integers in clear, comparison by comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final, Self

import numpy as np

from blindwatch.evaluation.samples import Indices
from blindwatch.evaluation.scoring import NEVER, Scores
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.matching import Block, Matcher
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import Decryptor, KeySet, generate

MASK_BYTES: Final = 32


@dataclass(frozen=True)
class Tally:
    """How many comparisons were made in both ways, and in how many the decisions or released scores differ."""

    searches: int = 0
    comparisons: int = 0
    released: int = 0
    different: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(self._all, other._all, strict=True)))

    @property
    def _all(self) -> tuple[int, ...]:
        return self.searches, self.comparisons, self.released, self.different


class EncryptedList:
    """Templates as an encrypted list, and whoever may open what is found on it."""

    def __init__(self, templates: Templates, preset: Preset, keys: KeySet | None = None) -> None:
        self._templates = templates
        self._preset = preset
        self._keys = keys or generate(preset)
        self._encryptor = Encryptor(self._keys.encryption)
        self._decryptor = Decryptor(self._keys.secret)
        self._ciphertexts = [list(block) for block in self._encryptor.watchlist(templates)]

    @property
    def ciphertexts(self) -> int:
        """How many hold the list."""
        return sum(map(len, self._ciphertexts))

    def search(self, gate: int, rows: Indices) -> Iterator[tuple[Scores, Tally]]:
        """For each of these templates the fine scores that are released, NEVER where none is, and the comparison."""
        matcher = Matcher(self._keys.evaluation, gate, token_bytes(MASK_BYTES))
        blocks = [matcher.load_block(parts, len(parts)) for parts in self._ciphertexts]
        for row in rows:
            probe = self._templates[int(row) : int(row) + 1]
            released = self._released(matcher, blocks, probe, f"evaluation {gate} {row}")
            coarse, fine = self._templates.scores(probe)
            clear = np.where(coarse >= gate, fine, NEVER).astype(np.float32)
            different = int((released != clear).sum())
            yield released, Tally(1, len(clear), int((released > NEVER).sum()), different)

    def _released(self, matcher: Matcher, blocks: list[Block], probe: Templates, probe_id: str) -> Scores:
        answer = matcher.match(self._encryptor.probe(probe), blocks, probe_id)
        parts = []
        for block, release in zip(blocks, answer, strict=True):
            slots = block.layout.entry_slots()
            indicator, score = (
                self._decryptor.slots(each)[slots] for each in (release.indicator, release.score)
            )
            half = PLAIN_MODULUS // 2
            fine = (score + half) % PLAIN_MODULUS - half
            parts.append(np.where(indicator == 0, fine, NEVER))
        return np.concatenate(parts)[: len(self._templates)].astype(np.float32)


@dataclass(frozen=True)
class Gated:
    """What was released under encryption with one gate, for the templates that were searched for."""

    gate: int
    rows: Indices
    scores: Scores
    """Shape (rows, templates)."""
    tally: Tally

    @classmethod
    def of(cls, gate: int, rows: Indices, found: list[tuple[Scores, Tally]]) -> Self:
        """From the results of `EncryptedList.search`."""
        return cls(
            gate=gate,
            rows=rows,
            scores=np.stack([scores for scores, _ in found]),
            tally=sum((tally for _, tally in found), Tally()),
        )
