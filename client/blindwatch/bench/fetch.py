"""`fetch`: the workload "fetch by similarity, small" of HomomorphicEncryption.org, count and payloads.

Half of the records lie about centres, one centre for every 32 records; the others are anywhere on the sphere; the
query lies about a centre. So records that are near have a cosine of about 0.92 and all others one far below 0.7, and
templates of a small norm decide as floating point does, which is checked for every record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.engine import Engine, core_counts
from blindwatch.bench.payloads import PIECES, PayloadEngine, encrypt, read
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale, available_cores
from blindwatch.bench.timing import measure
from blindwatch.bench.trial import Floats, Integers, Releases, Trial, Verdict, build
from blindwatch.he.presets import Preset, preset

PRESET: Final = "reveal-128"
COSINE: Final = 0.8
COUNT: Final = "count of matches"
PAYLOADS: Final = "payloads of 64 bits of matches"
_RECORDS_PER_CENTRE: Final = 32
_SPREAD: Final = 0.3
_PIECE_LIMIT: Final = 1 << 16


@dataclass(frozen=True)
class Workload:
    """Records and a query in clear and encrypted, and which records floating point takes."""

    trial: Trial
    near: Integers
    payloads: Integers


def cases(scale: Scale) -> list[Case]:
    """Count and payloads."""
    return [
        Case(f"fetch, {scale.fetched} records, {COUNT}", partial(_count, scale)),
        Case(f"fetch, {scale.fetched} records, {PAYLOADS}", partial(_fetch, scale)),
    ]


BENCHMARK: Final = Benchmark("fetch", "Fetch by similarity, small: count and payloads of matches.", cases)


def records(count: int, dimension: int) -> tuple[Floats, Floats]:
    """Unit vectors (n, d) and a query (d,) as the workload makes them."""
    rng = np.random.default_rng(count)
    centres = _unit(rng.standard_normal((max(1, count // _RECORDS_PER_CENTRE), dimension)))
    vectors = _unit(rng.standard_normal((count, dimension)))
    clustered = np.flatnonzero(rng.random(count) < 0.5)
    chosen = centres[rng.integers(len(centres), size=len(clustered))]
    vectors[clustered] = _unit(chosen + _SPREAD * vectors[clustered])
    # About the centre of a record, so that the query has matches.
    query = _unit(chosen[:1] + _SPREAD * _unit(rng.standard_normal((1, dimension))))[0]
    return vectors, query


def threshold(chosen: Preset) -> int:
    """The cosine as a score: rounding adds a variance of 1/12 for each value to the norm, but not to the score."""
    return round(COSINE * (chosen.squared_norm - chosen.dimension / 12))


def _workload(count: int) -> Workload:
    chosen = preset(PRESET)
    vectors, query = records(count, chosen.dimension)
    return Workload(
        trial=build(vectors, query, chosen, threshold(chosen)),
        near=np.flatnonzero(vectors @ query > COSINE),
        payloads=np.random.default_rng(0).integers(_PIECE_LIMIT, size=(count, PIECES)),
    )


def _count(scale: Scale) -> Sequence[Row]:
    work = _workload(scale.fetched)
    rows = []
    for cores in core_counts(available_cores()):
        timed = measure(partial(Engine.of(work.trial, cores).match, work.trial.ciphertext), scale.repeats)
        verdict = work.trial.check(timed.results)
        as_float = list(work.trial.expected) == work.near.tolist()
        rows.append(
            _row(work, cores, COUNT)(
                **timed.fields(),
                exact=verdict.exact and as_float,
                worst_budget_bits=verdict.worst_budget_bits,
            )
        )
    return rows


def _fetch(scale: Scale) -> Sequence[Row]:
    work = _workload(scale.fetched)
    encrypted = encrypt(work.trial.keys.encryption, work.payloads)
    rows = []
    for cores in core_counts(available_cores()):
        engine = PayloadEngine(work.trial, encrypted, cores)
        timed = measure(partial(engine.fetch, work.trial.ciphertext), scale.repeats)
        verdict = _check(work, timed.results)
        rows.append(
            _row(work, cores, PAYLOADS)(
                **timed.fields(), exact=verdict.exact, worst_budget_bits=verdict.worst_budget_bits
            )
        )
    return rows


def _check(work: Workload, answers: Sequence[Releases]) -> Verdict:
    opened = [work.trial.open(each, read) for each in answers]
    expected = work.payloads[work.near].T
    return Verdict(
        exact=all(
            np.array_equal(each.matches, work.near)
            and np.array_equal(each.values[1:, each.matches], expected)
            for each in opened
        ),
        worst_budget_bits=min(each.budget for each in opened),
    )


def _row(work: Workload, cores: int, what: str) -> partial[Row]:
    return partial(
        Row,
        name=BENCHMARK.name,
        entries=work.trial.entries,
        dim=work.trial.preset.dimension,
        cores=cores,
        probes=1,
        note=f"{what}; {len(work.near)} records match",
    )


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
