"""What releasing costs: ten numbers of every entry of a list, masked and released for each block."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

import numpy as np

from blindwatch.bench.trial import Trial, Verdict
from blindwatch.he import masks
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.matching import default_scheme
from blindwatch.he.released import PIECES, VALUES, Release, opened
from blindwatch.he.releasing import Numbers, release
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import Decryptor
from blindwatch.wire.crops import KEY_BYTES


@dataclass(frozen=True)
class Released:
    """What left for every block, and the key in it."""

    key: bytes
    blocks: tuple[Release, ...]


class Releasing:
    """Releases as a server does for a probe that matches everything: its verdict is zero in every slot."""

    def __init__(self, trial: Trial) -> None:
        self._preset = preset = trial.preset
        self._plan = preset.plan(trial.entries)
        self._decryptor = Decryptor(trial.keys.secret)
        self._scheme = scheme = default_scheme(preset)(trial.keys.evaluation)
        zero = np.zeros((1, preset.dimension), dtype=np.int64)
        empty = scheme.load(Encryptor(trial.keys.encryption).probe(Templates(zero, zero)))
        self._verdict: Any = scheme.lower(empty, preset.ladder[-1])
        self._score: Any = scheme.lower(empty, preset.fine_primes)

    def once(self) -> Released:
        """With a new key."""
        numbers = Numbers(self._verdict, self._score, token_bytes(KEY_BYTES))
        return Released(
            numbers.key,
            tuple(
                release(
                    self._scheme,
                    self._preset,
                    layout,
                    numbers,
                    np.ones(layout.capacity, dtype=np.bool_),
                    _seed,
                )
                for layout in self._plan
            ),
        )

    def check(self, released: list[Released]) -> Verdict:
        """Whether every entry has an indicator and a score of zero, and the key; the least budget that is left."""
        return Verdict(
            exact=all(self._is_exact(each) for each in released),
            worst_budget_bits=min(
                self._decryptor.noise_budget(data)
                for each in released
                for block in each.blocks
                for data in block
            ),
        )

    def _is_exact(self, released: Released) -> bool:
        expected = np.zeros((len(VALUES), 1), dtype=np.int64)
        expected[list(PIECES), 0] = np.frombuffer(released.key, dtype=">u2")
        return all(
            bool((opened(layout, block, VALUES, self._decryptor.slots) == expected).all())
            for layout, block in zip(self._plan, released.blocks, strict=True)
        )


def _seed(purpose: str) -> bytes:  # noqa: ARG001 - a new one for each
    return token_bytes(masks.SECRET_BYTES)
