"""How a block of watchlist entries lies in slots, and which rotations that takes.

Slots form two rows of N/2. The probe repeats its d values along both. Entry j of a row meets the probe in slot
j, by diagonals: at offset k the slots multiply value (j + k) mod d of the probe with the same value of entry j.
The offsets are split in three: `babies` come from rotating the probe, `giants` from rotating partial sums
(Halevi and Shoup, "Algorithms in HElib", 2014), and `groups` stand side by side in the row, in copies of the
entries that are `segment` slots apart. Groups make short lists cheap: they take fewer ciphertexts and
rotations, and room that would be empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

SWAP: Final = 0
"""The step that stands for exchanging the two rows, as in SEAL."""

HOISTED: Final = 4
"""The probe is rotated by 1 to 3, and each of the four by 4, 8, ...: each time several rotations share what is
costly about them, and together they take few keys."""


@dataclass(frozen=True)
class Layout:
    """One way to fill a block; `babies * giants * groups` is the dimension of templates."""

    row: int
    babies: int
    giants: int
    groups: int

    @property
    def dimension(self) -> int:
        """Values of a template."""
        return self.babies * self.giants * self.groups

    @property
    def parts(self) -> int:
        """Ciphertexts in a block, of either scale."""
        return self.babies * self.giants

    @property
    def segment(self) -> int:
        """Slots from one group to the next, which is also the number of entries in a row.

        With more than one group it is -`parts` modulo the dimension, so that the groups cover every offset.
        """
        return self.row if self.groups == 1 else self.row // self.groups - self.parts

    @property
    def capacity(self) -> int:
        """Entries in a block."""
        return 2 * self.segment

    @property
    def group_steps(self) -> tuple[int, ...]:
        """Rotations that add up the groups, by doubling."""
        return tuple(self.segment << i for i in range(self.groups.bit_length() - 1))

    @property
    def baby_steps(self) -> frozenset[int]:
        """Rotations of the probe."""
        near, far = range(1, HOISTED), range(HOISTED, self.babies, HOISTED)
        return frozenset(step for step in (*near, *far) if step < self.babies)

    @property
    def steps(self) -> frozenset[int]:
        """All rotations that scoring a block takes."""
        giants = {self.babies} if self.giants > 1 else set()
        return frozenset(self.baby_steps | giants | set(self.group_steps))

    def entry_slots(self, group: int = 0) -> NDArray[np.intp]:
        """The slot of each entry's score. All other slots hold no score and must be masked whole.

        With a `group`, the slot that many segments to the left of it, around the row.
        """
        local = (np.arange(self.segment) - group * self.segment) % self.row
        return np.concatenate([local, local + self.row])

    def diagonals(self, templates: Integers) -> Iterator[Integers]:
        """The slot values of each ciphertext of a block, giant by giant, of at most `capacity` templates (n, d)."""
        padded = np.zeros((self.capacity, self.dimension), dtype=np.int64)
        padded[: len(templates)] = templates
        slot = np.arange(self.row)
        for giant in range(self.giants):
            group, local = np.divmod((slot - giant * self.babies) % self.row, self.segment)
            used = group < self.groups
            for baby in range(self.babies):
                values = np.zeros((2, self.row), dtype=np.int64)
                column = (slot + baby) % self.dimension
                for which in (0, 1):
                    entry = local + which * self.segment
                    values[which, used] = padded[entry[used], column[used]]
                yield values.ravel()

    def repeat(self, rows: Integers) -> Integers:
        """The slot values of a probe that has one vector for each row of slots, (2, d)."""
        return np.tile(rows, self.row // self.dimension).ravel()
