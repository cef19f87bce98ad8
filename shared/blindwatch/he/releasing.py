"""How ten numbers of each entry leave: masked, so that those of an entry that does not match are uniform."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from blindwatch.he import masks
from blindwatch.he.layout import Layout
from blindwatch.he.presets import Preset
from blindwatch.he.released import INDICATOR, PIECES, SCORE, Release, places, shares
from blindwatch.he.scheme import Scheme, Slots

Live: TypeAlias = NDArray[np.bool_]
"""For each entry of a block, whether anything may be released of it."""

Seeds: TypeAlias = Callable[[str], bytes]
"""32 bytes for a purpose, each of which is named once for a release."""


@dataclass(frozen=True)
class Numbers:
    """What is released of a block, under encryption but for the key."""

    verdict: Any
    """P of the coarse score, with as many primes as the ladder ends with."""
    score: Any
    """The fine score."""
    key: bytes = field(repr=False)
    """Of `KEY_BYTES`."""

    def plain(self, value: int) -> int:
        """What is added to a number in clear: to those of `PIECES`, one of the key."""
        return int.from_bytes(self.key[2 * PIECES.index(value) :][:2], "big") if value in PIECES else 0


def release(
    scheme: Scheme[Any, Any], preset: Preset, layout: Layout, numbers: Numbers, live: Live, seeds: Seeds
) -> Release:
    """The ciphertexts of a block; uniform of entries that are not live, and in slots that hold no entry."""
    # Slots without an entry hold sums of parts of several, those of other entries what nobody may learn.
    kept = np.zeros(preset.poly_degree, dtype=np.int64)
    kept[layout.entry_slots()[live]] = 1
    score = scheme.lower(scheme.mask(numbers.score, kept), preset.ladder[-1])

    def masked(value: int) -> Any:
        draw = masks.nonzero if value == INDICATOR else masks.uniform
        hidden = scheme.mask(numbers.verdict, draw(seeds(f"mask {value}"), len(kept)) * kept)
        return scheme.add(hidden, score) if value == SCORE else hidden

    def offsets(number: int, share: range) -> Slots:
        added = masks.uniform(seeds(f"rest {number}"), len(kept))
        for value in share:
            slots = places(layout, value)
            if value == INDICATOR:  # of who is not live, it must not look like a match
                added[slots] = masks.nonzero(seeds("indicator rest"), len(slots))
            added[slots[live]] = numbers.plain(value)
        return added

    return tuple(
        scheme.release(
            side_by_side(scheme, [masked(value) for value in share], layout.segment),
            offsets(number, share),
            seeds(f"release {number}"),
        )
        for number, share in enumerate(shares(layout))
    )


def side_by_side(scheme: Scheme[Any, Any], values: Sequence[Any], step: int) -> Any:
    """Values that are zero beyond the first `step` slots, in one: each turned by `step` more than the one before."""
    *rest, total = values
    for value in reversed(rest):
        total = scheme.add(value, scheme.rotate(total, step))
    return total
