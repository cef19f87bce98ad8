"""The circuit of a trial over a scheme, step by step: for what is measured beside the engine or beyond it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

import numpy as np

from blindwatch.bench.trial import Trial
from blindwatch.he import masks
from blindwatch.he.circuit import Circuit
from blindwatch.he.layout import Layout
from blindwatch.he.scheme import Scheme, Slots

Draw = Callable[[bytes, int], Slots]
"""Values of so many slots from a seed, as `masks` draws them."""


@dataclass(frozen=True)
class Scored:
    """One block after the circuit: its scores, and P of them."""

    score: Any
    verdict: Any
    live: Slots
    """1 in the slots of entries, 0 elsewhere."""


class Evaluation:
    """A scheme with the list of a trial loaded."""

    def __init__(self, scheme: Scheme[Any], trial: Trial) -> None:
        self.scheme = scheme
        self.last_primes = trial.preset.ladder[-1]
        self._count = trial.preset.poly_degree
        self._circuit = Circuit(scheme, trial.preset, trial.threshold)
        self.blocks: list[tuple[Layout, Any]] = [
            (trial.preset.layout_of(len(block)), [scheme.part(part) for part in block])
            for block in trial.blocks
        ]

    def babies(self, probe: bytes) -> Sequence[Any]:
        """The rotations of a probe that the blocks take."""
        most = max(layout.babies for layout, _ in self.blocks)
        return self.scheme.rotations(self.scheme.load(probe), most)

    def scored(self, layout: Layout, parts: Any, babies: Sequence[Any]) -> Scored:
        """The circuit on one block."""
        score = self._circuit.scores(layout, babies, parts)
        live = np.zeros(self._count, dtype=np.int64)
        live[layout.entry_slots()] = 1
        return Scored(score, self._circuit.release_polynomial(score), live)

    def release(self, scored: Scored, draw: Draw, revealed: Any = None) -> bytes:
        """r P(s), plus what is revealed of a match, with r as it is drawn; slots without an entry are drawn too."""
        masked = self.scheme.mask(scored.verdict, draw(_seed(), self._count) * scored.live)
        if revealed is not None:
            masked = self.scheme.add(masked, revealed)
        return self.scheme.release(masked, draw(_seed(), self._count) * (1 - scored.live), _seed())


def _seed() -> bytes:
    return token_bytes(masks.SECRET_BYTES)
