"""What a worker of the match server computes: reveal on match for one probe and one watchlist.

Nothing here can decrypt. What leaves is, for each block and slot, r P(s) with r uniform and not zero, and
r' P(s) + f with r' uniform, where P is zero exactly when the coarse score s reaches the threshold, and f is the fine
score: zero and the fine score for an entry that matches, values uniform and independent of both scores for one that
does not. A key that is made for the probe leaves in the same way as the score, in eight pieces of 16 bits:
r P(s) + piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numba
import numpy as np

from blindwatch.errors import ConfigurationError, EmptyWatchlist
from blindwatch.he import masks
from blindwatch.he.circuit import Circuit
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey, EvaluationBundle
from blindwatch.he.layout import SWAP, Layout
from blindwatch.he.noop import NoopScheme
from blindwatch.he.packing import Packed
from blindwatch.he.presets import Preset
from blindwatch.he.residue_scheme import ResidueScheme
from blindwatch.he.scheme import Scheme, Slots
from blindwatch.he.templates import Templates
from blindwatch.wire.crops import PIECES


@dataclass(frozen=True)
class Release:
    """Ten serialized ciphertexts for one block."""

    indicator: bytes
    score: bytes
    pieces: tuple[bytes, ...]
    """Of the key, `PIECES`."""


@dataclass(frozen=True)
class Block:
    """A loaded block of the watchlist, at both scales."""

    layout: Layout
    coarse: Any
    fine: Any

    def save(self, folder: Path, name: str) -> None:
        """Write the packed ciphertexts to files that `map` takes."""
        self.coarse.save(folder, f"{name}-coarse")
        self.fine.save(folder, f"{name}-fine")

    @classmethod
    def map(cls, layout: Layout, folder: Path, name: str) -> Self:
        """A block from the files of `save`, shared by all processes that map it."""
        return cls(layout, Packed.map(folder, f"{name}-coarse"), Packed.map(folder, f"{name}-fine"))


class Matcher:
    """Compares probes with blocks under one key and one threshold."""

    def __init__(
        self,
        bundle: EvaluationBundle,
        threshold: int,
        mask_secret: bytes,
        scheme: Callable[[EvaluationBundle], Scheme[Any, Any]] | None = None,
        threads: int | None = None,
    ) -> None:
        """`threads` may share the work on a probe; all that Numba is set to by default."""
        self._preset = bundle.preset
        self._preset.check_threshold(threshold)
        self._preset.check_flooding()
        if len(mask_secret) != masks.SECRET_BYTES:
            raise ConfigurationError("The mask secret does not have 32 bytes.")
        self._mask_secret = mask_secret
        self._scheme = (scheme or default_scheme(bundle.preset))(bundle)
        self._circuit = Circuit(self._scheme, self._preset, threshold)
        self._threads = threads or numba.get_num_threads()

    def load_block(self, parts: Iterable[bytes], count: int) -> Block:
        """A block of the watchlist of this many ciphertexts, every one checked; raises CipherError."""
        preset, scheme, each = self._preset, self._scheme, iter(parts)
        layout = preset.layout_of(count)
        return Block(
            layout,
            scheme.pack(islice(each, layout.parts), layout.parts, preset.data_primes),
            scheme.pack(each, layout.parts, preset.fine_primes),
        )

    def warm(self, key: EncryptionKey, blocks: Sequence[Block]) -> None:
        """Compare an empty probe and forget the result, so that the first real one need not wait for anything."""
        zero = np.zeros((1, self._preset.dimension), dtype=np.int64)
        self.match(Encryptor(key).probe(Templates(zero, zero)), blocks, "warming up")

    def match(
        self, probe: bytes, blocks: Sequence[Block], probe_id: str, removed: frozenset[int] = frozenset()
    ) -> list[Release]:
        """One release per block. The masks follow from `probe_id`, which must be new for each probe and `removed`.

        Removed entries are numbered from the first of the first block; nothing of their scores is released.
        """
        if not blocks:
            raise EmptyWatchlist
        live = live_slots([block.layout for block in blocks], removed)
        numba.set_num_threads(self._threads)
        scheme, preset = self._scheme, self._preset
        babies = max(block.layout.babies for block in blocks)
        fresh = scheme.load(probe)
        swapped = scheme.rotate(fresh, SWAP)
        coarse = scheme.rotations(scheme.add(fresh, swapped), babies)
        difference = scheme.combine([fresh, swapped], [1, -1], 0)
        fine = scheme.rotations(scheme.lower(difference, preset.fine_primes), babies)
        key = self.key(probe_id)
        return [
            self._release(block, coarse, fine, slots, f"{probe_id}/{number}", key)
            for number, (block, slots) in enumerate(zip(blocks, live, strict=True))
        ]

    def key(self, probe_id: str) -> bytes:
        """The key of 16 bytes that is released, piece by piece, where `match` finds an entry for this `probe_id`."""
        return self._seed(probe_id, "key")[: 2 * PIECES]

    def _release(
        self, block: Block, coarse: Sequence[Any], fine: Sequence[Any], live: Slots, label: str, key: bytes
    ) -> Release:
        """What a block releases; `live` is 1 in slots whose score may be released, and 0 elsewhere."""
        scheme, last = self._scheme, self._preset.ladder[-1]
        verdict = self._circuit.release_polynomial(self._circuit.scores(block.layout, coarse, block.coarse))
        score = self._circuit.scores(block.layout, fine, block.fine)
        indicator = scheme.mask(verdict, self._draw(label, "indicator", nonzero=True) * live)
        gated = scheme.add(scheme.mask(verdict, self._draw(label, "score") * live), scheme.lower(score, last))
        # Slots that hold no entry hold sums of parts of several, those of removed entries what nobody may learn:
        # uniform offsets hide them whatever they are.
        return Release(
            indicator=scheme.release(
                indicator,
                self._draw(label, "indicator rest", nonzero=True) * (1 - live),
                self._seed(label, "indicator release"),
            ),
            score=scheme.release(
                gated, self._draw(label, "score rest") * (1 - live), self._seed(label, "score release")
            ),
            pieces=tuple(
                self._release_piece(verdict, int(piece), live, f"{label}/piece {number}")
                for number, piece in enumerate(np.frombuffer(key, dtype=">u2"))
            ),
        )

    def _release_piece(self, verdict: Any, piece: int, live: Slots, label: str) -> bytes:
        """The piece in slots whose entry matches, and uniform values in all others; fresh masks for every piece."""
        masked = self._scheme.mask(verdict, self._draw(label, "mask") * live)
        offsets = piece * live + self._draw(label, "rest") * (1 - live)
        return self._scheme.release(masked, offsets, self._seed(label, "release"))

    def _draw(self, label: str, purpose: str, *, nonzero: bool = False) -> Any:
        draw = masks.nonzero if nonzero else masks.uniform
        return draw(self._seed(label, purpose), self._preset.poly_degree)

    def _seed(self, label: str, purpose: str) -> bytes:
        return masks.derive(self._mask_secret, f"{label}/{purpose}")


def live_slots(layouts: Sequence[Layout], removed: frozenset[int]) -> list[Slots]:
    """For each block, 1 in the slots of its entries and 0 in all others and in those of removed entries."""
    places = [layout.entry_slots() for layout in layouts]
    kept = np.ones(sum(map(len, places)), dtype=np.int64)
    numbers = np.array(sorted(removed), dtype=np.int64)
    if ((numbers < 0) | (numbers >= len(kept))).any():
        raise ConfigurationError("A removed entry is not on the watchlist.")
    kept[numbers] = 0
    start, live = 0, []
    for layout, slots in zip(layouts, places, strict=True):
        live.append(np.zeros(2 * layout.row, dtype=np.int64))
        live[-1][slots] = kept[start : start + len(slots)]
        start += len(slots)
    return live


def default_scheme(preset: Preset) -> Callable[[EvaluationBundle], Scheme[Any, Any]]:
    """What evaluates under a preset."""
    return (lambda bundle: NoopScheme(bundle.preset)) if preset.is_insecure else ResidueScheme
