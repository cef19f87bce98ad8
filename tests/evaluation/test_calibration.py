"""Thresholds that keep to an FPIR: on synthetic subjects, and what the data cannot support."""

from __future__ import annotations

import io
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from blindwatch.cli.main import run
from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.deployment.prediction import calibrated
from blindwatch.evaluation.calibrating import content, report
from blindwatch.evaluation.calibration import Calibrator, needed
from blindwatch.evaluation.samples import Samples, Source
from blindwatch.he.presets import preset

from .synthetic import faces, samples

REVEAL = preset("reveal-128")
MODEL = Source("synthetic [subjects]", "none", "no detector", "ab" * 32)


@pytest.fixture(scope="module")
def crowd() -> Samples:
    """People so alike that many of them are confused."""
    made = faces(np.random.default_rng(8), 120, 3, spread=0.8, crowding=0.75)
    return replace(samples(made, 3), source=MODEL)


@pytest.fixture(scope="module")
def calibrator(crowd: Samples) -> Calibrator:
    return Calibrator.of(crowd, REVEAL)


@pytest.mark.parametrize("entries", [1, 50, 119, 500])
@pytest.mark.parametrize("wanted", [0.2, 0.02])
def test_the_threshold_is_the_lowest_that_keeps_to_it(
    calibrator: Calibrator, wanted: float, entries: int
) -> None:
    found = calibrator.choose(wanted, entries)
    assert found.fpir.value <= wanted
    assert found.fpir.is_measured == (entries <= 119)
    assert found.thresholds == REVEAL.thresholds(found.similarity)
    lower = found.thresholds.fine - 1
    if lower >= 1 and calibrator.searches.fpir(lower, entries).value != found.fpir.value:
        assert calibrator.searches.fpir(lower, entries).value > wanted


@pytest.mark.parametrize(("wanted", "entries"), [(0.1, 50), (0.3, 500)])
def test_confidence_holds_the_upper_end_to_it(calibrator: Calibrator, wanted: float, entries: int) -> None:
    plain, sure = calibrator.choose(wanted, entries), calibrator.choose(wanted, entries, confident=True)
    assert sure.thresholds.fine > plain.thresholds.fine
    assert plain.fpir.high > wanted >= sure.fpir.high
    assert sure.fnir.value >= plain.fnir.value


@given(st.floats(1e-4, 0.5), st.integers(1, 20_000))
def test_as_many_comparisons_are_needed_as_bring_thirty_false_matches(fpir: float, entries: int) -> None:
    comparisons = needed(fpir, entries)
    rate = 1 - (1 - fpir) ** (1 / entries)
    assert comparisons * rate >= 30 * (1 - 1e-6)
    assert (comparisons - 1) * rate <= 30 * (1 + 1e-6)


def test_the_figures_of_the_published_cap_are_those_of_the_planning_table() -> None:
    """Of one false alert in 1,000 with 16,231 entries a comparison may err in 6.2e-8 at most."""
    assert needed(0.001, 16_231) == pytest.approx(30 / 6.2e-8, rel=0.01)


def test_what_the_data_cannot_support_is_said_with_what_could(crowd: Samples, calibrator: Calibrator) -> None:
    found = calibrator.choose(0.001, 17_000)
    assert found.shortfall is not None
    assert found.shortfall.comparisons == calibrator.searches.comparisons == 360 * 119
    assert found.shortfall.needed == needed(0.001, 17_000) > found.shortfall.comparisons
    assert f"{found.shortfall.needed:,} comparisons" in str(found.shortfall)
    point = OperatingPoint.read(content(found, crowd, "reveal-128").encode())
    assert point.falls_short
    printed = io.StringIO()
    report(point, found, Console(file=printed, width=200))
    shown = " ".join(printed.getvalue().split())
    for part in (
        "Warning: The data cannot support",
        "cannot be shown",
        f"would take {found.shortfall.needed:,}",
    ):
        assert part in shown
    assert "FPIR 0 " not in shown, "no false match is a bound, never zero"


def test_what_it_can_support_is_not_warned_about(crowd: Samples, calibrator: Calibrator) -> None:
    found = calibrator.choose(0.2, 50)
    assert found.shortfall is None
    assert found.keeps
    point = OperatingPoint.read(content(found, crowd, "reveal-128").encode())
    assert not point.falls_short
    assert point.measured.false_matches >= 30
    predicted = calibrated(point, 50)
    assert predicted.low < predicted.rate < predicted.high
    assert point.expected.fpir <= predicted.expected / 1000 * 1.001, "independence promises no fewer"


def saved(folder: Path, crowd: Samples, name: str = "embeddings.npz") -> Path:
    np.savez(folder / name, names=np.array(crowd.images), embeddings=crowd.embeddings.astype(np.float32))
    return folder / name


def test_the_command_writes_a_file_once(
    crowd: Samples, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "point.toml"
    words = ["evaluate", "calibrate", f"--embeddings={saved(tmp_path, crowd)}", "--model=blindwatch-embedder"]
    words += ["--fpir=0.1", "--entries=40", f"--out={out}"]
    assert run(words) == 0
    assert "Enrol the list with --threshold" in " ".join(capsys.readouterr().out.split())
    point = OperatingPoint.load(out)
    assert tomllib.loads(out.read_text())["measured"]["embedder"] == "blindwatch-embedder"
    assert point.target.entries == 40
    assert out.stat().st_mode & 0o077 == 0
    assert run(words) == 1
    assert "there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--fpir=0"], "lies between 0 and 1"),
        (["--model=cascade"], "is a detector"),
        ([], "A threshold is for one model"),
        (["--faces=."], "Either photographs or embeddings"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(
    crowd: Samples, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], complaint: str
) -> None:
    words = ["evaluate", "calibrate", f"--embeddings={saved(tmp_path, crowd)}", "--fpir=0.1", "--entries=40"]
    assert run([*words, *options, f"--out={tmp_path / 'point.toml'}"]) == 1
    assert complaint in " ".join(capsys.readouterr().err.split())
