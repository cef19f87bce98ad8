"""Whether a rate differs between groups of subjects: a test, what it would find, and how large the difference is.

The test permutes the labels of the subjects. Its statistic is studentised, the squared distance of every group's rate
from their mean in units of its own variance, so that groups that differ in anything but the rate are not mistaken for
groups that differ in the rate (Janssen 1997; Chung and Romano 2013). Several tests are corrected after Holm (1979).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from blindwatch.evaluation.rates import CONFIDENCE, Rate
from blindwatch.evaluation.samples import Floats, Indices
from blindwatch.evaluation.variance import Pairs, of_subjects

LEVEL: Final = 0.05
POWER: Final = 0.8
PERMUTATIONS: Final = 999
_LARGEST: Final = 1000.0

Estimate = tuple[float, float, float]
"""A rate, its variance and its trials."""
Estimator = Callable[[Indices], Iterator[Estimate]]
"""The estimates of all groups, given the group of each subject."""


@dataclass(frozen=True)
class Difference:
    """What a test says about one rate."""

    probability: float
    """Of a statistic as large as this without a difference (p-value), before correction."""
    detectable: float | None
    """The ratio between two groups that the test finds with a probability of `POWER`; none if it finds none."""
    ratio: float | None
    """Of the highest rate to the lowest; none if the lowest has no event."""
    ratio_low: float
    ratio_high: float | None
    highest: str
    lowest: str


def of_trials(events: Floats, trials: Floats, groups: int) -> Estimator:
    """Estimates where trials belong to one subject each: events and trials of every subject."""

    def estimate(label: Indices) -> Iterator[Estimate]:
        for at in range(groups):
            mine = label == at
            total = float(trials[mine].sum())
            rate = float(events[mine].sum()) / total if total else 0.0
            yield rate, of_subjects(events[mine], trials[mine]), total

    return estimate


def of_pairs(hits: Indices, photographs: Floats, groups: int) -> Estimator:
    """Estimates of comparisons within groups, given the two subjects of every match and their photographs."""

    def estimate(label: Indices) -> Iterator[Estimate]:
        both = label[hits]
        for at in range(groups):
            mine = np.where(label == at, photographs, 0.0)
            pairs = Pairs(mine, np.zeros_like(mine))
            inside = hits[(both == at).all(axis=1)]
            total = pairs.total
            yield (len(inside) / total if total else 0.0), pairs.variance(inside), total

    return estimate


def probability(
    estimate: Estimator, label: Indices, seed: int, permutations: int = PERMUTATIONS
) -> Iterator[float]:
    """The p-value of the test, getting more precise with every permutation."""
    rng, seen = np.random.default_rng(seed), statistic(list(estimate(label)))
    labelled = np.flatnonzero(label >= 0)
    beyond = 1
    for done in range(1, permutations + 1):
        shuffled = label.copy()
        shuffled[labelled] = rng.permutation(label[labelled])
        beyond += statistic(list(estimate(shuffled))) >= seen
        yield beyond / (done + 1)


def statistic(estimates: Sequence[Estimate]) -> float:
    """How far the rates of groups lie apart, in units of their variances."""
    rates, variances, trials = np.array(estimates).T
    pooled = float((rates * trials).sum() / trials.sum())
    if not 0 < pooled < 1:
        return 0.0
    # A group without events would seem to be known for certain.
    variances = np.maximum(variances, pooled * (1 - pooled) / np.maximum(trials, 1))
    centre = (rates / variances).sum() / (1 / variances).sum()
    return float(((rates - centre) ** 2 / variances).sum())


def detectable(rates: Sequence[Rate], level: float) -> float | None:
    """The ratio between two groups that is found with a probability of `POWER` at this level of the test.

    It is that of the two groups about which least is known, by the normal approximation.
    """
    events, trials = sum(rate.events for rate in rates), sum(rate.trials for rate in rates)
    if not events:
        return None
    base = events / trials
    few, fewer = sorted(max(rate.trials / rate.design_effect, 1.0) for rate in rates)[:2]
    wanted = ndtri(POWER) + ndtri(1 - level / 2)

    def missing(ratio: float) -> float:
        high = min(base * ratio, 1.0)
        spread = np.sqrt(high * (1 - high) / few + base * (1 - base) / fewer)
        return float((high - base) / spread - wanted)

    largest = min(_LARGEST, 1 / base)
    return float(brentq(missing, 1.0, largest)) if missing(largest) > 0 else None


def compare(names: Sequence[str], rates: Sequence[Rate], probability: float, level: float) -> Difference:
    """The difference between the groups with the highest and the lowest rate."""
    order = np.argsort([rate.value for rate in rates])
    lowest, highest = rates[order[0]], rates[order[-1]]
    ratio = highest.value / lowest.value if lowest.events else None
    if ratio is None or not highest.events:
        low, high = (highest.low / lowest.high if lowest.high else 0.0), None
    else:
        spread = ndtri((1 + CONFIDENCE) / 2) * np.sqrt(_relative(lowest) + _relative(highest))
        low, high = (float(ratio * np.exp(sign * spread)) for sign in (-1, 1))
    return Difference(
        probability=probability,
        detectable=detectable(rates, level),
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        highest=names[order[-1]],
        lowest=names[order[0]],
    )


def _relative(rate: Rate) -> float:
    """The variance of the logarithm of a rate."""
    return (1 - rate.value) / (rate.value * rate.effective)


def holm(probabilities: Sequence[float]) -> list[float]:
    """The p-values of several tests, so that all together err with the level of one."""
    order = np.argsort(probabilities)
    count, corrected, largest = len(order), [0.0] * len(order), 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min(1.0, (count - rank) * probabilities[at]))
        corrected[at] = largest
    return corrected
