"""What the page says of the threshold: what the manifest has, and what that rests on if the operator has the file."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from blindwatch.console.assignment import Assignment
from blindwatch.console.board import errors
from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.errors import StatementMismatch
from blindwatch.policy.profile import profile

from ..client.points import text

POINT = OperatingPoint.read(text().encode())


def manifest(named: str | None) -> Any:
    """The parts of a manifest that count here, with the operating point that it names."""
    return SimpleNamespace(
        profile=SimpleNamespace(name="uk-met"),
        thresholds=POINT.threshold,
        predicted=SimpleNamespace(false_alerts_per_1000=0.3999),
        operating_point=named,
    )


def shown(named: str | None, point: OperatingPoint | None) -> str:
    return errors(SimpleNamespace(manifest=manifest(named), point=point))  # type: ignore[arg-type]


def test_the_page_says_how_often_the_threshold_errs_and_by_what() -> None:
    said = shown(POINT.digest, POINT)
    assert said.startswith("Threshold 0.55: about 0.4 false alerts in 1,000 faces, by operating point ")
    assert POINT.digest[:16] in said
    assert "FPIR 0.0009 (0.0004 to 0.002) on a list of 1,000, extrapolated" in said
    assert "missed are 0.2 (0.1 to 0.3) of the people on it" in said
    assert "Too few" not in said
    assert "which this console was not given" in shown(POINT.digest, None)
    assert shown(None, None).endswith("in 1,000 faces, by what was measured of the model.")


def test_too_few_comparisons_are_said() -> None:
    few = OperatingPoint.read(text(needed=10**9).encode())
    assert shown(few.digest, few).endswith("Too few comparisons to call that measured.")


@pytest.mark.parametrize("named", [None, "ab" * 32])
def test_a_file_that_the_manifest_does_not_name_is_refused(named: str | None) -> None:
    approved: Any = SimpleNamespace(manifest=manifest(named))
    nothing: Any = None
    with pytest.raises(StatementMismatch, match="another operating point"):
        Assignment.of(approved, nothing, nothing, (), nothing, POINT)
    assert profile("uk-met").use == "live"
