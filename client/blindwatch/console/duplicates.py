"""One alert for somebody who stays in view: what counts as the same sighting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeAlias

from blindwatch.console.alerts import Alert

DUPLICATE: Final = timedelta(seconds=30)
"""The same entry at the same camera is one alert until it has not been seen for so long."""

_Place: TypeAlias = tuple[str, str]


class Duplicates:
    """The newest sighting of each entry at each camera, and which alert it belongs to."""

    def __init__(self) -> None:
        self._latest: dict[_Place, tuple[str, datetime]] = {}

    def first(self, alert: Alert, at: datetime) -> str | None:
        """The alert that this is one more sighting for; none if it is one by itself."""
        known = self._latest.get(_place(alert))
        if alert.is_check or known is None or at - known[1] >= DUPLICATE:
            return None
        self._latest[_place(alert)] = (known[0], at)
        return known[0]

    def note(self, alert: Alert, at: datetime) -> None:
        """Remember an alert that was shown."""
        self._latest[_place(alert)] = (alert.id, at)

    def forget(self, at: datetime) -> None:
        """Let go of what nothing can belong to any more."""
        self._latest = {place: each for place, each in self._latest.items() if at - each[1] < DUPLICATE}


def _place(alert: Alert) -> _Place:
    """The camera, and the entry that is most alike."""
    return alert.camera, alert.candidates[0].entry.reference if alert.candidates else alert.id
