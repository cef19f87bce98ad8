"""Plots of a recorded run as SVG files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from blindwatch.bench import live, sizes, wording
from blindwatch.bench.rows import Row

Rows = Sequence[Row]
_SIZE: Final = (6.4, 3.6)
_OURS: Final = "#1f6f8b"
_THEIRS: Final = "#9aa5ad"
_COLOURS: Final = (_OURS, "#d1733a", "#5b8c3a", "#7a4fa3")


@dataclass(frozen=True)
class Plot:
    """A plot of one benchmark: its file beside the page, what it shows and how it is drawn."""

    benchmark: str
    file: str
    shows: str
    onto: Callable[[Any, Rows], None]

    def draw(self, rows: Rows) -> str:
        """The SVG document; equal rows give equal text."""
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": self.file, "font.size": 10}):
            figure = Figure(figsize=_SIZE, layout="constrained", facecolor="white")
            axes = figure.subplots()
            self.onto(axes, rows)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
            text = StringIO()
            figure.savefig(text, format="svg", metadata={"Date": None})
        return re.sub(r"[ \t]+$", "", text.getvalue(), flags=re.MULTILINE)


def _beside(axes: Any, rows: Rows) -> None:
    """One probe on one thread: the engine beside each baseline."""
    compared = [row for row in rows if row.name == "match" and row.baseline is not None]
    bars = []
    for row in compared:
        bars.append((f"{row.entries:,}: {row.baseline}", row.baseline_median_s or 0.0, _THEIRS))
        bars.append((f"{row.entries:,}: this engine", row.median_s or 0.0, _OURS))
    _bars(axes, bars, wording.seconds)
    axes.set_xlabel("server time for one probe on one thread, s")


def _growth(axes: Any, rows: Rows) -> None:
    """Time by entries, a line for each number of cores, for templates of the preset's own length."""
    default = [row for row in rows if row.name == "growth" and row.note == "|V| = 120" and row.dim == 128]
    for colour, cores in zip(_COLOURS, sorted({row.cores for row in default}), strict=False):
        line = sorted((row.entries, row.median_s or 0.0) for row in default if row.cores == cores)
        axes.plot(*zip(*line, strict=True), marker="o", color=colour, label=f"cores: {cores}")
    _logarithmic(axes)
    axes.set_xlabel("entries on the list")
    axes.set_ylabel("server time for one probe, s")


def _ranked(axes: Any, rows: Rows) -> None:
    """Each gallery on all cores: the scan beside its baselines."""
    ranked = [row for row in rows if row.name == "rank"]
    most = max((row.cores for row in ranked), default=0)
    bars: dict[str, tuple[float, str]] = {}
    for row in (row for row in ranked if row.cores == most):
        size = f"{row.entries:,} x {row.dim}"
        # The time that was taken by turns with the first baseline.
        bars.setdefault(f"{size}: encrypted scan", (row.median_s or 0.0, _OURS))
        bars[f"{size}: {row.baseline}"] = (row.baseline_median_s or 0.0, _THEIRS)
    _bars(axes, [(label, *bar) for label, bar in bars.items()], wording.seconds)
    axes.set_xlabel("time for one probe on all cores, s")


def _sizes(axes: Any, rows: Rows) -> None:
    """Bytes at the standard list."""
    named = (sizes.ON_DISK, sizes.IN_MEMORY, sizes.QUERY, sizes.ANSWER, sizes.PROCESS)
    found = {row.note: row.bytes or 0 for row in rows if row.name == "bytes"}
    _bars(axes, [(name, float(found[name]), _OURS) for name in named if name in found], wording.size)
    axes.set_xlabel("bytes")


def _alerts(axes: Any, rows: Rows) -> None:
    """Capture to alert by faces a second: half, 95 and 99 of 100, and who was dropped."""
    measured = [row for row in rows if row.name == "live" and row.median_s is not None]
    rates = [row.rate for row in measured]
    for colour, name, times in zip(
        _COLOURS,
        ("median", "95 of 100", "99 of 100"),
        zip(*((row.median_s, row.p95_s, row.p99_s) for row in measured), strict=True),
        strict=False,
    ):
        axes.plot(rates, times, marker="o", color=colour, label=name)
    for row in measured:
        if row.dropped:
            share = f"{100 * row.dropped / row.probes:.0f} % dropped"
            axes.annotate(share, (row.rate, row.max_s), ha="right", va="bottom")
    axes.axhline(live.LIMIT_SECONDS, color=_THEIRS, linestyle="--", label="bar")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    axes.set_xlabel("faces a second")
    axes.set_ylabel("from the first picture to the alert, s")


def _bars(axes: Any, bars: Sequence[tuple[str, float, str]], shown: Callable[[float], str]) -> None:
    lengths = [length for _, length, _ in bars]
    drawn = axes.barh(range(len(bars)), lengths, color=[each for *_, each in bars])
    axes.set_yticks(range(len(bars)), [label for label, *_ in bars])
    axes.invert_yaxis()
    axes.bar_label(drawn, [shown(length) for length in lengths], padding=3)
    axes.margins(x=0.15)
    if lengths and max(lengths) > 10 * min(lengths):
        axes.set_xscale("log")


def _logarithmic(axes: Any) -> None:
    if axes.lines:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        for form in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            form("{x:g}")
        axes.legend(frameon=False)
        axes.grid(which="major", color="#dddddd", linewidth=0.6)


PLOTS: Final = (
    Plot("match", "beside.svg", "Server time for one probe beside the baselines.", _beside),
    Plot("growth", "growth.svg", "Server time for one probe by entries on the list.", _growth),
    Plot("rank", "rank.svg", "Time of the ranked scan beside the baselines.", _ranked),
    Plot("bytes", "bytes.svg", "Bytes at the standard list.", _sizes),
    Plot("live", "live.svg", "Capture to alert by faces a second.", _alerts),
)
