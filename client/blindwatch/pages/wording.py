"""How pages say times, numbers and shares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import floor, log10


def capital(text: str) -> str:
    """A text with a capital at its beginning, and the rest as it is."""
    return text[:1].upper() + text[1:]


def clock(at: datetime) -> str:
    """A time as people read it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def count(number: int) -> str:
    """A number as people read it."""
    return f"{number:,}"


def iso(at: datetime) -> str:
    """A time as programs read it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def span(length: timedelta) -> str:
    """How long something takes: to the minute, and from two days on to the hour. The countdown has the same words."""
    minutes = int(length.total_seconds()) // 60
    hours = minutes // 60
    return f"{hours // 24} days {hours % 24} h" if hours >= 48 else f"{hours} h {minutes % 60:02} min"


def percent(share: float) -> str:
    """A share in per cent with two significant digits, and no exponent."""
    value = 100 * share
    if not 0 < value < 100:
        return f"{value:.0f} %"
    return f"{value:.{max(0, 1 - floor(log10(value)))}f} %"
