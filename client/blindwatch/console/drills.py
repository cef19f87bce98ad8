"""Drills against automation bias: now and then a pair of different people comes as an alert, at a random time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random, SystemRandom

from blindwatch.console.alerts import Alert
from blindwatch.console.bands import Band
from blindwatch.console.raising import Maker


@dataclass
class Drills:
    """When the next pair is shown. Without pairs, or with no minutes between them, none ever is."""

    maker: Maker
    cameras: Sequence[str]
    minutes: float
    """Between two of them, on average."""
    random: Random = field(default_factory=SystemRandom)
    _due: datetime | None = None

    @property
    def pairs(self) -> int:
        """How many pairs there are to choose from."""
        return 0 if self.maker.album is None or not self.minutes else self.maker.album.checks

    def next(self, at: datetime) -> Alert | None:
        """The pair that is to be shown now, if it is time for one."""
        if not self.pairs:
            return None
        if self._due is None:
            self._plan(at)
        if self._due is None or at < self._due:
            return None
        self._plan(at)
        return self.maker.check(
            self.random.randrange(self.pairs),
            f"{self.random.getrandbits(128):032x}",
            self.random.choice(self.cameras),
            self.random.choice(tuple(Band)),
            at,
        )

    def _plan(self, at: datetime) -> None:
        self._due = at + timedelta(minutes=self.random.expovariate(1 / self.minutes))
