"""Payloads released like scores: by the circuit of the engine, with an encrypted payload where the score was.

A piece of a payload has 16 bits and takes a slot. What leaves is, for each piece, r P(s) + piece with r
uniform: the piece for an entry that matches, uniform for one that does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import tenseal.sealapi as sealapi

from blindwatch.bench.evaluation import Evaluation
from blindwatch.bench.trial import Integers, Trial
from blindwatch.he import masks, seal
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.layout import Layout
from blindwatch.he.matching import open_scheme

PIECES: Final = 4
"""Of 16 bits each: the 64 bits of a payload in the workload's specification."""


@dataclass(frozen=True)
class Fetched:
    """What leaves for one block: a serialized ciphertext for the indicator and one for each piece."""

    indicator: bytes
    pieces: tuple[bytes, ...]


class PayloadEngine:
    """A list with payloads, ready to be asked on some cores, block by block."""

    def __init__(self, trial: Trial, payloads: Sequence[Sequence[bytes]], cores: int) -> None:
        scheme = open_scheme(trial.keys.evaluation)
        self._evaluation = Evaluation(scheme, trial)
        self._cores = cores
        self._pieces = [
            [scheme.lower(scheme.load(piece), self._evaluation.last_primes) for piece in pieces]
            for pieces in payloads
        ]

    def fetch(self, probe: bytes) -> list[Fetched]:
        """The releases for one probe."""
        babies = self._evaluation.babies(probe)
        with ThreadPoolExecutor(self._cores) as pool:
            release = partial(self._release, babies)
            return list(pool.map(release, self._evaluation.blocks, self._pieces))

    def _release(self, babies: Sequence[Any], block: tuple[Layout, Any], pieces: Sequence[Any]) -> Fetched:
        evaluation = self._evaluation
        scored = evaluation.scored(*block, babies)
        return Fetched(
            indicator=evaluation.release(scored, masks.nonzero),
            pieces=tuple(evaluation.release(scored, masks.uniform, piece) for piece in pieces),
        )


def encrypt(key: EncryptionKey, payloads: Integers) -> list[list[bytes]]:
    """The ciphertexts of payloads (n, `PIECES`), in the slots of the entries: one for each piece of each block."""
    preset = key.preset
    encryptor = sealapi.Encryptor(seal.context(preset), seal.load(preset, sealapi.PublicKey, key.public))
    blocks, start = [], 0
    for layout in preset.plan(len(payloads)):
        inside = payloads[start : start + layout.capacity]
        slots = np.zeros((PIECES, preset.poly_degree), dtype=np.int64)
        slots[:, layout.entry_slots()[: len(inside)]] = inside.T
        blocks.append([_encrypt(encryptor, seal.plaintext(preset, row.tolist()), key) for row in slots])
        start += layout.capacity
    return blocks


def _encrypt(encryptor: Any, plaintext: Any, key: EncryptionKey) -> bytes:
    ciphertext = sealapi.Ciphertext(seal.context(key.preset))
    encryptor.encrypt(plaintext, ciphertext)
    return seal.save(ciphertext)
