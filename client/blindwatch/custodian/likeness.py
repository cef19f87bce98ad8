"""Which entries could be one person: every pair of templates whose similarity reaches a threshold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAME_PHOTOGRAPH: Final = 0.9
"""Similarity that two photographs of different people do not reach in practice: of 36 million pairs of Labeled Faces
in the Wild none is above 0.82 with the reference pipeline. Copies of one photograph do."""
KEPT: Final = 1000
_BLOCK: Final = 512


@dataclass(frozen=True, order=True)
class Pair:
    """Two entries of different people, by their numbers, the first the lower one, and their cosine similarity."""

    similarity: float
    first: int
    second: int


class Likeness:
    """Pairs of different people that are alike. Of all, the number is known, and the most alike are kept."""

    def __init__(self, people: Sequence[str], lowest: float) -> None:
        self._codes = np.unique(list(people), return_inverse=True)[1]
        self._lowest = lowest
        self.count = 0
        self.pairs: list[Pair] = []
        """The most alike first."""

    def compare(self, embeddings: NDArray[np.float32]) -> Iterator[int]:
        """Compare unit embeddings (n, d), each pair once; yields the entries that each step has dealt with."""
        for start in range(0, len(embeddings), _BLOCK):
            rows = slice(start, start + _BLOCK)
            similarity = embeddings[rows] @ embeddings[start:].T
            other = self._codes[rows, np.newaxis] != self._codes[start:]
            first, second = np.nonzero(np.triu((similarity >= self._lowest) & other, 1))
            self.count += len(first)
            values = similarity[first, second]
            best = np.argsort(values)[-KEPT:]
            found = [Pair(float(values[at]), start + int(first[at]), start + int(second[at])) for at in best]
            self.pairs = nlargest(KEPT, self.pairs + found)
            yield len(similarity)
