"""The tables of a report of an evaluation."""

from __future__ import annotations

from typing import Final

from blindwatch.evaluation.document import Table
from blindwatch.evaluation.identification import ASSUMPTION, Expected, lengths
from blindwatch.evaluation.measuring import Evaluation, Method, Operating
from blindwatch.evaluation.ranking import RANKS
from blindwatch.evaluation.rates import interval, per_cent

MARK: Final = "†"


def data(found: Evaluation) -> Table:
    """What there was to measure on."""
    comparisons, searches = (
        getattr(found.by_method[Method.FLOAT], each) for each in ("comparisons", "searches")
    )
    return Table(
        "Data",
        ("what", "value"),
        [
            ("subjects", f"{found.samples.subjects:,}"),
            ("photographs", f"{len(found.samples.images):,}"),
            ("failure to enrol (FTE), of entries", str(found.enrolment_failures)),
            ("failure to acquire (FTA), of other photographs", str(found.acquisition_failures)),
            ("mated comparisons", f"{len(comparisons.mated):,}"),
            ("non-mated comparisons", f"{len(comparisons.non_mated):,}"),
            ("mated searches", f"{len(searches.mated):,}"),
            ("photographs searched for on lists without their subject", f"{len(searches.subject):,}"),
            ("longest list of others", f"{searches.longest:,}"),
        ],
    )


def verification(found: Evaluation) -> Table:
    """FMR and FNMR by threshold and method."""
    rows = [
        (point.why, point.method.value, _threshold(point), str(point.fmr), str(point.fnmr), _refit(point))
        for point in _wanted(found, "FMR")
    ]
    return Table(
        "FNMR at FMR",
        ("wanted", "method", "threshold", "FMR", "FNMR at this threshold", "FNMR, threshold refitted"),
        rows,
        words=2,
    )


def _wanted(found: Evaluation, rate: str) -> list[Operating]:
    """The operating points that keep to this kind of rate, the methods of each together."""
    points = [each for each in found.operating if each.why.startswith(rate)]
    reasons = list(dict.fromkeys(each.why for each in points))
    return sorted(points, key=lambda each: reasons.index(each.why))


def _refit(point: Operating) -> str:
    if point.refit is None:
        return "same threshold"
    if not point.refit.high:
        return "no miss in any draw"
    high = per_cent(point.refit.high)
    return f"{per_cent(point.refit.low)} to {high}" if point.refit.low else f"up to {high}"


def _threshold(point: Operating) -> str:
    if point.method is Method.FLOAT:
        return f"{point.threshold:.4f}"
    alone = ", gate alone" if point.threshold == 1 else ""
    return f"gate {point.gate}, fine {point.threshold:,.0f}{alone}"


def identification(found: Evaluation) -> Table:
    """FPIR by the length of the list, and FNIR."""
    sizes = lengths(found.by_method[Method.FLOAT].searches.longest, found.plan.entries)
    rows = []
    for point in _wanted(found, "FPIR"):
        searches = found.at(point).searches
        cells = [_expected(searches.fpir(point.threshold, each)) for each in sizes]
        what = point.why, point.method.value, _threshold(point)
        rows.append((*what, str(searches.fnir(point.threshold)), *cells))
    return Table(
        "FPIR by length of the list, and FNIR",
        ("wanted", "method", "threshold", "FNIR", *(f"FPIR, {each:,}" for each in sizes)),
        rows,
        f"{MARK} extrapolated: {ASSUMPTION}.",
        words=2,
    )


def _expected(found: Expected) -> str:
    if found.is_measured:
        return str(found.basis)
    if not found.value:
        return f"< {per_cent(found.high)} {MARK}"
    return f"{per_cent(found.value)} {interval(found.low, found.high)} {MARK}"


def ranking(found: Evaluation) -> Table:
    """How often the right entry is among the first."""
    entries = found.ranks[Method.FLOAT].entries
    ranks = [each for each in RANKS if each <= entries]
    rows = [
        (method.value, *(str(each.identified(rank)) for rank in ranks))
        for method, each in found.ranks.items()
    ]
    return Table(
        f"Found among the first k of {entries:,} entries",
        ("method", *(f"k = {rank}" for rank in ranks)),
        rows,
    )


def encryption(found: Evaluation) -> Table:
    """What was compared under encryption."""
    rows = [
        (
            f"reveal on match, gate {gate}",
            *map("{:,}".format, (each.searches, each.comparisons, each.released, each.different)),
        )
        for gate, (_, each) in found.gated.items()
    ]
    each = found.rank_tally
    rows.append(
        (
            "ranked search",
            *map("{:,}".format, (each.searches, each.comparisons, each.released, each.different)),
        )
    )
    return Table(
        "Decisions under encryption",
        ("what", "searches", "comparisons", "scores released", "different"),
        rows,
    )
