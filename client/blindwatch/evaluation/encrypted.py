"""The same decisions under encryption: real keys, real ciphertexts, the engine of the match server, and a decryptor.

All photographs are enrolled as one encrypted list, so that searching for one of them compares it with all at the cost
of a single probe. What comes out is held against the integers in clear, comparison by comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from blindwatch.evaluation.samples import Indices
from blindwatch.evaluation.scoring import NEVER, Scores
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.matching import Block, Matcher
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.released import INDICATOR, SCORE, opened
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import Decryptor, KeySet, generate

Integers = NDArray[np.int64]

MASK_BYTES: Final = 32
_HALF: Final = PLAIN_MODULUS // 2


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

    def at(self, gate: int) -> Search:
        """The list as a server has it that decides with this gate, and the operator behind it."""
        matcher = Matcher(self._keys.evaluation, gate, token_bytes(MASK_BYTES))
        blocks = [matcher.load_block(parts, len(parts)) for parts in self._ciphertexts]
        return Search(matcher, blocks, self._encryptor, self._decryptor, len(self._templates))

    def search(self, gate: int, rows: Indices) -> Iterator[tuple[Scores, Tally]]:
        """For each of these templates the fine scores that are released, NEVER where none is, and the comparison."""
        search = self.at(gate)
        for row in rows:
            probe = self._templates[int(row) : int(row) + 1]
            released = search.open(probe, f"evaluation {gate} {row}").released
            coarse, fine = self._templates.scores(probe)
            clear = np.where(coarse >= gate, fine, NEVER).astype(np.float32)
            different = int((released != clear).sum())
            yield released, Tally(1, len(clear), int((released > NEVER).sum()), different)


@dataclass(frozen=True)
class Opened:
    """What the operator decrypts of one search: two numbers modulo t for each entry, here centred about zero."""

    indicator: Integers
    """Zero where the entry matches, otherwise at random."""
    score: Integers
    """The fine score where the entry matches, otherwise at random."""

    @property
    def released(self) -> Scores:
        """The fine scores of entries that match; NEVER for all others."""
        return np.where(self.indicator == 0, self.score, NEVER).astype(np.float32)


@dataclass(frozen=True)
class Search:
    """Searches for probes on an encrypted list with one gate."""

    matcher: Matcher
    blocks: Sequence[Block]
    encryptor: Encryptor
    decryptor: Decryptor
    entries: int

    def open(self, probe: Templates, probe_id: str) -> Opened:
        """Encrypt a single template, compare it with the list, and decrypt everything that is released."""
        answer = self.matcher.match(self.encryptor.probe(probe), self.blocks, probe_id)
        parts = []
        for block, release in zip(self.blocks, answer, strict=True):
            both = opened(block.layout, release, (INDICATOR, SCORE), self.decryptor.slots)
            parts.append((both + _HALF) % PLAIN_MODULUS - _HALF)
        indicator, score = np.concatenate(parts, axis=1)[:, : self.entries]
        return Opened(indicator, score)


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
