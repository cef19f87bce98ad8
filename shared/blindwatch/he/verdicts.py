"""One probe against a few entries, one bit each: what every engine that gives verdicts has in common.

Both engines decide on the same integers: the coarse template with every coordinate clipped to +-3, which costs no
accuracy that was measurable and keeps the lookup of a coordinate's difference to four bits. An entry matches when its
inner product with the probe reaches the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import ConfigurationError

Integers = NDArray[np.int64]

DIMENSION: Final = 128
LARGEST: Final = 3
SQUARED_NORM: Final = 200
ENTRIES: Final = 64
"""Entries that one probe is compared with at most: this is for a named person, not for a list."""


@dataclass(frozen=True)
class Verdicts:
    """What came of one probe: one bit for each entry, and no score anywhere."""

    matches: tuple[bool, ...]
    error_probability: float
    """Of a wrong bit, for each of them by itself; 0 where the arithmetic is exact."""
    seconds: float
    """What comparing took, without keys and encryption."""
    lookups: int = 0
    """Steps of one comparison that may err, which `error_probability` is over; none where the arithmetic is exact."""

    @property
    def error_of_all(self) -> float:
        """Bound on the chance that any of the bits is wrong (union bound)."""
        return min(1.0, len(self.matches) * self.error_probability)


class VerdictEngine(Protocol):
    """Gives verdicts under one scheme; keys are the engine's own and are gone with it."""

    @property
    def scheme(self) -> str:
        """The scheme in words, for a person."""
        ...

    def verdicts(self, probe: Integers, entries: Integers, threshold: int) -> Verdicts:
        """Whether `entries` (n, d) reach the threshold with `probe` (d,); both as `clip` makes them."""
        ...


def clip(coarse: Integers) -> Integers:
    """Coarse templates (..., d) as verdicts are given on them."""
    return np.clip(coarse, -LARGEST, LARGEST)


def check(probe: Integers, entries: Integers, threshold: int) -> None:
    """Refuse what the circuit could not decide exactly."""
    if probe.shape != (DIMENSION,) or entries.ndim != 2 or entries.shape[1] != DIMENSION:
        raise ConfigurationError(f"Templates must have {DIMENSION} coordinates.")
    if not 1 <= len(entries) <= ENTRIES:
        raise ConfigurationError(f"A probe is compared with 1 to {ENTRIES} entries.")
    both = np.concatenate([probe[None], entries])
    if (np.abs(both) > LARGEST).any() or (np.square(both).sum(axis=1) > SQUARED_NORM).any():
        raise ConfigurationError("A template is larger than verdicts allow.")
    if not 0 <= threshold <= SQUARED_NORM:
        raise ConfigurationError(f"The threshold must lie between 0 and {SQUARED_NORM}.")
