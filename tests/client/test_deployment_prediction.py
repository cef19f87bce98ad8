"""What errors to expect: the formula, what it rests on, and what it says where nothing was measured."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from blindwatch.deployment.prediction import Basis, Point, Predicted, curves, predict
from blindwatch.deployment.showing import predicted
from blindwatch.errors import ConfigurationError, PolicyViolation
from blindwatch.vision.catalogue import Embedder, Projection
from blindwatch.vision.pipeline import model_digest
from blindwatch.vision.registry import Registry, embedded_directory

from .papers import model

CURVE = (
    Point(0.3, 1e-3, 8e-4, 1.2e-3),
    Point(0.5, 1e-4, 7e-5, 1.4e-4),
    Point(0.7, 9e-7, 2e-7, 2e-6),
)


def digest(registry: Registry, name: str) -> str:
    entry = registry.find_as(name, Embedder)
    projection = None if entry.projection is None else registry.find_as(entry.projection, Projection)
    return model_digest(entry, projection)


@given(st.integers(1, 600_000), st.floats(1e-7, 0.5))
def test_the_rate_of_a_list_is_that_of_the_standard(entries: int, rate: float) -> None:
    found = Predicted(rate, rate, rate, entries, Basis.MEASURED)
    few = min(entries, 50)
    exact = 1 - (1 - Fraction(rate)) ** few
    assert Predicted(rate, rate, rate, few, Basis.MEASURED).expected == pytest.approx(float(1000 * exact))
    assert 0 < found.expected <= 1000
    assert found.expected <= 1000 * rate * entries * (1 + 1e-6)


@given(st.integers(1, 100_000), st.integers(1, 100_000), st.floats(0.3, 1), st.floats(0.3, 1))
def test_longer_lists_and_lower_thresholds_never_promise_less(
    entries: int, more: int, threshold: float, other: float
) -> None:
    low, high = sorted((threshold, other))
    at = predict([CURVE], low, entries)
    assert at.expected <= predict([CURVE], low, entries + more).expected
    assert predict([CURVE], high, entries).high <= at.high
    assert at.low <= at.rate <= at.high


@pytest.mark.parametrize(
    ("threshold", "rate", "high", "basis"),
    [
        (0.3, 1e-3, 1.2e-3, Basis.MEASURED),
        (0.49, 1e-3, 1.2e-3, Basis.BOUND),
        (0.5, 1e-4, 1.4e-4, Basis.MEASURED),
        (0.51, 1e-4, 1.4e-4, Basis.BOUND),
        (0.7, 9e-7, 2e-6, Basis.MEASURED),
        (0.71, 2e-6, 2e-6, Basis.BEYOND),
        (1.0, 2e-6, 2e-6, Basis.BEYOND),
    ],
)
def test_between_what_was_measured_the_next_lower_threshold_counts(
    threshold: float, rate: float, high: float, basis: Basis
) -> None:
    found = predict([CURVE], threshold, 100)
    assert (found.rate, found.high, found.basis) == (rate, high, basis)


def test_below_all_that_was_measured_nothing_is_predicted() -> None:
    with pytest.raises(PolicyViolation, match="lower than any"):
        predict([CURVE], 0.2999, 1)


def test_the_worst_detector_counts() -> None:
    better = tuple(Point(each.similarity, each.rate / 2, each.low / 2, each.high / 2) for each in CURVE)
    for order in ([better, CURVE], [CURVE, better]):
        assert predict(order, 0.5, 1).rate == 1e-4


PLANTED = """
[blindwatch-embedder.cascade]
impostor_pairs = 1000
template = [
  { cosine = 0.6, gate = 112, fine = 19200, fmr = 0.0, fmr_95 = [0.0, 0.0] },
  { cosine = 0.5, gate = 92, fine = 16000, fmr = 0.01, fmr_95 = [0.008, 0.012] },
]
"""


def test_where_no_false_match_was_seen_the_rule_of_three_counts(tmp_path: Path) -> None:
    (tmp_path / "measured.toml").write_text(PLANTED)
    measured = curves(Registry.load(), model(), tmp_path / "measured.toml")
    assert [point.similarity for point in measured[0]] == [0.5, 0.6]
    found = predict(measured, 0.6, 1)
    assert (found.rate, found.low, found.high, found.basis) == (0.003, 0, 0.003, Basis.NONE_SEEN)
    assert predict(measured, 0.7, 1).rate == 0.003


def test_what_is_predicted_of_the_built_in_model_is_what_was_measured() -> None:
    file = tomllib.loads((embedded_directory() / "measured.toml").read_text())["blindwatch-embedder"]
    measured = curves(Registry.load(), model())
    assert len(measured) == len(file) == 2
    row = file["cascade"]["template"][-1]  # of the detectors the one with the higher bound
    at = predict(measured, row["cosine"], 1)
    assert (at.rate, [at.low, at.high], at.basis) == (row["fmr"], row["fmr_95"], Basis.MEASURED)
    beyond = predict(measured, 0.6, 1)
    assert (beyond.rate, beyond.basis) == (row["fmr_95"][1], Basis.BEYOND)


def test_every_model_that_was_measured_is_found_by_its_digest_and_no_other() -> None:
    registry = Registry.load()
    file = tomllib.loads((embedded_directory() / "measured.toml").read_text())
    names = {each.name for each in registry.models if isinstance(each, Embedder)}
    assert names - file.keys() == {"sface"}
    for name in names & file.keys():
        assert len(curves(registry, digest(registry, name))) == len(file[name])
    for unknown in (digest(registry, "sface"), "ab" * 32):
        with pytest.raises(ConfigurationError, match="Nothing was measured"):
            curves(registry, unknown)


@pytest.mark.parametrize(
    ("entries", "verdict"), [(1000, "That is within the 1"), (16_231, "That is MORE THAN the 1")]
)
def test_a_threshold_for_a_thousand_does_not_do_for_sixteen(entries: int, verdict: str) -> None:
    found = predict([CURVE], 0.7, entries)
    assert found.expected == pytest.approx(0.9e-3 * entries, rel=0.01)
    console = Console(width=300, record=True)
    console.print(predicted(found, 1.0))
    shown = " ".join(console.export_text().split())
    assert f"not on this list of {entries:,}, about {found.expected:.3g} would be stopped wrongly" in shown
    assert verdict in shown
    assert Basis.MEASURED.value in shown
