"""What a report of an evaluation says, in tables and sentences."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from blindwatch.evaluation import run_tables
from blindwatch.evaluation.document import Report, Section
from blindwatch.evaluation.identification import ASSUMPTION
from blindwatch.evaluation.measuring import Evaluation, Method
from blindwatch.evaluation.plots import figures
from blindwatch.evaluation.rates import ENOUGH, per_cent
from blindwatch.evaluation.recording import record

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
            Section("What was measured", _data_text(found), [run_tables.data(found)]),
            Section(
                "Verification: two photographs",
                _VERIFICATION,
                [run_tables.verification(found)],
                plots["verification"],
            ),
            Section(
                "Identification: one photograph and a list",
                _identification_text(found),
                [run_tables.identification(found)],
                plots["identification"],
            ),
            Section("Ranked search", _RANKED, [run_tables.ranking(found)], plots["ranking"]),
            Section("The same under encryption", _ENCRYPTED, [run_tables.encryption(found)]),
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


_VERIFICATION: Final = (
    "FMR is the share of comparisons of two people that match, FNMR that of comparisons of one person that do "
    "not. Integers decide in two steps; where the gate alone decides, a lower threshold would change nothing, "
    "and FMR stays below what is wanted.",
    "The last column has the threshold found anew in every draw of the subjects with replacement, so that its "
    "interval covers the choice of the threshold too.",
)


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
        f"Up to {searches.longest:,} entries it is measured, as the mean over all lists of the subjects. "
        f"{run_tables.MARK} marks what is extrapolated, assuming that {ASSUMPTION}. How far that is true here: "
        f"on lists of {searches.longest:,}, {per_cent(whole.value)} were measured where independent comparisons "
        f"would give {per_cent(independent)}.",
    ]


_RANKED: Final = (
    "For retrospective use, where people look at the first entries by score. Every search has its right entry; "
    "entries with the same score are ranked before it. Templates of ranked search are finer than those of "
    "reveal on match.",
)


_ENCRYPTED: Final = (
    "Real keys and ciphertexts, the engine of the match server, and a decryptor. Every comparison of every "
    "search is held against the integers in clear: whether it is released, and the fine score if it is; of "
    "ranked search, every score.",
)
