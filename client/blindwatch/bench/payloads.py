"""Payloads released like scores: by the circuit of the engine, with an encrypted payload where the score was.

A piece of a payload has 16 bits and takes a slot. What leaves is, for each piece, r P(s) + piece with r
uniform: the piece for an entry that matches, uniform for one that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from secrets import token_bytes
from typing import Any, Final

import numpy as np
import tenseal.sealapi as sealapi

from blindwatch.bench.trial import Integers, Trial
from blindwatch.he import form, masks, seal
from blindwatch.he.circuit import Circuit
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.layout import SWAP, Layout
from blindwatch.he.matching import default_scheme
from blindwatch.he.released import Release
from blindwatch.he.scheme import Slots

Draw = Callable[[bytes, int], Slots]
"""Values of so many slots from a seed, as `masks` draws them."""

PIECES: Final = 4
"""Of 16 bits each: the 64 bits of a payload in the workload's specification."""


@dataclass(frozen=True)
class _Block:
    layout: Layout
    parts: Any
    pieces: Sequence[Any]


class PayloadEngine:
    """A list with payloads, ready to be asked on some cores, block by block."""

    def __init__(self, trial: Trial, payloads: Sequence[Sequence[bytes]], cores: int) -> None:
        preset, bundle = trial.preset, trial.keys.evaluation
        self._scheme = scheme = default_scheme(preset)(bundle)
        self._circuit = Circuit(scheme, preset, trial.threshold)
        self._slots = preset.poly_degree
        self._cores = cores
        self._blocks = [
            _Block(
                layout,
                scheme.pack(block[: layout.parts], layout.parts, preset.data_primes),
                [scheme.lower(scheme.load(piece), preset.ladder[-1]) for piece in pieces],
            )
            for layout, block, pieces in zip(preset.plan(trial.entries), trial.blocks, payloads, strict=True)
        ]

    def fetch(self, probe: bytes) -> list[Release]:
        """The releases for one probe: for each block an indicator, then the pieces, each in its own ciphertext."""
        fresh = self._scheme.load(probe)
        coarse = self._scheme.add(fresh, self._scheme.rotate(fresh, SWAP))
        babies = self._scheme.rotations(coarse, max(block.layout.babies for block in self._blocks))
        with ThreadPoolExecutor(self._cores) as pool:
            return list(pool.map(partial(self._fetched, babies), self._blocks))

    def _fetched(self, babies: Sequence[Any], block: _Block) -> Release:
        verdict = self._circuit.release_polynomial(self._circuit.scores(block.layout, babies, block.parts))
        live = np.zeros(self._slots, dtype=np.int64)
        live[block.layout.entry_slots()] = 1
        pieces = (self._release(verdict, live, masks.uniform, piece) for piece in block.pieces)
        return (self._release(verdict, live, masks.nonzero), *pieces)

    def _release(self, verdict: Any, live: Slots, draw: Draw, piece: Any = None) -> bytes:
        """r P(s), plus a piece; slots without an entry are drawn too."""
        masked = self._scheme.mask(verdict, draw(_seed(), self._slots) * live)
        if piece is not None:
            masked = self._scheme.add(masked, piece)
        return self._scheme.release(masked, draw(_seed(), self._slots) * (1 - live), _seed())


def read(layout: Layout, release: Release, slots: Callable[[bytes], Slots]) -> Integers:
    """What a release holds of each entry, (1 + `PIECES`, entries)."""
    return np.stack([slots(each)[layout.entry_slots()] for each in release])


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
    return form.write(key.preset, seal.residues(key.preset, ciphertext))


def _seed() -> bytes:
    return token_bytes(masks.SECRET_BYTES)
