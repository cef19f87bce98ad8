"""What is counted of a duty for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counts:
    """Sums since the console was started, and three facts of now."""

    results: int = 0
    """Results that were read, one for each face that passed a camera."""
    failures: int = 0
    """Of these, those that could not be read or were not proven."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    key_is_held: bool = False
    server_answers: bool = False
    cameras_offline: int = 0
