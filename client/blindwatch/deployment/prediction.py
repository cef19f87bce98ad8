"""How many people who are not listed a threshold is expected to stop, from what was measured of the model.

Two people match by mistake at a false match rate (FMR) for one comparison; a face is compared with every entry of the
list, so FPIR = 1 - (1 - FMR)^N as in ISO/IEC 19795-1, taking comparisons as independent, which they are not quite.
Rates fall as the threshold rises, so the rate at the next lower threshold that was measured is a bound. A detector
is no part of what makes templates comparable; of those that were measured the one with the highest bound counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeAlias

from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.errors import ConfigurationError, PolicyViolation
from blindwatch.statements.predicates import Prediction
from blindwatch.vision.catalogue import Embedder, Projection
from blindwatch.vision.pipeline import model_digest
from blindwatch.vision.registry import Registry, embedded_directory

FACES: Final = 1000
_MEASURED: Final = "measured.toml"
_RULE_OF_THREE: Final = 3
"""Without one event in n trials the upper end of the interval of 95 % is 3/n."""


@dataclass(frozen=True)
class Point:
    """A lowest similarity, the false match rate that was measured with it, and the ends of its interval of 95 %."""

    similarity: float
    rate: float
    low: float
    high: float


Curve: TypeAlias = tuple[Point, ...]
"""What was measured with one detector, by rising similarity."""


class Basis(Enum):
    """What a prediction rests on, as a note to whoever reads it."""

    MEASURED = "The rate was measured at this very threshold."
    BOUND = "The rate is that of the next lower threshold that was measured, so it is at most this."
    BEYOND = (
        "The threshold lies above all that was measured. The rate is the upper end of the interval at the highest "
        "that was: the true one may be far lower, but nothing says so."
    )
    CALIBRATED = "The rate is that of the operating point, measured at this very threshold."
    FEW_SEEN = (
        "The rate is that of the operating point. It rests on too few false matches to be called measured: see the "
        "interval."
    )
    NONE_SEEN = (
        "No false match was seen in the measurement. The rate is what can be ruled out: it may be lower."
    )


@dataclass(frozen=True)
class Predicted:
    """The false match rate at a threshold, the ends of its interval of 95 %, and how long the list is."""

    rate: float
    low: float
    high: float
    entries: int
    basis: Basis

    def false_alerts(self, rate: float) -> float:
        """Of 1,000 people who are not listed, how many match somebody at this rate of false matches."""
        return float(FACES * (1 - (1 - rate) ** self.entries))

    @property
    def expected(self) -> float:
        """Of 1,000 people who are not listed, how many are expected to match somebody."""
        return self.false_alerts(self.rate)

    def statement(self, acknowledged: str | None) -> Prediction:
        """The prediction as a manifest has it."""
        return Prediction(
            false_match_rate=self.rate, false_alerts_per_1000=self.expected, acknowledged=acknowledged
        )


def curves(registry: Registry, digest: str, file: Path | None = None) -> list[Curve]:
    """What was measured of the model with this digest, with each detector; raises ConfigurationError."""
    content: dict[str, Any] = tomllib.loads(
        (file or embedded_directory() / _MEASURED).read_text(encoding="utf-8")
    )
    measured = content.get(_embedder(registry, digest) or "", {})
    if not measured:
        raise ConfigurationError(
            "Nothing was measured of the list's model, so no errors can be predicted.",
            "Enrol the list with a pipeline whose card has figures.",
        )
    return [_curve(figures) for figures in measured.values()]


def predict(measured: Sequence[Curve], similarity: float, entries: int) -> Predicted:
    """What to expect of a list of this length at a threshold; raises PolicyViolation below all that was measured."""
    return max((_predict(curve, similarity, entries) for curve in measured), key=lambda each: each.high)


def calibrated(point: OperatingPoint, entries: int) -> Predicted:
    """What an operating point says of a list of this length; a rate without an event counts as its upper end."""
    measured = point.measured
    low, high = measured.false_match_rate_95
    if not measured.false_matches:
        return Predicted(high, 0.0, high, entries, Basis.NONE_SEEN)
    basis = Basis.FEW_SEEN if point.falls_short else Basis.CALIBRATED
    return Predicted(measured.false_match_rate, low, high, entries, basis)


def _predict(curve: Curve, similarity: float, entries: int) -> Predicted:
    below = [point for point in curve if point.similarity <= similarity]
    if not below:
        raise PolicyViolation(
            "The threshold is lower than any that was measured, so no errors can be predicted.",
            "Enrol the list with a higher threshold.",
        )
    point = below[-1]
    if point.rate == 0:
        return Predicted(point.high, 0.0, point.high, entries, Basis.NONE_SEEN)
    if point.similarity == similarity:
        return Predicted(point.rate, point.low, point.high, entries, Basis.MEASURED)
    if point is curve[-1]:
        return Predicted(point.high, 0.0, point.high, entries, Basis.BEYOND)
    return Predicted(point.rate, 0.0, point.high, entries, Basis.BOUND)


def _curve(figures: dict[str, Any]) -> Curve:
    least = _RULE_OF_THREE / figures["impostor_pairs"]
    points = [_point(row, least) for row in figures["template"]]
    return tuple(sorted(points, key=lambda point: point.similarity))


def _point(row: dict[str, Any], least: float) -> Point:
    low, high = row["fmr_95"]
    return Point(row["cosine"], row["fmr"], low, max(high, least))


def _embedder(registry: Registry, digest: str) -> str | None:
    for model in registry.models:
        if isinstance(model, Embedder):
            projection = None if model.projection is None else registry.find_as(model.projection, Projection)
            if model_digest(model, projection) == digest:
                return model.name
    return None
