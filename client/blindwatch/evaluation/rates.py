"""Error rates as they are reported: events, trials, and an interval that is never empty.

Comparisons that share a subject are not independent. So intervals are those of Clopper and Pearson (1934) on an
effective number of trials, as Korn and Graubard (1998) have it for surveys: as many independent trials as would vary
like the rate does from one draw of the subjects to the next. Without a single event nothing can be seen to vary; then
the effective number follows from another rate of the same comparisons, and what is reported is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import Any, Final

# Of scipy.stats, which takes a second to import, nothing more is needed.
from scipy.special import betaincinv, stdtrit

CONFIDENCE: Final = 0.95
ENOUGH: Final = 30
"""Errors after which a rate is known to within a third, with 90 % confidence (Doddington's rule of 30)."""

_LEAST: Final = 1e-9
"""A smaller lower end is that of hardly a single independent trial."""


@dataclass(frozen=True)
class Rate:
    """A measured rate with its two-sided interval of 95 %."""

    events: float
    """A whole number, unless the rate is a mean over random lists."""
    trials: int
    low: float
    high: float
    effective: float
    """How many independent trials would have this interval."""

    @property
    def value(self) -> float:
        """Events by trials; not a number without trials."""
        return self.events / self.trials if self.trials else float("nan")

    @property
    def design_effect(self) -> float:
        """How many trials it takes to say as much as one independent trial."""
        return self.trials / self.effective if self.effective else 1.0

    @property
    def is_supported(self) -> bool:
        """Whether there were enough errors to call the rate measured."""
        return self.events >= ENOUGH

    def __str__(self) -> str:
        if not self.trials:
            return "not measured"
        if self.events == 0:
            return f"< {per_cent(self.high)}"
        if self.events == self.trials:
            return f"> {per_cent(self.low)}"
        return f"{per_cent(self.value)} {interval(self.low, self.high)}"

    def to_json(self) -> dict[str, Any]:
        """The rate as a record; without events its value is left out, lest a bound be read as zero."""
        return {
            "value": self.value if self.trials and self.events else None,
            "low": self.low,
            "high": self.high,
            "events": self.events,
            "trials": self.trials,
            "effective_trials": self.effective,
        }


def clopper_pearson(events: float, trials: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The two-sided interval of a proportion; the numbers need not be whole."""
    tail = (1 - confidence) / 2
    low = float(betaincinv(events, trials - events + 1, tail)) if events > 0 else 0.0
    high = float(betaincinv(events + 1, trials - events, 1 - tail)) if events < trials else 1.0
    return low, high


def independent(events: float, trials: int) -> Rate:
    """The rate of trials that have nothing to do with each other."""
    return Rate(events, trials, *clopper_pearson(events, trials), float(trials))


def clustered(events: float, trials: int, variance: float, subjects: int, design_effect: float = 1.0) -> Rate:
    """The rate of trials that share subjects, so many of them.

    `variance` is that of the rate from one draw of the subjects to the next. Where it is not known, because there is
    no event or nothing but events, `design_effect` stands in for it.
    """
    if not trials:
        return Rate(0, 0, 0.0, 1.0, 0.0)
    share = events / trials
    binomial = share * (1 - share)
    effective = binomial / variance if binomial > 0 and variance > 0 else trials / max(design_effect, 1.0)
    effective = min(effective * _few(trials, subjects), float(trials))
    return Rate(events, trials, *clopper_pearson(share * effective, effective), effective)


def _few(trials: int, subjects: int) -> float:
    """What is taken off because the variance itself is an estimate, over few subjects (Korn and Graubard)."""
    if min(trials, subjects) < 2:
        return 1.0
    tail = (1 + CONFIDENCE) / 2
    return float((stdtrit(trials - 1, tail) / stdtrit(subjects - 1, tail)) ** 2)


def per_cent(share: float) -> str:
    """A share in per cent, such as 0.48 %."""
    return f"{_digits(share)} %"


def interval(low: float, high: float) -> str:
    """Both ends in per cent, such as [0.41, 0.55]; of a lower end that is next to nothing, no more than that."""
    return f"[{f'< {_digits(_LEAST)}' if low < _LEAST else _digits(low)}, {_digits(high)}]"


def _digits(share: float) -> str:
    """Per cent with two decimals, or two digits that are not zero where that is more."""
    number = 100 * share
    decimals = 2 if number >= 0.0995 or number <= 0 else 1 - floor(log10(number))
    return f"{number:.{decimals}f}"
