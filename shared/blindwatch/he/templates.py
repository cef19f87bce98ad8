"""Integer templates, at two scales: a coarse one that decides what is released, a fine one that is released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from blindwatch.he.layout import Integers


@dataclass(frozen=True)
class Templates:
    """Templates of n faces: integers of shape (n, d), with squared norms bounded by the preset."""

    coarse: Integers
    fine: Integers

    def __len__(self) -> int:
        return len(self.coarse)

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(self.coarse[rows], self.fine[rows])

    def scores(self, probe: Self) -> tuple[Integers, Integers]:
        """The coarse and the fine scores (n,) of a single probe, in clear."""
        return self.coarse @ probe.coarse[0], self.fine @ probe.fine[0]
