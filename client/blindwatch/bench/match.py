"""`match`: reveal on match, against the same in plain SEAL calls, against pairs, and with several probes at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from blindwatch.bench import pairs
from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.engine import Engine, core_counts
from blindwatch.bench.releases import Releasing
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale, available_cores
from blindwatch.bench.timing import compare, measure
from blindwatch.bench.trial import Trial, trial
from blindwatch.bench.workers import Workers
from blindwatch.he.presets import preset

PRESET: Final = "reveal-128"
PLAIN: Final = "plain SEAL calls"
PAIRS: Final = "TenSEAL pairs, extrapolated"
ONE: Final = "one probe"
RELEASED: Final = "of this, releasing what was found: indicators, scores and the key of the sealed face"
IN_FLIGHT: Final = "probes in flight, a process for each core"


def cases(scale: Scale) -> list[Case]:
    """Each list against plain calls, the standard list against pairs, on all cores and under load."""
    standard = scale.standard
    return [
        *(
            Case(f"match {entries}, beside plain SEAL calls", partial(_beside_plain, scale, entries))
            for entries in scale.compared
        ),
        Case(f"match {standard}, beside pairs", partial(_beside_pairs, scale)),
        Case(f"match {standard}, each number of cores", partial(_on_cores, scale)),
        Case(f"match {standard}, what is released", partial(_releasing, scale)),
        Case(f"match {standard}, several probes at once", partial(_in_flight, scale)),
    ]


BENCHMARK: Final = Benchmark("match", "Reveal on match, beside plain SEAL calls and beside pairs.", cases)


def row(subject: Trial, cores: int, probes: int = 1, note: str = "") -> partial[Row]:
    """A row of this benchmark about a trial, without its figures."""
    return partial(
        Row,
        name=BENCHMARK.name,
        entries=subject.entries,
        dim=subject.preset.dimension,
        cores=cores,
        probes=probes,
        note=note,
    )


def _beside_plain(scale: Scale, entries: int) -> Sequence[Row]:
    subject = trial(entries, preset(PRESET))
    engine, plain = Engine.of(subject), Engine.plain(subject)
    ours, theirs = compare(
        partial(engine.match, subject.ciphertext), partial(plain.match, subject.ciphertext), scale.repeats
    )
    verdict, plain_verdict = subject.check(ours.results), subject.check(theirs.results)
    return [
        row(subject, 1, note=ONE)(
            **ours.against(PLAIN, theirs.median),
            exact=verdict.exact and plain_verdict.exact,
            worst_budget_bits=verdict.worst_budget_bits,
        )
    ]


def _beside_pairs(scale: Scale) -> Sequence[Row]:
    subject = trial(scale.standard, preset(PRESET))
    ours = measure(partial(Engine.of(subject).match, subject.ciphertext), scale.repeats)
    each = pairs.seconds_per_pair(subject.preset.dimension, scale.pairs)
    verdict = subject.check(ours.results)
    note = f"{ONE}; one pair took {1000 * each:.1f} ms and reveals its score"
    return [
        row(subject, 1, note=note)(
            **ours.against(PAIRS, each * subject.entries),
            exact=verdict.exact,
            worst_budget_bits=verdict.worst_budget_bits,
        )
    ]


def _on_cores(scale: Scale) -> Sequence[Row]:
    subject = trial(scale.standard, preset(PRESET))
    rows = []
    for cores in core_counts(available_cores()):
        ours = measure(partial(Engine.of(subject, cores).match, subject.ciphertext), scale.repeats)
        verdict = subject.check(ours.results)
        rows.append(
            row(subject, cores, note=ONE)(
                **ours.fields(), exact=verdict.exact, worst_budget_bits=verdict.worst_budget_bits
            )
        )
    return rows


def _releasing(scale: Scale) -> Sequence[Row]:
    subject = trial(scale.standard, preset(PRESET))
    releasing = Releasing(subject)
    ours = measure(releasing.once, scale.repeats)
    verdict = releasing.check(ours.results)
    return [
        row(subject, 1, note=RELEASED)(
            **ours.fields(), exact=verdict.exact, worst_budget_bits=verdict.worst_budget_bits
        )
    ]


def _in_flight(scale: Scale) -> Sequence[Row]:
    subject, cores = trial(scale.standard, preset(PRESET)), available_cores()
    with Workers(subject, cores) as workers:
        ours = measure(partial(workers.match, scale.in_flight), scale.repeats)
    verdict = subject.check(answer for answers in ours.results for answer in answers)
    return [
        row(subject, cores, scale.in_flight, IN_FLIGHT)(
            **ours.fields(), exact=verdict.exact, worst_budget_bits=verdict.worst_budget_bits
        )
    ]
