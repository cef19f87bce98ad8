"""Wall time of repeated work, kept together with what the work gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
Other = TypeVar("Other")
_DIGITS = 6


@dataclass
class Timed(Generic[Result]):
    """Repetitions of one piece of work."""

    seconds: list[float] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def once(self, work: Callable[[], Result]) -> None:
        """Do the work once more."""
        started = perf_counter()
        result = work()
        self.seconds.append(perf_counter() - started)
        self.results.append(result)

    @property
    def median(self) -> float:
        """Seconds."""
        return median(self.seconds)

    def fields(self) -> dict[str, Any]:
        """The times as fields of a row."""
        return {
            "median_s": round(self.median, _DIGITS),
            "min_s": round(min(self.seconds), _DIGITS),
            "max_s": round(max(self.seconds), _DIGITS),
        }

    def against(self, baseline: str, seconds: float) -> dict[str, Any]:
        """The times beside those of a baseline, as fields of a row."""
        return self.fields() | {
            "baseline": baseline,
            "baseline_median_s": round(seconds, _DIGITS),
            "ratio": round(seconds / self.median, 3),
        }


def measure(work: Callable[[], Result], repeats: int) -> Timed[Result]:
    """Repetitions of the work, after one that warms up caches and loads compiled code."""
    work()
    timed: Timed[Result] = Timed()
    for _ in range(repeats):
        timed.once(work)
    return timed


def compare(
    ours: Callable[[], Result], theirs: Callable[[], Other], repeats: int
) -> tuple[Timed[Result], Timed[Other]]:
    """Repetitions of two pieces of work by turns, so that whatever else the machine does slows down both."""
    ours(), theirs()
    timed: tuple[Timed[Result], Timed[Other]] = Timed(), Timed()
    for _ in range(repeats):
        timed[0].once(ours)
        timed[1].once(theirs)
    return timed
