"""How alike two faces are, in three bands: a person compares images, and no number should decide for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

_ABOVE: Final = 0.05
_WELL_ABOVE: Final = 0.15


class Band(Enum):
    """Where a score lies, seen from the threshold, in steps of similarity (cosine)."""

    JUST = (1, "just above the threshold")
    ABOVE = (2, "above the threshold")
    WELL = (3, "well above the threshold")

    def __init__(self, step: int, words: str) -> None:
        self.step = step
        self.words = words


@dataclass(frozen=True)
class Scale:
    """The scores of a list: the threshold, and the score of a face with itself."""

    threshold: int
    highest: int

    def band(self, score: int) -> Band:
        """The band of a score that is at the threshold or above it."""
        above = (score - self.threshold) / self.highest
        if above < _ABOVE:
            return Band.JUST
        return Band.ABOVE if above < _WELL_ABOVE else Band.WELL
