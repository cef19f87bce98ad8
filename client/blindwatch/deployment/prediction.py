"""How many people who are not listed a threshold is expected to stop, from what was measured of the models.

A pair of two people matches at a false match rate (FMR) for one comparison; a face is compared with every entry of
the list, so FPIR = 1 - (1 - FMR)^N as in ISO/IEC 19795-1, taking comparisons as independent, which they are not
quite.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table

from blindwatch.errors import ConfigurationError
from blindwatch.statements.predicates import Prediction
from blindwatch.vision.catalogue import Embedder, Projection
from blindwatch.vision.pipeline import model_digest
from blindwatch.vision.registry import Registry, embedded_directory

_MEASURED: Final = "measured.toml"
_FACES: Final = 1000


@dataclass(frozen=True)
class Point:
    """What was measured at one fine threshold: the false match rate, and the ends of its interval of 95 %."""

    fine: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Predicted:
    """False alerts in 1,000 faces for one list, from the point that was measured next below its threshold."""

    point: Point
    entries: int
    exact: bool
    """Whether the very threshold was measured; otherwise the figures are at most these."""

    def false_alerts(self, rate: float) -> float:
        """Of 1,000 people who are not listed, how many match somebody at this rate of false matches."""
        return float(_FACES * (1 - (1 - rate) ** self.entries))

    def statement(self, acknowledged: str | None) -> Prediction:
        """The prediction as a manifest has it."""
        return Prediction(
            false_match_rate=self.point.rate,
            false_alerts_per_1000=self.false_alerts(self.point.rate),
            acknowledged=acknowledged,
        )

    def table(self, cap: float | None) -> Table:
        """The prediction for people to look at before they sign."""
        bound = "" if self.exact else "at most "
        expected, high = self.false_alerts(self.point.rate), self.false_alerts(self.point.high)
        table = Table("What", "Expected", "95 % interval", title="Predicted errors")
        interval = f"{self.point.low:.2g} to {self.point.high:.2g}"
        table.add_row("False matches in one comparison", f"{bound}{self.point.rate:.2g}", interval)
        spread = f"{self.false_alerts(self.point.low):.3g} to {high:.3g}"
        table.add_row(f"False alerts in {_FACES:,} faces", f"{bound}{expected:.3g}", spread)
        table.caption = (
            f"Of {_FACES:,} people who pass and are not on this list of {self.entries:,}, about {expected:.3g} would "
            f"be stopped wrongly if nobody looked twice. " + _against(expected, cap)
        )
        return table


def points(registry: Registry, pipeline: str, digest: str) -> list[Point]:
    """What was measured of the pipeline of a list, by rising threshold; raises ConfigurationError."""
    chosen = registry.pipeline(pipeline)
    entry = registry.find_as(chosen.embedder, Embedder)
    projection = None if entry.projection is None else registry.find_as(entry.projection, Projection)
    if model_digest(entry, projection) != digest:
        raise ConfigurationError("The list was enrolled with another pipeline.", "Name it with --pipeline.")
    file = embedded_directory() / _MEASURED
    content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    measured = content.get(chosen.embedder, {}).get(chosen.detector, {}).get("template")
    if not measured:
        raise ConfigurationError(
            "Nothing was measured of this pipeline, so nothing can be predicted.",
            "Choose a pipeline whose card has figures.",
        )
    return sorted((_point(row) for row in measured), key=lambda point: point.fine)


def predict(measured: Sequence[Point], fine: int, entries: int) -> Predicted:
    """The rate at the highest measured threshold that is not above the wanted one: it can only be lower there."""
    below = [point for point in measured if point.fine <= fine]
    if not below:
        raise ConfigurationError(
            "The threshold is lower than any that was measured, so nothing can be predicted.",
            "Enrol the list with a higher threshold.",
        )
    return Predicted(below[-1], entries, exact=below[-1].fine == fine)


def _point(row: dict[str, Any]) -> Point:
    low, high = row["fmr_95"]
    return Point(int(row["fine"]), float(row["fmr"]), float(low), float(high))


def _against(expected: float, cap: float | None) -> str:
    if cap is None:
        return "The profile sets no cap."
    verdict = "within" if expected <= cap else "MORE THAN"
    return f"That is {verdict} the {cap:g} of the profile."
