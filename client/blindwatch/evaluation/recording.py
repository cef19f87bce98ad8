"""The results of an evaluation as a record for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from blindwatch.evaluation.identification import ASSUMPTION, Expected, lengths
from blindwatch.evaluation.measuring import Evaluation, Method, Operating
from blindwatch.evaluation.ranking import RANKS
from blindwatch.evaluation.scoring import NEVER
from blindwatch.evaluation.verification import Refit


def record(found: Evaluation) -> dict[str, Any]:
    """The results for other programs."""
    source, sizes = (
        found.samples.source,
        lengths(found.by_method[Method.FLOAT].searches.longest, found.plan.entries),
    )
    return {
        "data": source.data,
        "embedder": source.embedder,
        "detector": source.detector,
        "model_digest": source.model_digest,
        "preset": found.preset.name,
        "subjects": found.samples.subjects,
        "photographs": len(found.samples.images),
        "fte": found.enrolment_failures.to_json(),
        "fta": found.acquisition_failures.to_json(),
        "equal_error_rate": found.by_method[Method.FLOAT].comparisons.equal_error_rate,
        "assumption": ASSUMPTION,
        "operating": [_point(found, each, sizes) for each in found.operating],
        "curves": {method.name.lower(): _curve(found, method) for method in found.by_method},
        "ranks": {
            method.name.lower(): {
                str(rank): each.identified(rank).to_json() for rank in RANKS if rank <= each.entries
            }
            for method, each in found.ranks.items()
        },
        "encryption": {
            **{str(gate): vars(tally) for gate, (_, tally) in found.gated.items()},
            "ranked": vars(found.rank_tally),
        },
    }


def _point(found: Evaluation, point: Operating, sizes: Sequence[int]) -> dict[str, Any]:
    searches = found.at(point).searches
    return {
        "method": point.method.name.lower(),
        "wanted": point.why,
        "threshold": point.threshold,
        "gate": point.gate,
        "fmr": point.fmr.to_json(),
        "fnmr": point.fnmr.to_json(),
        "refitted": None if point.refit is None else _refitted(point.refit),
        "fnir": searches.fnir(point.threshold).to_json(),
        "fpir": [_listed(searches.fpir(point.threshold, each)) for each in sizes],
    }


def _refitted(found: Refit) -> dict[str, Any]:
    return {**vars(found), "threshold": _finite(found.threshold), "value": found.value or None}


def _listed(found: Expected) -> dict[str, Any]:
    return {
        "entries": found.entries,
        "value": found.value or None,
        "low": found.low,
        "high": found.high,
        "measured": found.is_measured,
        "basis": found.basis.to_json(),
    }


def _curve(found: Evaluation, method: Method) -> dict[str, list[float | None]]:
    comparisons = found.by_method[method].comparisons
    rates = np.geomspace(1 / len(comparisons.non_mated), 1, 100)
    thresholds, fmr, fnmr = comparisons.curve(rates.tolist())
    return {"threshold": [*map(_finite, thresholds.tolist())], "fmr": fmr.tolist(), "fnmr": fnmr.tolist()}


def _finite(threshold: float) -> float | None:
    """A threshold that means something; none below all scores there are."""
    return threshold if threshold > float(np.nextafter(NEVER, np.float32(0))) else None
