"""What a check has given, as it is looked at: an answer in words, and of a match faces of the list for a minute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from blindwatch.console.alerts import Alert
from blindwatch.errors import Problem

MINUTE: Final = timedelta(seconds=60)
"""For so long faces are shown, and an answer without a match."""


@dataclass(frozen=True)
class Shown:
    """One answer. The photograph that it rests on is nowhere any more. Everything is in memory only."""

    alert: Alert | None
    """Of a match; the face that passed is not in it, since nobody has it."""
    problem: Problem | None
    """Why there is no answer, or what is wrong with the one that there is."""
    shortcomings: tuple[str, ...]
    """What is wrong with the photograph that was taken, in words."""
    until: datetime
    """When faces go, and an answer without a match goes."""

    @property
    def has_faces(self) -> bool:
        """Whether there is a face to look at."""
        return self.alert is not None and any(each.image is not None for each in self.alert.candidates)

    def later(self) -> Shown | None:
        """What is left when the time of the faces is over: of a match the words, otherwise nothing.

        Left on the screen, an answer without a match would be taken for that of whoever is checked next.
        """
        if self.alert is None:
            return None
        faceless = tuple(replace(each, image=None) for each in self.alert.candidates)
        return replace(self, alert=replace(self.alert, candidates=faceless))
