"""The plots of a report on attacks, and its record for other programs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from blindwatch.evaluation.attacks import LEARNED, Attacks, Scored, Searched
from blindwatch.evaluation.figures import INK, SERIES, Figure
from blindwatch.evaluation.plots import as_per_cent, shade
from blindwatch.evaluation.recovery import Recovered


def recovered(found: Attacks) -> Figure:
    """How many faces come back, by the number of scores."""

    def draw(axes: Any) -> None:
        for at, scored in enumerate(found.scored):
            counts = [step.scores for step in scored.steps]
            axes.plot(
                counts,
                [step.same.value for step in scored.steps],
                color=SERIES[at],
                marker="os"[at],
                label=scored.mode.value,
            )
            shade(axes, counts, [step.same for step in scored.steps], SERIES[at])
            another = [step.another.value for step in scored.steps]
            axes.plot(
                counts,
                another,
                color=SERIES[at],
                linestyle=":",
                label=f"{scored.mode.value}, another photograph",
            )
        axes.set(xlabel="scores of one face", ylabel="recovered templates that match, %", ylim=(-0.03, 1.03))
        as_per_cent(axes, "y")
        axes.legend(fontsize="small")

    return Figure(
        "recovery",
        "Share of faces whose recovered template matches, by how many scores the attacker has. Shaded: intervals of "
        "95 %.",
        draw,
    )


def searched(found: Attacks) -> Figure:
    """How near boundary search comes, by the number of probes that match."""

    def draw(axes: Any) -> None:
        longest = max(each[-1].alerts for course in found.searched for each in course.courses)
        alerts = np.linspace(0, longest, 200)
        for at, course in enumerate(found.searched):
            axes.plot(
                alerts,
                [course.cosine(math.inf, each) for each in alerts],
                color=SERIES[at],
                linestyle=("-", (0, (1, 1)), (0, (6, 2)))[at],
                label=course.by,
            )
        axes.axhline(LEARNED, color=INK, linestyle=":", linewidth=1)
        axes.set(
            xlabel="probes that match, which an operator sees",
            ylabel="cosine with the entry's template",
            ylim=(0, 1.03),
        )
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.legend(loc="lower right")

    return Figure(
        "boundary",
        "How near boundary search comes to an entry's template, by how often an operator sees that a probe matched. "
        "Dotted: where it counts as learned.",
        draw,
    )


def record(found: Attacks) -> dict[str, Any]:
    """All figures."""
    return {
        "data": found.samples.source.data,
        "embedder": found.samples.source.embedder,
        "preset": found.preset.name,
        "gate": found.thresholds.gate,
        "fine": found.thresholds.fine,
        "genuine": found.targets.genuine.to_json(),
        "recovery": {each.mode.name.lower(): _scored(each) for each in found.scored},
        "boundary": {each.by: _course(each) for each in found.searched},
        "boundary_limited": {
            most: {each.by: _course(each) for each in tried} for most, tried in found.limited.items()
        },
        "first_probe": found.first.to_json(),
        "budgets": {each.name: each.probes_per_deployment for each in found.budgets},
        "alerts_per_entry": {each.name: each.alerts_per_entry for each in found.budgets},
        "unlinkability": [vars(each) for each in found.linked],
        "accuracy": vars(found.accuracy),
    }


def _scored(scored: Scored) -> dict[str, Any]:
    return {"correlation": scored.leak.correlation, "steps": [_step(step) for step in scored.steps]}


def _step(step: Recovered) -> dict[str, Any]:
    rates = {"same": step.same.to_json(), "another": step.another.to_json()}
    return {"scores": step.scores, "cosine": step.cosine, **rates}


def _course(searched: Searched) -> dict[str, Any]:
    return {"queries": searched.queries, "alerts": searched.alerts}
