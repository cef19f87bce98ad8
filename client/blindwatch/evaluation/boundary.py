"""Boundary search: the template of an entry from nothing but whether probes of one's own choice match.

The attacker has the signing key of a camera and sees, or is told, whether an alert follows. It needs a first probe
that matches, a face that is confused with the entry by chance. From there on it keeps the coarse half of that probe,
so that the gate is passed, and changes the fine half, which is accepted where its inner product with the entry's fine
template reaches the threshold. Along every direction it finds by halving where acceptance ends: a linear equation.

With the score of what matches, which the operator decrypts, every accepted probe is an equation, without halving.

Where alerts are limited and probes are not, the attacker asks in another order: along each direction upwards, until
the first probe is accepted. That is one alert for each equation, and many probes that nobody sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import InputError
from blindwatch.evaluation.recovery import Prior
from blindwatch.evaluation.samples import Floats
from blindwatch.he.presets import Preset, Thresholds

Integers = NDArray[np.int64]

STEP: Final = 0.5
"""How far directions lie from the first probe, as a share of its length."""
_ROUNDS: Final = 4
"""Of all directions at most; another one begins, nearer to the entry, where some led nowhere."""
_EVERY: Final = 8
"""Directions after which it is noted how near the attacker is."""
_RUNGS: Final = 128
"""Lengths that are tried along one direction, where alerts are to be saved."""


class Silent(Exception):
    """No more is answered about an entry."""


@dataclass(frozen=True)
class Progress:
    """How near the attacker has come after so many queries."""

    queries: int
    alerts: int
    """Queries that matched, each of which an operator sees."""
    cosine: float
    """Of what the attacker has with the entry's template."""


class Entry:
    """An entry as the attacker meets it: it answers whether a probe matches, and counts how often it is asked."""

    def __init__(
        self, coarse: Integers, fine: Integers, thresholds: Thresholds, most: int | None = None
    ) -> None:
        """After `most` probes that match, where there is such a limit, nothing is answered any more."""
        self._coarse, self._fine, self._thresholds, self._most = coarse, fine, thresholds, most
        self.queries = self.alerts = 0

    def accepts(self, coarse: Integers, fine: Integers) -> bool:
        """Whether the probe matches, in both steps; raises Silent."""
        if self.alerts == self._most:
            raise Silent
        self.queries += 1
        passed = int(coarse @ self._coarse) >= self._thresholds.gate
        matches = passed and int(fine @ self._fine) >= self._thresholds.fine
        self.alerts += matches
        return matches

    def score(self, coarse: Integers, fine: Integers) -> int | None:
        """The fine score, which the operator decrypts where the probe matches."""
        return int(fine @ self._fine) if self.accepts(coarse, fine) else None

    def cosine(self, guess: Floats) -> float:
        """How near a guess is; the attacker does not see this."""
        return float(guess @ self._fine / np.linalg.norm(guess) / np.linalg.norm(self._fine))


@dataclass(frozen=True)
class Attacker:
    """What the attacker knows: the preset, the threshold, and a first probe that matches."""

    preset: Preset
    thresholds: Thresholds
    coarse: Integers
    fine: Integers

    def by_decisions(self, entry: Entry, rng: np.random.Generator) -> Iterator[Progress]:
        """Learn the template from accept and reject alone, as far as the entry answers."""
        guess, rows = self.fine / np.linalg.norm(self.fine), list[Floats]()
        yield Progress(entry.queries, entry.alerts, entry.cosine(guess))
        with suppress(Silent):
            for _ in range(_ROUNDS):
                found = len(rows)
                for number, direction in enumerate(_orthonormal(len(guess), rng), 1):
                    edge = self._edge(entry, guess, direction)
                    if edge is not None:
                        rows.append(edge)
                    if rows and number % _EVERY == 0:
                        yield Progress(entry.queries, entry.alerts, entry.cosine(self._solve(rows, guess)))
                _check_begun(rows)
                guess = self._solve(rows, guess)
                if len(rows) - found == len(guess):
                    return
        if rows:
            yield Progress(entry.queries, entry.alerts, entry.cosine(self._solve(rows, guess)))

    def by_few_alerts(self, entry: Entry, prior: Prior) -> Iterator[Progress]:
        """The same by one alert for each equation, and by what faces are like: where they differ most first."""
        guess, rows = self.fine / np.linalg.norm(self.fine), list[Floats]()
        yield Progress(entry.queries, entry.alerts, entry.cosine(guess))
        directions = np.linalg.eigh(prior.covariance)[1].T[::-1]
        with suppress(Silent):
            for direction in (np.zeros(len(guess)), *directions):
                edge = self._lowest(entry, guess, direction)
                if edge is not None:
                    rows.append(edge)
                    guess = self._likeliest(rows, prior)
                    yield Progress(entry.queries, entry.alerts, entry.cosine(guess))
                _check_begun(rows)

    def by_scores(self, entry: Entry, rng: np.random.Generator) -> Iterator[Progress]:
        """Learn it from the scores of what matches."""
        rows, scores = list[Floats](), list[float]()
        guess = self.fine / np.linalg.norm(self.fine)
        for number, direction in enumerate(_orthonormal(len(guess), rng), 1):
            for sign in (1, -1):
                probe = self._longest(guess + sign * STEP * direction)
                score = entry.score(self.coarse, probe)
                if score is not None:
                    rows.append(probe.astype(np.float64))
                    scores.append(score)
                    break
            if rows and number % _EVERY == 0:
                found = np.linalg.lstsq(np.stack(rows), np.array(scores), rcond=None)[0]
                yield Progress(entry.queries, entry.alerts, entry.cosine(found))

    def _edge(self, entry: Entry, guess: Floats, direction: Floats) -> Floats | None:
        """The probe half-way between the last that is accepted and the first that is not, along one direction.

        None where nothing in that direction is accepted, on either side.
        """
        for sign in (1, -1):
            aim = guess + sign * STEP * direction
            longest = self._longest(aim)
            if entry.accepts(self.coarse, longest):
                return self._halve(entry, longest)
        return None

    def _lowest(self, entry: Entry, guess: Floats, direction: Floats) -> Floats | None:
        """Between the longest probe along one direction that is refused and the next, asked from the shortest on."""
        least = max(0.0, self.thresholds.fine / self.preset.fine_squared_norm)
        for sign in (1, -1):
            longest = self._longest(guess + sign * STEP * direction)
            refused = np.rint(longest * least)
            for share in np.linspace(least, 1, _RUNGS)[1:]:
                probe = np.rint(longest * share).astype(np.int64)
                if entry.accepts(self.coarse, probe):
                    return np.asarray((probe + refused) / 2)
                refused = probe.astype(np.float64)
        return None

    def _likeliest(self, rows: list[Floats], prior: Prior) -> Floats:
        """The template that is most likely of those that the edges allow."""
        found = prior.solve(np.stack(rows), np.full(len(rows), self.thresholds.fine))
        unit: Floats = found / np.linalg.norm(found)
        return unit

    def _halve(self, entry: Entry, longest: Integers) -> Floats:
        accepted, refused = longest, np.zeros_like(longest)
        low, high = 0.0, 1.0
        while True:
            middle = (low + high) / 2
            probe = np.rint(longest * middle).astype(np.int64)
            if (probe == accepted).all() or (probe == refused).all():
                return (accepted + refused) / 2
            if entry.accepts(self.coarse, probe):
                accepted, high = probe, middle
            else:
                refused, low = probe, middle

    def _solve(self, rows: list[Floats], guess: Floats) -> Floats:
        """The template whose inner product with all edges is the threshold; in doubt, near the guess."""
        edges = np.stack(rows)
        start = guess * self.thresholds.fine / float(np.mean(edges @ guess))
        change = np.linalg.lstsq(edges, self.thresholds.fine - edges @ start, rcond=None)[0]
        found = start + change
        unit: Floats = found / np.linalg.norm(found)
        return unit

    def _longest(self, aim: Floats) -> Integers:
        """The longest fine template of this direction that the preset takes."""
        scale = np.sqrt(self.preset.fine_squared_norm) / np.linalg.norm(aim)
        return np.asarray(np.trunc(aim * scale), np.int64)


def _check_begun(rows: list[Floats]) -> None:
    if not rows:
        raise InputError("The probe to start from does not match.", "Take another face.")


def _orthonormal(dimension: int, rng: np.random.Generator) -> Floats:
    found: Floats = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0].T
    return found
