"""What the header of the console says about everything around it, as far as it is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from blindwatch.errors import BlindwatchError, LogError, Problem, error_for

SILENCE: Final = timedelta(seconds=75)
"""A camera says every minute how many faces it saw; one that says nothing for longer is taken for offline."""


@dataclass
class Signals:
    """Facts that threads note as they meet them."""

    began: datetime
    server_lost: datetime | None = None
    """Since when the server cannot be reached."""
    withheld: datetime | None = None
    """Since when the server has results that its witnesses have not cosigned."""
    proven: datetime | None = None
    """When a result was proven last by the server's log."""
    faces: int = 0
    """Results that were read, one for each face that passed a camera."""
    problems: Counter[Problem] = field(default_factory=Counter)
    """Results that could not be read or may not be so."""
    heard: Mapping[str, datetime | None] = field(default_factory=dict)
    """When the server heard of each camera last."""
    journal: BlindwatchError | None = None
    """Why nothing can be written down."""
    end: BlindwatchError | None = None
    """Why nothing is fetched any more."""

    def count(self, problem: Problem | None, at: datetime) -> None:
        """Note one result that was read."""
        self.faces += 1
        if problem is not None:
            self.problems[problem] += 1
        if problem is None or not issubclass(error_for(problem), LogError):
            self.proven = at

    @property
    def unproven(self) -> int:
        """Results that were not opened, because the server's log does not prove them."""
        return sum(
            count for problem, count in self.problems.items() if issubclass(error_for(problem), LogError)
        )

    @property
    def violations(self) -> int:
        """Results with a removed entry that the server matched all the same."""
        return self.problems[Problem.REMOVAL_IGNORED]

    @property
    def unread(self) -> int:
        """Results that could not be read, which says nothing about who was seen."""
        return self.problems.total() - self.unproven - self.violations

    def silent(self, camera: str, at: datetime) -> timedelta | None:
        """For how long nothing was heard of a camera, if that is too long."""
        silence = at - (self.heard.get(camera) or self.began)
        return silence if silence >= SILENCE else None
