"""What rounding templates to integers costs in recognition, against cosines of the embeddings.

    python benchmarks/accuracy.py --faces ../shared/faces

Writes accuracy.json and accuracy.png beside this file. Nothing about a single person is written.
Differences are rounded minus float on the same people, at equal false match rates, in percentage points.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from recognition import NOT_RELEASED, Faces, Floats, Scores, Trial, project
from rich.console import Console
from rich.progress import track
from rich.table import Table

from blindwatch.vision.quantise import quantise

SEED = 4
FMR = (1e-3, 1e-4, 1e-5)
FPIR = (1e-1, 1e-2)
BASES = 3  # roundings in PCA coordinates and in rotated ones are averaged: less luck of a single rounding
SPLITS = 6
DRAWS = 200
ENROLLED = {"everybody": 1000, "unseen": 300}
FINE_NORM = 32_000  # scores stay within half the plain modulus 65537
COSINE_STEP = 2e-4
TARGET = 0.2

Released = Literal["coarse", "fine entry", "fine both"]
Summary = dict[str, list[float]]
"""By name of the rate: its value, then both ends of its interval."""


@dataclass(frozen=True)
class Method:
    """How probe and entry are rounded, and which score decides behind the gate."""

    dimension: int = 128
    probe_norm: int = 200
    entry_norm: int = 200
    lattice: Literal["Z", "E8"] = "Z"
    released: Released = "coarse"
    gate: float = 1
    """How many times the final FPIR passes the gate of a release in two steps."""

    @property
    def bound(self) -> int:
        """The highest score there can be."""
        return math.isqrt(self.probe_norm * self.entry_norm)

    @property
    def name(self) -> str:
        """As in tables and plots."""
        same = self.probe_norm == self.entry_norm
        norms = "" if same else f" ({self.probe_norm}, {self.entry_norm})"
        step = "" if self.released == "coarse" else f", {self.released}, gate x{self.gate:g}"
        return f"{self.lattice}, d {self.dimension}, M {self.bound}{norms}{step}"


METHODS = (
    *(Method(dimension=d) for d in (64, 96, 256)),
    *(Method(probe_norm=m, entry_norm=m) for m in (100, 200, 280, 400)),
    *(Method(probe_norm=m, entry_norm=m, lattice="E8") for m in (200, 400)),
    Method(released="fine entry", gate=3),
    Method(probe_norm=400, entry_norm=100, released="fine entry", gate=3),
    Method(probe_norm=800, entry_norm=200, released="fine entry", gate=3),
    *(Method(released="fine both", gate=gate) for gate in (2, 3, 5)),
    *(Method(lattice="E8", released="fine both", gate=gate) for gate in (2, 3)),
)
CHECKED_UNSEEN = (Method(), Method(probe_norm=400, entry_norm=400), Method(released="fine both", gate=3))


class Result(TypedDict):
    """What was measured of one method."""

    method: str
    bound: int
    rates: Summary
    difference: Summary
    threshold: list[float]
    gate_fpir: list[float]


class Part(TypedDict):
    """What was measured on one set of people."""

    photographs: int
    people: int
    enrolled: int
    float: Summary
    methods: list[Result]


def nearest_e8(points: Floats) -> Floats:
    """The nearest points of E8 to each row's eights of coordinates, after Conway and Sloane (1982)."""
    eights = points.reshape(len(points), -1, 8)
    whole, half = _nearest_d8(eights), _nearest_d8(eights - 0.5) + 0.5
    nearer = ((eights - whole) ** 2).sum(-1) <= ((eights - half) ** 2).sum(-1)
    return np.where(nearer[..., np.newaxis], whole, half).reshape(points.shape)


def _nearest_d8(points: Floats) -> Floats:
    rounded = np.rint(points)
    error = points - rounded
    worst = np.abs(error).argmax(-1)[..., np.newaxis]
    other = np.where(np.take_along_axis(error, worst, -1) < 0, -1, 1)
    odd = rounded.sum(-1, keepdims=True) % 2
    np.put_along_axis(rounded, worst, np.take_along_axis(rounded, worst, -1) + other * odd, -1)
    return rounded


def quantise_e8(rows: Floats, squared_norm: int) -> Floats:
    """What `quantise` does, on E8: the norm never falls as the scale grows, so halving finds the last scale."""
    low, high = np.zeros(len(rows)), np.full(len(rows), 2 * math.sqrt(squared_norm))
    best = np.zeros_like(rows)
    for _ in range(24):
        middle = (low + high) / 2
        found = nearest_e8(rows * middle[:, np.newaxis])
        fits = (found**2).sum(1) <= squared_norm
        best[fits] = found[fits]
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return best


def templates(rows: Floats, squared_norm: int, lattice: str) -> Scores:
    """Every row rounded on its own."""
    if lattice == "E8":
        return quantise_e8(rows, squared_norm).astype(np.float32)
    return np.stack([quantise(row, squared_norm) for row in rows]).astype(np.float32)


def rotations(dimension: int) -> Iterator[Floats]:
    """The identity, then random orthogonal matrices."""
    rng = np.random.default_rng(SEED)
    yield np.eye(dimension)
    for _ in range(BASES - 1):
        yield np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]


class Study:
    """All methods on one set of people."""

    def __init__(self, faces: Faces, projection: Floats, enrolled: int) -> None:
        self.rows = {d: project(faces.embeddings, projection, d) for d in (64, 96, 128)}
        self.rows[256] = faces.embeddings
        self.trial = Trial.make(faces.person, enrolled, SPLITS, DRAWS, SEED)
        self.cosines: Scores = (self.rows[128] @ self.rows[128].T).astype(np.float32)
        self.fine = templates(self.rows[128], FINE_NORM, "Z")
        self.base = self.rates(self.cosines, COSINE_STEP)

    def rates(self, scores: Scores, step: float) -> Floats:
        """FNMR, then FNIR: a row for everybody and one for each draw."""
        return np.hstack(
            [self.trial.verification(scores, step, FMR), self.trial.identification(scores, step, FPIR)]
        )

    def measure(self, method: Method) -> Result:
        """The rates of a method, and how they differ from those of float cosines."""
        rounds = [self._round(method, basis) for basis in rotations(method.dimension)]
        rates = np.mean([rate for rate, _, _ in rounds], axis=0)
        columns = range(len(FMR) + len(FPIR))[-rates.shape[1] :]
        change = rates - self.base[:, columns]
        return {
            "method": method.name,
            "bound": method.bound,
            "rates": summary(rates, columns),
            "difference": summary(change, columns),
            "threshold": rounds[0][1],
            "gate_fpir": rounds[0][2],
        }

    def _round(self, method: Method, basis: Floats) -> tuple[Floats, list[float], list[float]]:
        rows = self.rows[method.dimension] @ basis
        probes = templates(rows, method.probe_norm, method.lattice)
        same = method.entry_norm == method.probe_norm
        entries = probes if same else templates(rows, method.entry_norm, method.lattice)
        # Exact: these products are whole numbers far below 2^24.
        scores = probes @ entries.T
        passed = [math.floor(self.trial.threshold(scores, rate * method.gate)) for rate in FPIR]
        gates = [self.trial.passing(scores, threshold) for threshold in passed]
        if method.released == "coarse":
            return self.rates(scores, 1), [*map(float, passed)], gates
        deciding = self._deciding(method, probes, rows)
        found = [
            self.trial.identification(np.where(scores >= gate, deciding, NOT_RELEASED), COSINE_STEP, [rate])
            for gate, rate in zip(passed, FPIR, strict=True)
        ]
        return np.hstack(found), [*map(float, passed)], gates

    def _deciding(self, method: Method, probes: Scores, rows: Floats) -> Scores:
        """The score that a gate releases, at the scale of cosines."""
        if method.released == "fine both":
            both: Scores = self.fine @ self.fine.T / np.float32(FINE_NORM)
            return both
        entry: Scores = probes @ rows.T.astype(np.float32) / np.float32(math.sqrt(method.probe_norm))
        return entry


def summary(rates: Floats, columns: range) -> Summary:
    """Each rate with its 95 % interval, in per cent."""
    names = [*(f"fnmr@{rate:g}" for rate in FMR), *(f"fnir@{rate:g}" for rate in FPIR)]
    low, high = np.quantile(rates[1:], (0.025, 0.975), axis=0)
    return {
        names[column]: [round(100 * float(value), 3) for value in (rates[0, at], low[at], high[at])]
        for at, column in enumerate(columns)
    }


def table(title: str, results: list[Result]) -> Table:
    """The differences, with thresholds and the share of non-mated searches that pass the gate, by FPIR."""
    shown = Table(title=f"{title}: points of difference from float cosine [95 % interval]")
    keys = [*(f"fnmr@{rate:g}" for rate in FMR), *(f"fnir@{rate:g}" for rate in FPIR)]
    for heading in ("method", *keys, "thresholds", "gate FPIR"):
        shown.add_column(heading)
    for result in results:
        change = result["difference"]
        cells = ["{:+.2f} [{:+.2f}, {:+.2f}]".format(*change[key]) if key in change else "" for key in keys]
        extra = [
            " ".join(f"{v:.3g}" for v in values) for values in (result["threshold"], result["gate_fpir"])
        ]
        shown.add_row(str(result["method"]), *cells, *extra)
    return shown


def plot(results: list[Result], path: Path) -> None:
    """Differences of FNIR with their intervals, one line for each method."""
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    axes = figure.subplots()
    heights: NDArray[np.float64] = np.arange(len(results))[::-1].astype(np.float64)
    for key, colour, marker, shift in (
        ("fnir@0.1", "#0b5394", "o", 0.15),
        ("fnir@0.01", "#a83200", "s", -0.15),
    ):
        values = np.array([result["difference"][key] for result in results])
        spread = np.abs(values[:, 1:].T - values[:, 0])
        label = f"FPIR {key.partition('@')[2]}"
        axes.errorbar(
            values[:, 0], heights + shift, xerr=spread, fmt=marker, color=colour, capsize=3, label=label
        )
    axes.axvspan(-TARGET, TARGET, color="#d9d9d9", zorder=0, label=f"goal: within {TARGET} points")
    axes.set_yticks(heights, [str(result["method"]) for result in results])
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks([-0.5, 0, 0.2, 0.5, 1, 2, 5, 10], ["-0.5", "0", "0.2", "0.5", "1", "2", "5", "10"])
    axes.set_xlabel("FNIR minus that of float cosine, percentage points (95 % interval)")
    axes.set_ylabel("lattice, dimension, bound M (squared norms), release")
    axes.set_title(f"What rounding costs: {ENROLLED['everybody']:,} people enrolled, open-set search")
    axes.grid(axis="x", alpha=0.4)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=130)


def main() -> None:
    """Measure, print, and write the figures and the plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    args = parser.parse_args()
    if not (args.faces / "lfw_embeddings_retail_0095.npz").is_file():
        raise SystemExit(f"There are no embeddings in {args.faces}: name their folder with --faces.")
    here = Path(__file__).parent
    projection = np.load(here.parent / "models" / "retail-0095-pca128.npy").astype(np.float64)
    faces = Faces.load(args.faces, SEED)
    console = Console(width=190)
    report: dict[str, Part] = {}
    for name, people, methods in (
        ("everybody", faces, METHODS),
        ("unseen", faces.without_training(), CHECKED_UNSEEN),
    ):
        study = Study(people, projection, ENROLLED[name])
        results = [study.measure(method) for method in track(methods, description=name)]
        report[name] = {
            "photographs": len(people.person),
            "people": int(people.person.max()) + 1,
            "enrolled": ENROLLED[name],
            "float": summary(study.base, range(len(FMR) + len(FPIR))),
            "methods": results,
        }
        console.print(report[name]["float"], table(name, results))
    (here / "accuracy.json").write_text(json.dumps(report, indent=1) + "\n")
    plot(report["everybody"]["methods"], here / "accuracy.png")


if __name__ == "__main__":
    main()
