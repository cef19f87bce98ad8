"""A benchmark as cases that are run one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale


@dataclass(frozen=True)
class Case:
    """One piece of a benchmark that builds what it needs, measures and checks."""

    label: str
    run: Callable[[], Sequence[Row]]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark by its name on the command line."""

    name: str
    summary: str
    cases: Callable[[Scale], Sequence[Case]]
