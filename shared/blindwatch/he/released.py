"""What leaves for a block of the list: ten numbers modulo t for each entry, in as few ciphertexts as it takes.

A layout with groups has its entries in the first group of slots. The others are empty once scores are added up, so
the next numbers of an entry stand there: number g of a ciphertext g segments to the left, around the row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from blindwatch.he.layout import Layout
from blindwatch.he.scheme import Slots
from blindwatch.wire.crops import PIECES as KEY_PIECES

Release: TypeAlias = tuple[bytes, ...]
"""The serialized ciphertexts of one block."""

INDICATOR: Final = 0
SCORE: Final = 1
PIECES: Final = range(2, 2 + KEY_PIECES)
"""Of the key that opens the face of the probe."""
VALUES: Final = range(2 + KEY_PIECES)


def shares(layout: Layout) -> list[range]:
    """For each ciphertext of a release, which numbers it has."""
    return [VALUES[first : first + layout.groups] for first in range(0, len(VALUES), layout.groups)]


def places(layout: Layout, value: int) -> NDArray[np.intp]:
    """The slot in which each entry has this number, in the ciphertext that has it."""
    return layout.entry_slots(value % layout.groups)


def opened(
    layout: Layout, release: Sequence[bytes], wanted: Sequence[int], slots: Callable[[bytes], Slots]
) -> Slots:
    """These numbers of all entries (wanted, entries), where `slots` decrypts a ciphertext; each is decrypted once."""
    parts = {value // layout.groups for value in wanted}
    found = {part: slots(release[part]) for part in parts}
    return np.stack([found[value // layout.groups][places(layout, value)] for value in wanted])
