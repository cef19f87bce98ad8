"""The plots of a report on groups and quality, and its record for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from blindwatch.evaluation.fairness import Comparison, Fairness
from blindwatch.evaluation.figures import SERIES, Figure
from blindwatch.evaluation.groups import Kind
from blindwatch.evaluation.plots import as_per_cent, shade
from blindwatch.evaluation.quality import Curve


def by_group(comparison: Comparison) -> Figure:
    """The rates of groups side by side."""

    def draw(axes: Any) -> None:
        places = np.arange(len(comparison.groups))
        for at, kind in enumerate((Kind.FMR, Kind.FNMR, Kind.FPIR, Kind.FNIR)):
            rates = [group.rates[kind] for group in comparison.groups]
            values = np.array([rate.value or np.nan for rate in rates])
            ends = np.array([[max(rate.low, 1e-7), rate.high] for rate in rates])
            offset = places + (at - 1.5) * 0.16
            axes.vlines(offset, ends[:, 0], ends[:, 1], color=SERIES[at], linewidth=2)
            axes.plot(offset, values, linestyle="none", marker="osD^"[at], color=SERIES[at], label=kind.value)
        axes.set_xticks(places, [group.name for group in comparison.groups])
        axes.set(yscale="log", ylabel="%", xlim=(-0.6, len(places) - 0.4))
        as_per_cent(axes, "y")
        axes.legend(ncols=2)

    return Figure(
        f"groups-{_slug(comparison.column)}",
        f"Error rates by {comparison.column}, with intervals of 95 %. A line without a mark: no event was seen.",
        draw,
    )


def worsening(curve: Curve) -> Figure:
    """Who is missed as photographs get worse."""

    def draw(axes: Any) -> None:
        amounts = [step.amount for step in curve.steps]
        places = np.arange(len(amounts))
        for at, (name, label) in enumerate((("missed", "missed (FNIR)"), ("failed", "no face found"))):
            rates = [getattr(step, name) for step in curve.steps]
            axes.plot(places, [rate.value for rate in rates], color=SERIES[at], marker="os"[at], label=label)
            shade(axes, places.tolist(), rates, SERIES[at])
        axes.set_xticks(places, [f"{amount:g}" for amount in amounts])
        axes.set(xlabel=curve.degradation.unit, ylabel="%", ylim=(-0.02, 1.02))
        as_per_cent(axes, "y")
        axes.legend(loc="upper left")

    name = curve.degradation.name
    return Figure(
        f"quality-{name}",
        f"People missed as photographs get worse: {name}. From good to bad, with intervals of 95 %.",
        draw,
    )


def _slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower())


def record(found: Fairness, curves: Sequence[Curve]) -> dict[str, Any]:
    """All figures."""
    return {
        "data": found.samples.source.data,
        "embedder": found.samples.source.embedder,
        "model_digest": found.samples.source.model_digest,
        "preset": found.preset.name,
        "gate": found.thresholds.gate,
        "fine": found.thresholds.fine,
        "entries": found.entries,
        "tests": found.tests,
        "columns": {each.column: _compared(each) for each in found.comparisons},
        "conditions": {
            column: {
                group.name: {kind.name.lower(): rate.to_json() for kind, rate in group.rates.items()}
                for group in groups
            }
            for column, groups in found.conditions.items()
        },
        "relatives": None
        if found.likeness is None
        else {
            "families": found.likeness.families,
            "fmr": found.likeness.alike.to_json(),
            "everybody": found.likeness.everybody.to_json(),
        },
        "quality": {
            curve.degradation.name: [
                {
                    "amount": step.amount,
                    "failed": step.failed.to_json(),
                    "missed": step.missed.to_json(),
                    "fmr": step.false_matches.to_json(),
                }
                for step in curve.steps
            ]
            for curve in curves
        },
    }


def _compared(comparison: Comparison) -> dict[str, Any]:
    return {
        "groups": {
            group.name: {
                "subjects": group.subjects,
                "photographs": group.photographs,
                **{kind.name.lower(): group.rates[kind].to_json() for kind in Kind},
            }
            for group in comparison.groups
        },
        "differences": {kind.name.lower(): vars(each) for kind, each in comparison.differences.items()},
    }
