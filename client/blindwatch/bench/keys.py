"""What the key of a sealed face costs: its eight pieces, masked and released for every block of a list."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

import numpy as np

from blindwatch.bench.trial import Trial, Verdict
from blindwatch.he import masks
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.matching import default_scheme
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import Decryptor
from blindwatch.wire.crops import PIECES


@dataclass(frozen=True)
class Released:
    """Pieces in the order of their ciphertexts, block after block."""

    pieces: tuple[int, ...]
    ciphertexts: tuple[bytes, ...]


class KeyRelease:
    """Releases keys as a server does, for a probe that matches everything: its verdict is zero in every slot."""

    def __init__(self, trial: Trial) -> None:
        preset = trial.preset
        self._blocks = len(preset.plan(trial.entries))
        self._slots = preset.poly_degree
        self._decryptor = Decryptor(trial.keys.secret)
        self._scheme = scheme = default_scheme(preset)(trial.keys.evaluation)
        zero = np.zeros((1, preset.dimension), dtype=np.int64)
        empty = Encryptor(trial.keys.encryption).probe(Templates(zero, zero))
        self._verdict: Any = scheme.lower(scheme.load(empty), preset.ladder[-1])

    def once(self) -> Released:
        """A new key, piece by piece, for every block."""
        pieces = np.frombuffer(token_bytes(2 * PIECES), dtype=">u2").tolist() * self._blocks
        return Released(tuple(pieces), tuple(self._release(piece) for piece in pieces))

    def check(self, released: list[Released]) -> Verdict:
        """Whether each piece is in every slot, and the least that was left of noise budgets."""
        pairs = [pair for each in released for pair in zip(each.pieces, each.ciphertexts, strict=True)]
        return Verdict(
            exact=all((self._decryptor.slots(data) == piece).all() for piece, data in pairs),
            worst_budget_bits=min(self._decryptor.noise_budget(data) for _, data in pairs),
        )

    def _release(self, piece: int) -> bytes:
        masked = self._scheme.mask(self._verdict, masks.uniform(_seed(), self._slots))
        return self._scheme.release(masked, np.full(self._slots, piece, dtype=np.int64), _seed())


def _seed() -> bytes:
    return token_bytes(masks.SECRET_BYTES)
