"""Error rates with exact intervals, said so that they promise no more than was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blindwatch.oversight.extras import needing
from blindwatch.pages.wording import percent

CONFIDENCE: Final = 0.95
SMALL: Final = 5
"""Counts below this one, except 0, are not published."""


@dataclass(frozen=True)
class Rate:
    """So many events in so many trials, and the ends of the interval of Clopper and Pearson of 95 %.

    Without an event the upper end is one-sided: what can be ruled out at 95 %. Where the events are too few to be
    published they are unknown, and the upper end is that of the most that they may be; where the trials are,
    both are.
    """

    events: int | None
    trials: int | None
    low: float
    high: float

    @property
    def said(self) -> str:
        """The rate in words."""
        if self.trials is None:
            return f"not published, of fewer than {SMALL}"
        if not self.trials:
            return "there was none to divide by"
        if self.events is None:
            return f"fewer than {SMALL} in {self.trials:,}, at most {percent(self.high)}"
        if not self.events:
            return f"none seen in {self.trials:,}, at most {percent(self.high)}"
        rate = percent(self.events / self.trials)
        return f"{rate}, 95 % interval {percent(self.low)} to {percent(self.high)}"

    def to_json(self) -> dict[str, object]:
        """The rate as an object of JSON."""
        exact = self.events / self.trials if self.events is not None and self.trials else None
        return {
            "events": self.events,
            "fewerThan": SMALL if self.events is None else None,
            "trials": self.trials,
            "rate": exact,
            "low": None if exact is None else self.low,
            "high": self.high if self.trials else None,
            "confidence": CONFIDENCE,
            "said": self.said,
        }


def rate(events: int, trials: int, *, published: bool) -> Rate:
    """The rate of events, which is not told exactly where it would publish a small number of people."""
    if not trials:
        return Rate(events, 0, 0.0, 1.0)
    if published and trials < SMALL:
        return Rate(None, None, 0.0, 1.0)
    if published and 0 < events < SMALL:
        return Rate(None, trials, 0.0, _interval(min(SMALL - 1, trials), trials)[1])
    return Rate(events, trials, *_interval(events, trials))


def _interval(events: int, trials: int) -> tuple[float, float]:
    with needing("that compute exact intervals", "oversight,record"):
        from scipy.stats import binomtest
    if events:
        found = binomtest(events, trials).proportion_ci(CONFIDENCE, method="exact")
        return float(found.low), float(found.high)
    found = binomtest(0, trials, alternative="less").proportion_ci(CONFIDENCE, method="exact")
    return 0.0, float(found.high)
