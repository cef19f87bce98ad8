"""How many faces were seen in each minute: numbers that say nothing of anybody, kept until the server has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from blindwatch.records.record import minute

_KEPT: Final = 1440
"""Minutes that wait for a server that cannot be reached; those before are added to the oldest of them."""


@dataclass(frozen=True)
class Minute:
    """What one camera saw in one minute. A face counts in the minute in which it is done with."""

    faces: int = 0
    dropped: int = 0
    """Of them, those that could not be sent."""
    unusable: int = 0
    """Of them, those that were never clear enough to be compared."""

    def __add__(self, other: Minute) -> Minute:
        return Minute(self.faces + other.faces, self.dropped + other.dropped, self.unusable + other.unusable)

    @property
    def sent(self) -> int:
        """The faces that were compared."""
        return self.faces - self.dropped - self.unusable


SENT: Final = Minute(faces=1)
DROPPED: Final = Minute(faces=1, dropped=1)
UNUSABLE: Final = Minute(faces=1, unusable=1)


class Counts:
    """The minutes of a camera that the server does not have yet, and the sum of all. For several threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.total = Minute()
        self._clock = clock
        self._minutes: dict[str, Minute] = {}
        self._lock = Lock()

    def add(self, seen: Minute) -> None:
        """Count in the current minute; nothing may be added, so that the minute is told of as well."""
        with self._lock:
            self.total += seen
            self._note(minute(self._clock()), seen)

    def carry(self, which: str) -> None:
        """Add a minute of which the server has other numbers already to the next one: the sums stay right."""
        with self._lock:
            left = self._minutes.pop(which, Minute())
            following = min((each for each in self._minutes if each > which), default=minute(self._clock()))
            self._note(following, left)

    def waiting(self, *, everything: bool = False) -> dict[str, Minute]:
        """The minutes that the server is to be told of: those that are over, or the current one as well."""
        with self._lock:
            current = minute(self._clock())
            return {each: seen for each, seen in self._minutes.items() if everything or each < current}

    def done(self, which: str) -> None:
        """The server has this minute."""
        with self._lock:
            self._minutes.pop(which, None)

    def _note(self, which: str, seen: Minute) -> None:
        self._minutes[which] = self._minutes.get(which, Minute()) + seen
        if len(self._minutes) > _KEPT:
            oldest, following, *_ = sorted(self._minutes)
            self._minutes[following] += self._minutes.pop(oldest)
