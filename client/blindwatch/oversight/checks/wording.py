"""Figures in words, which never promise more than there is."""

from __future__ import annotations

from typing import Final

_ALMOST: Final = 0.999


def percent(probability: float) -> str:
    """A probability in per cent; one that is not quite certain never reads as 100 %."""
    if _ALMOST < probability < 1:
        return f"more than {100 * _ALMOST:g} %"
    return f"{100 * probability:.3g} %"


def hours(count: float) -> str:
    """So many hours."""
    return f"{count:g} hour{'' if count == 1 else 's'}"
