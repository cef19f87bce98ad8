"""Tries to link ciphertexts: a classifier that learns to tell pairs of equal content from pairs of different content.

It is a logistic regression on what an observer without keys can compute of two ciphertexts: how far their residues
lie apart, how often they are equal, how their low and high bits agree, and how their bytes differ.

Every ciphertext is in several pairs. It is in as many of equal as of different content, so what is peculiar to single
ciphertexts cancels out, and what else there is in two pairs is uncorrelated if content does not show: the standard
error for pairs that share nothing is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Residues = NDArray[np.int64]
"""Of one ciphertext, shape (polynomials, primes, places)."""
Reals = NDArray[np.float64]

_BINS = 16
_BITS = 3
_RIDGE = 1e-2


@dataclass(frozen=True)
class Enrolments:
    """Contents that were encrypted again and again: residues of shape (contents, times, *ciphertext), twice.

    Contents 2i and 2i + 1 are each other's counterparts in pairs of different content. So every ciphertext is in as
    many pairs of equal as of different content.
    """

    first: Residues
    second: Residues
    moduli: NDArray[np.int64]

    def part(self, contents: slice) -> Enrolments:
        """Some of the contents."""
        return Enrolments(self.first[contents], self.second[contents], self.moduli)

    def features(self) -> tuple[Reals, Reals]:
        """What is seen of all pairs of equal content, and of as many of different content: (pairs, features)."""
        contents = np.arange(len(self.first))
        return self._features(contents), self._features(contents ^ 1)

    def equal_residues(self) -> tuple[int, float]:
        """How many residues agree in pairs of equal content, and how many are expected to by chance."""
        left, right = self.first[:, :, np.newaxis], self.second[:, np.newaxis]
        found = sum(int((a == b).sum()) for a, b in zip(left, right, strict=True))
        each = np.broadcast_to((1 / self.moduli)[:, np.newaxis], self.first.shape[2:]).sum()
        return found, float(each * len(self.first) * left.shape[1] * right.shape[2])

    def _features(self, counterparts: NDArray[np.intp]) -> Reals:
        views = [[[View.of(each, self.moduli) for each in times] for times in side] for side in self._sides]
        return np.array(
            [
                observe(left, right)
                for content, counterpart in enumerate(counterparts)
                for left in views[0][content]
                for right in views[1][counterpart]
            ]
        )

    @property
    def _sides(self) -> tuple[Residues, Residues]:
        return self.first, self.second


@dataclass(frozen=True)
class View:
    """One ciphertext as the classifier looks at it: residues, and the same as parts of their primes and centred."""

    residues: Residues
    parts: Reals
    centred: Reals

    @classmethod
    def of(cls, residues: Residues, moduli: NDArray[np.int64]) -> View:
        """The view of residues."""
        parts = residues / moduli[:, np.newaxis]
        centred = parts.ravel() - parts.mean()
        length = np.linalg.norm(centred)
        return cls(residues, parts, centred / length if length > 0 else centred)


def observe(left: View, right: View) -> Reals:
    """What is seen of one pair."""
    apart = np.abs(left.parts - right.parts)
    apart = np.minimum(apart, 1 - apart).reshape(len(apart), -1)
    bins = np.minimum(2 * _BINS * apart, _BINS - 1).astype(np.int64)
    distances = [np.bincount(each, minlength=_BINS) / each.size for each in bins]
    differing = left.residues ^ right.residues
    low = [np.mean(differing >> bit & 1) for bit in range(_BITS)]
    top = (left.parts * 2**_BITS).astype(np.int64) ^ (right.parts * 2**_BITS).astype(np.int64)
    high = [np.mean(top >> bit == 0) for bit in range(_BITS)]
    octets = np.bincount((differing & 255).ravel() >> 4, minlength=_BINS) / differing.size
    alike = [left.centred @ right.centred, np.mean(differing == 0)]
    return np.concatenate([*distances, np.median(apart, axis=1), low, high, octets, alike])


def separability(training: Enrolments, tested: Enrolments) -> float:
    """The area under the curve with which pairs of other contents are told apart after training: 0.5 is chance."""
    same, different = training.features()
    seen = np.concatenate([same, different])
    centre, spread = seen.mean(axis=0), seen.std(axis=0)
    scale = np.where(spread > 0, spread, 1)
    weights = _fit((seen - centre) / scale, np.repeat([1.0, 0.0], [len(same), len(different)]))
    return area(*((each - centre) / scale @ weights for each in tested.features()))


def area(positive: Reals, negative: Reals) -> float:
    """How often a positive score is the higher one, ties counting half (Mann and Whitney, 1947)."""
    ordered = np.sort(negative)
    below, up_to = (np.searchsorted(ordered, positive, side) for side in ("left", "right"))
    return float((below + up_to).mean() / (2 * len(negative)))


def standard_error(pairs: int) -> float:
    """Of the area over so many pairs of each kind, were all scores drawn alike (Mann and Whitney, 1947)."""
    return float(np.sqrt((2 * pairs + 1) / (12 * pairs**2)))


def _fit(seen: Reals, labels: Reals) -> Reals:
    signs = 2 * labels - 1

    def loss(weights: Reals) -> tuple[float, Reals]:
        margins = signs * (seen @ weights)
        slope = -(signs * expit(-margins)) @ seen / len(seen)
        return float(
            np.logaddexp(0, -margins).mean() + _RIDGE * weights @ weights
        ), slope + 2 * _RIDGE * weights

    return np.asarray(minimize(loss, np.zeros(seen.shape[1]), jac=True, method="L-BFGS-B").x)
