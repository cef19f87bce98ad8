"""Rank-k identification, for retrospective use: how often somebody on the list is among the first k by score.

Entries with the same score as the right one are ranked before it, so that ties help nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from blindwatch.evaluation.rates import Rate
from blindwatch.evaluation.samples import Indices
from blindwatch.evaluation.scoring import Scores
from blindwatch.evaluation.variance import by_subject

RANKS: Final = (1, 5, 10, 50, 200)


@dataclass(frozen=True)
class Ranks:
    """The rank of the right entry in every mated search."""

    rank: Indices
    subject: Indices
    entries: int

    @classmethod
    def of(cls, scores: Scores, subject: Indices, entry_subject: Indices) -> Self:
        """Given the scores of searched photographs with all entries; those without an entry are left out."""
        own = subject[:, np.newaxis] == entry_subject
        mated = own.any(axis=1)
        right = scores[mated][own[mated]]
        rank = (scores[mated] >= right[:, np.newaxis]).sum(axis=1)
        return cls(rank.astype(np.int64), subject[mated], len(entry_subject))

    def identified(self, rank: int) -> Rate:
        """The share of mated searches whose right entry is among the first so many."""
        return by_subject(self.rank <= rank, self.subject)

    def curve(self, ranks: Sequence[int]) -> list[float]:
        """The share for each of these ranks."""
        return [float((self.rank <= each).mean()) for each in ranks]
