"""An operating point: a threshold with the error rates that were measured of it, in a file that a manifest can name.

`blindwatch evaluate calibrate` writes it. Whoever draws up or approves a deployment reads it: the manifest names its
SHA-256, and the false alerts that it promises follow from the rate in it.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, StatementMismatch
from blindwatch.he.presets import preset
from blindwatch.statements.predicates import Rate, Thresholds
from blindwatch.statements.statement import Line
from blindwatch.wire import limits
from blindwatch.wire.messages import Count, Digest, PresetName

WHAT: Final = "operating point"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Target(_Part):
    """What was wanted."""

    fpir: Annotated[float, Field(gt=0, lt=1)]
    entries: Annotated[int, Field(ge=1)]
    """The length of the list."""


class Expected(_Part):
    """What is to be expected at the threshold, with intervals of 95 %."""

    fpir: Rate
    fpir_95: tuple[Rate, Rate]
    fnir: Rate
    fnir_95: tuple[Rate, Rate]
    basis: Literal["measured", "extrapolated"]
    assumption: Line | None = None
    """Where it is extrapolated to a list that is longer than the data."""


class Measured(_Part):
    """What it rests on."""

    data: Line
    embedder: Line
    detector: Line | None = None
    subjects: Count
    comparisons: Count
    """Of two people."""
    false_matches: Count
    false_match_rate: Rate
    false_match_rate_95: tuple[Rate, Rate]
    comparisons_needed: Count
    """For as many false matches as it takes to call the rate measured; the data fall short if they have fewer."""
    software: Line
    made_at: Line


class OperatingPoint(_Part):
    """The file."""

    version: Literal[1]
    model_digest: Digest
    preset: PresetName
    threshold: Thresholds
    target: Target
    expected: Expected
    measured: Measured
    digest: Digest
    """SHA-256 of the file."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file; raises ConfigurationError that names the field."""
        return cls.read(files.read_at_most(path, limits.DRAFT, WHAT))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """An operating point from its text; raises ConfigurationError that names the field."""
        try:
            content: dict[str, Any] = tomllib.loads(data.decode())
            if "digest" in content:
                raise ValueError("a text cannot name its own digest")
            found = cls.model_validate({**content, "digest": hashlib.sha256(data).hexdigest()})
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(
                f"The {WHAT}'s field '{name}' is missing, not known or not valid."
            ) from None
        except (ValueError, RecursionError):
            raise ConfigurationError(f"The {WHAT} is not a TOML file.") from None
        found.check_thresholds()
        return found

    def check_thresholds(self) -> None:
        """Refuse integers that the similarity does not stand for."""
        made = preset(self.preset).thresholds(self.threshold.similarity)
        if (made.gate, made.fine) != (self.threshold.gate, self.threshold.fine):
            raise StatementMismatch(f"The {WHAT} has other integers than its similarity stands for.")

    def check(self, model_digest: str, preset_name: str, thresholds: Thresholds) -> None:
        """Refuse a list or a manifest that this is not about."""
        if model_digest != self.model_digest:
            raise StatementMismatch(
                f"The {WHAT} was measured of another model than the list's.", "Calibrate again."
            )
        if preset_name != self.preset:
            raise StatementMismatch(f"The {WHAT} is for another preset than the list's.", "Calibrate again.")
        if thresholds != self.threshold:
            raise StatementMismatch(
                f"The list decides at another threshold than the {WHAT}.",
                f"Enrol it with --threshold {self.threshold.similarity!r}.",
            )

    @property
    def falls_short(self) -> bool:
        """Whether there were too few comparisons to call the rate measured."""
        return self.measured.comparisons < self.measured.comparisons_needed

    @property
    def said(self) -> str:
        """What to expect of it, in two sentences; never a rate of zero, but what can be ruled out."""
        expected, few = (
            self.expected,
            " Too few comparisons to call that measured." if self.falls_short else "",
        )
        return (
            f"FPIR {share(expected.fpir, expected.fpir_95)} on a list of {self.target.entries:,}, {expected.basis}; "
            f"missed are {share(expected.fnir, expected.fnir_95)} of the people on it.{few}"
        )


def share(value: float, interval: tuple[float, float]) -> str:
    """A rate with its interval; never zero, but what can be ruled out."""
    low, high = interval
    return f"{value:.2g} ({low:.2g} to {high:.2g})" if value else f"below {high:.2g}"
