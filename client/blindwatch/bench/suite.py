"""All benchmarks, and running them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.progress import Progress

from blindwatch.bench import camera, enrol, fetch, growth, live, log, match, rank, sizes
from blindwatch.bench.case import Benchmark
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale
from blindwatch.errors import ConfigurationError, InternalError

BENCHMARKS: Final = {
    each.name: each
    for each in (
        match.BENCHMARK,
        growth.BENCHMARK,
        rank.BENCHMARK,
        fetch.BENCHMARK,
        sizes.BENCHMARK,
        enrol.BENCHMARK,
        log.BENCHMARK,
        camera.BENCHMARK,
        live.BENCHMARK,
    )
}


def chosen(name: str | None) -> list[Benchmark]:
    """The benchmark of this name, or all of them."""
    if name is None:
        return list(BENCHMARKS.values())
    if name not in BENCHMARKS:
        raise ConfigurationError("There is no such benchmark.", f"Choose one of {', '.join(BENCHMARKS)}.")
    return [BENCHMARKS[name]]


def run(benchmarks: Sequence[Benchmark], scale: Scale, display: Progress) -> list[Row]:
    """The rows of these benchmarks; an answer that is not the clear one ends the run."""
    cases = [case for benchmark in benchmarks for case in benchmark.cases(scale)]
    task = display.add_task("", total=len(cases))
    rows: list[Row] = []
    for case in cases:
        display.update(task, description=case.label)
        rows += case.run()
        if any(row.exact is False for row in rows):
            raise InternalError(f"An answer differs from the clear computation: {case.label}.")
        display.advance(task)
    display.update(task, description="Measured")
    return rows
