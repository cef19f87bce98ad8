"""What a worker of the match server computes: reveal on match for one probe and one watchlist.

Nothing here can decrypt. What leaves is, for each block and slot, r P(s) with r uniform and not zero, and
r' P(s) + f with r' uniform, where P is zero exactly when the coarse score s reaches the threshold, and f is the fine
score: zero and the fine score for an entry that matches, values uniform and independent of both scores for one that
does not. A key that is made for the probe leaves in the same way as the score, in eight pieces of 16 bits:
r P(s) + piece. A block of a short list has room for all ten numbers in one ciphertext.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
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
from blindwatch.he.released import Release
from blindwatch.he.releasing import Live, Numbers, release
from blindwatch.he.residue_scheme import ResidueScheme
from blindwatch.he.scheme import Scheme
from blindwatch.he.templates import Templates
from blindwatch.wire.crops import KEY_BYTES


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
        live = live_entries([block.layout for block in blocks], removed)
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
            self._release(block, coarse, fine, kept, f"{probe_id}/{number}", key)
            for number, (block, kept) in enumerate(zip(blocks, live, strict=True))
        ]

    def key(self, probe_id: str) -> bytes:
        """The key of 16 bytes that is released, piece by piece, where `match` finds an entry for this `probe_id`."""
        return self._seed(probe_id, "key")[:KEY_BYTES]

    def _release(
        self, block: Block, coarse: Sequence[Any], fine: Sequence[Any], live: Live, label: str, key: bytes
    ) -> Release:
        scheme, circuit, layout = self._scheme, self._circuit, block.layout
        verdict = circuit.release_polynomial(circuit.scores(layout, coarse, block.coarse))
        score = circuit.scores(layout, fine, block.fine)
        numbers = Numbers(verdict, score, key)
        return release(scheme, self._preset, layout, numbers, live, partial(self._seed, label))

    def _seed(self, label: str, purpose: str) -> bytes:
        return masks.derive(self._mask_secret, f"{label}/{purpose}")


def live_entries(layouts: Sequence[Layout], removed: frozenset[int]) -> list[Live]:
    """For each block, which of its entries have not been removed."""
    rooms = [layout.capacity for layout in layouts]
    kept = np.ones(sum(rooms), dtype=np.bool_)
    numbers = np.array(sorted(removed), dtype=np.int64)
    if ((numbers < 0) | (numbers >= len(kept))).any():
        raise ConfigurationError("A removed entry is not on the watchlist.")
    kept[numbers] = False
    return np.split(kept, np.cumsum(rooms)[:-1])


def default_scheme(preset: Preset) -> Callable[[EvaluationBundle], Scheme[Any, Any]]:
    """What evaluates under a preset."""
    return (lambda bundle: NoopScheme(bundle.preset)) if preset.is_insecure else ResidueScheme
