"""What a worker of the match server computes: reveal on match for one probe and one watchlist.

Nothing here can decrypt. What leaves is, for each block and slot, r P(s) with r uniform and not zero, and
r' P(s) + s with r' uniform, where P is zero exactly when the score s reaches the threshold: zero and the score
for an entry that matches, uniform and independent of the score for one that does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from blindwatch.errors import ConfigurationError, EmptyWatchlist
from blindwatch.he import masks
from blindwatch.he.circuit import Circuit
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.layout import Layout
from blindwatch.he.noop import NoopScheme
from blindwatch.he.residue_scheme import ResidueScheme
from blindwatch.he.scheme import Scheme


@dataclass(frozen=True)
class Release:
    """Two serialized ciphertexts for one block."""

    indicator: bytes
    score: bytes


@dataclass(frozen=True)
class Block:
    """A loaded block of the watchlist."""

    layout: Layout
    parts: Sequence[Any]


class Matcher:
    """Scores probes against blocks under one key and one threshold."""

    def __init__(self, bundle: EvaluationBundle, threshold: int, mask_secret: bytes) -> None:
        self._preset = bundle.preset
        self._preset.check_threshold(threshold)
        self._preset.check_flooding()
        if len(mask_secret) != masks.SECRET_BYTES:
            raise ConfigurationError("The mask secret does not have 32 bytes.")
        self._mask_secret = mask_secret
        self._scheme = open_scheme(bundle)
        self._circuit = Circuit(self._scheme, self._preset, threshold)

    def load_block(self, parts: Iterable[bytes]) -> Block:
        """A block of the watchlist, every ciphertext checked; raises CipherError."""
        loaded = [self._scheme.part(part) for part in parts]
        return Block(self._preset.layout_of(len(loaded)), loaded)

    def match(self, probe: bytes, blocks: Sequence[Block], probe_id: str) -> list[Release]:
        """One release per block. The masks follow from `probe_id`, which must be new for every probe."""
        if not blocks:
            raise EmptyWatchlist
        fresh = self._scheme.load(probe)
        babies = self._scheme.rotations(fresh, max(block.layout.babies for block in blocks))
        return [self._release(block, babies, f"{probe_id}/{number}") for number, block in enumerate(blocks)]

    def _release(self, block: Block, babies: Sequence[Any], label: str) -> Release:
        scheme, last = self._scheme, self._preset.ladder[-1]
        score = self._circuit.scores(block.layout, babies, block.parts)
        verdict = self._circuit.release_polynomial(score)
        live = np.zeros(self._preset.poly_degree, dtype=np.int64)
        live[block.layout.entry_slots()] = 1
        indicator = scheme.mask(verdict, self._draw(label, "indicator", nonzero=True) * live)
        gated = scheme.add(scheme.mask(verdict, self._draw(label, "score") * live), scheme.lower(score, last))
        # Slots that hold no entry hold sums of parts of several: uniform offsets hide them whatever they are.
        return Release(
            indicator=scheme.release(
                indicator,
                self._draw(label, "indicator rest", nonzero=True) * (1 - live),
                self._seed(label, "indicator flood"),
            ),
            score=scheme.release(
                gated, self._draw(label, "score rest") * (1 - live), self._seed(label, "score flood")
            ),
        )

    def _draw(self, label: str, purpose: str, *, nonzero: bool = False) -> Any:
        draw = masks.nonzero if nonzero else masks.uniform
        return draw(self._seed(label, purpose), self._preset.poly_degree)

    def _seed(self, label: str, purpose: str) -> bytes:
        return masks.derive(self._mask_secret, f"{label}/{purpose}")


def open_scheme(bundle: EvaluationBundle) -> Scheme[Any]:
    """The scheme of a bundle's preset."""
    return NoopScheme(bundle.preset) if bundle.preset.is_insecure else ResidueScheme(bundle)
