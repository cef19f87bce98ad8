"""What a report of an evaluation says, in tables and sentences."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from blindwatch.evaluation.document import Report, Section, Table
from blindwatch.evaluation.identification import ASSUMPTION, Expected, lengths
from blindwatch.evaluation.measuring import Evaluation, Method, Operating
from blindwatch.evaluation.plots import figures
from blindwatch.evaluation.ranking import RANKS
from blindwatch.evaluation.rates import ENOUGH, per_cent
from blindwatch.evaluation.recording import record

MARK: Final = "†"
_INTERVALS: Final = (
    "In brackets: two-sided intervals of 95 %, by Clopper and Pearson on as many independent trials as would "
    "vary like the rate does between subjects. Without an event the upper end alone is given."
)


def report(found: Evaluation) -> Report:
    """The whole report."""
    plots: dict[str, list[Any]] = {"verification": [], "identification": [], "ranking": []}
    for part, figure in figures(found):
        plots[part].append(figure)
    return Report(
        kind="run",
        title="How often recognition errs",
        summary=summary(found),
        warnings=warnings(found),
        sections=[
            Section("What was measured", _data_text(found), [_data(found)]),
            Section(
                "Verification: two photographs", _VERIFICATION, [_verification(found)], plots["verification"]
            ),
            Section(
                "Identification: one photograph and a list",
                _identification_text(found),
                [_identification(found)],
                plots["identification"],
            ),
            Section("Ranked search", _RANKED, [_ranking(found)], plots["ranking"]),
            Section("The same under encryption", _ENCRYPTED, [_encryption(found)]),
        ],
        results=record(found),
    )


def summary(found: Evaluation) -> list[str]:
    """What to remember."""
    tally, different = found.tally, found.tally.different + found.rank_tally.different
    strictest = [each for each in found.operating if each.method is Method.CLEAR and each.refit][-1]
    return [
        f"{found.samples.subjects:,} subjects, {len(found.samples.images):,} photographs, embedder "
        f"{found.samples.source.embedder}.",
        f"{tally.comparisons + found.rank_tally.comparisons:,} comparisons were also made under encryption: "
        f"{different:,} decisions or scores differ from those of the integers in clear.",
        f"As deployed for {strictest.why}, {strictest.fmr} of comparisons of two people match, and "
        f"{strictest.fnmr} of those of one person do not.",
    ]


def warnings(found: Evaluation) -> list[str]:
    """What the data cannot say, as far as it is asked for."""
    few = [
        each.why
        for each in found.operating
        if each.refit is not None and each.method is Method.FLOAT and each.refit.false_matches < ENOUGH
    ]
    said = []
    if few:
        said.append(
            f"Fewer than {ENOUGH} false matches set the threshold for {', '.join(few)}: take more subjects for it."
        )
    if found.tally.different or found.rank_tally.different:
        said.append(
            "Decisions under encryption differ from those of the integers in clear. That is a fault: report it."
        )
    if found.acquisition_failures.trials and not found.samples.acquired.all():
        said.append(
            "Photographs without a face are no part of FMR, FNMR and FPIR; they count as misses in FNIR."
        )
    return said


def _data_text(found: Evaluation) -> list[str]:
    source = found.samples.source
    where = (
        f"detector {source.detector}"
        if source.detector
        else "embeddings that were saved, so failures only as far as they say"
    )
    return [
        f"Data: {source.data}; embedder {source.embedder}; {where}. Preset {found.preset.name}.",
        _INTERVALS,
    ]


def _data(found: Evaluation) -> Table:
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


_VERIFICATION: Final = (
    "FMR is the share of comparisons of two people that match, FNMR that of comparisons of one person that do "
    "not. Integers decide in two steps; where the gate alone decides, a lower threshold would change nothing, "
    "and FMR stays below what is wanted.",
    "The last column has the threshold found anew in every draw of the subjects with replacement, so that its "
    "interval covers the choice of the threshold too.",
)


def _verification(found: Evaluation) -> Table:
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


def _identification_text(found: Evaluation) -> list[str]:
    searches = found.by_method[Method.CLEAR].searches
    point = next(
        each for each in found.operating if each.method is Method.CLEAR and each.why.startswith("FPIR")
    )
    whole, single = searches.fpir(point.threshold, searches.longest), searches.fpir(point.threshold, 1)
    independent = float(-np.expm1(searches.longest * np.log1p(-single.value)))
    return [
        "FPIR is the share of searches for somebody who is not on the list that find somebody, FNIR that of "
        "searches for somebody on it that do not find them. FPIR grows with the list, FNIR does not.",
        f"Up to {searches.longest:,} entries it is measured, as the mean over all lists of the subjects. {MARK} "
        f"marks what is extrapolated, assuming that {ASSUMPTION}. How far that is true here: on lists of "
        f"{searches.longest:,}, {per_cent(whole.value)} were measured where independent comparisons would give "
        f"{per_cent(independent)}.",
    ]


def _identification(found: Evaluation) -> Table:
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
    low, high = (per_cent(each).removesuffix(" %") for each in (found.low, found.high))
    return f"{per_cent(found.value)} [{low}, {high}] {MARK}"


_RANKED: Final = (
    "For retrospective use, where people look at the first entries by score. Every search has its right entry; "
    "entries with the same score are ranked before it. Templates of ranked search are finer than those of "
    "reveal on match.",
)


def _ranking(found: Evaluation) -> Table:
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


_ENCRYPTED: Final = (
    "Real keys and ciphertexts, the engine of the match server, and a decryptor. Every comparison of every "
    "search is held against the integers in clear: whether it is released, and the fine score if it is; of "
    "ranked search, every score.",
)


def _encryption(found: Evaluation) -> Table:
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
