"""What custodians released for a time: it refuses outside that time, and is let go of when the time is over."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Timer
from typing import Generic, TypeVar
from weakref import ref

from blindwatch.errors import OutsideWindow
from blindwatch.statements.predicates import Window, instant

T = TypeVar("T")


class Held(Generic[T]):
    """Something that opens, for a window of time, or for good where it was never released."""

    def __init__(self, value: T, window: Window | None) -> None:
        self._value: T | None = value
        self._window = window
        if window is not None:
            left = instant(window.not_after) - datetime.now(UTC)
            # By a weak reference, so that what is not needed any more need not wait for the end of the window.
            timer = Timer(max(left.total_seconds(), 0.0), _drop, [ref(self)])
            timer.daemon = True
            timer.start()

    def get(self) -> T:
        """What opens; raises OutsideWindow."""
        if self._window is not None:
            check_held(self._window, datetime.now(UTC))
        if self._value is None:
            raise _outside()
        return self._value

    def drop(self) -> None:
        """Let go of it."""
        self._value = None


def check_held(window: Window, at: datetime) -> None:
    """The key may be used at this time."""
    if not instant(window.not_before) <= at < instant(window.not_after):
        raise _outside()


def _drop(held: ref[Held[T]]) -> None:
    still = held()
    if still is not None:
        still.drop()


def _outside() -> OutsideWindow:
    return OutsideWindow("The key was released for another time.", "Ask the custodians for another release.")
