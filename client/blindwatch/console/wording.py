"""Times, spans and numbers in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from blindwatch.records.operator import Outcome
from blindwatch.statements.package import Priority

SIGNS: Final = {Priority.RED: "▲", Priority.AMBER: "◆", Priority.GREEN: "●"}
"""Beside word and colour: each alone tells the three apart."""
_OLD_DAYS: Final = 5 * 365
STAGES: Final[dict[Outcome | str, str]] = {
    "new": "to be compared",
    "sent": "sent to engagement",
    "engaged": "officer is with the person",
}


def is_old(taken: date | None, today: date) -> bool:
    """Whether a photograph is so old, or of unknown age, that whoever compares it has to be warned."""
    return taken is None or (today - taken).days >= _OLD_DAYS


def clock(at: datetime) -> str:
    """A time of the day, as clocks on the wall have it."""
    return at.astimezone().strftime("%H:%M")


def second(at: datetime) -> str:
    """A time of the day to the second."""
    return at.astimezone().strftime("%H:%M:%S")


def iso(at: datetime) -> str:
    """A time for programs."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(time: timedelta) -> str:
    """A length of time, to two units."""
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second"))
    said = [times(count, unit) for count, unit in units if count]
    return " ".join(said[:2]) or "no time"


def times(count: int, one: str, many: str = "") -> str:
    """A number of things."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
