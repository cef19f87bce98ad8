"""`growth`: time of reveal on match by entries, dimension, cores and width of the match set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.engine import Engine, core_counts
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale, available_cores
from blindwatch.bench.timing import measure
from blindwatch.bench.trial import Trial, trial
from blindwatch.he.presets import Preset, preset

PRESET: Final = "reveal-128"


def cases(scale: Scale) -> list[Case]:
    """One case for each list, for each dimension and for each width."""
    default = preset(PRESET)
    widths = [replace(default, width=width) for width in scale.widths if width != default.width]
    wider = [of_dimension(default, dimension) for dimension in scale.dimensions]
    return [
        *(
            Case(f"growth, {entries} entries", partial(_measure, default, entries, scale.repeats))
            for entries in scale.growth
        ),
        *(
            Case(f"growth, d = {each.dimension}", partial(_measure, each, scale.dimensioned, scale.repeats))
            for each in wider
        ),
        *(
            Case(
                f"growth, |V| = {each.width}",
                partial(_measure, each, scale.growth[0], scale.repeats),
            )
            for each in widths
        ),
    ]


BENCHMARK: Final = Benchmark(
    "growth", "Reveal on match by entries, dimension, cores and width of the match set.", cases
)


def of_dimension(default: Preset, dimension: int) -> Preset:
    """The same parameters for longer templates: more giant steps, or more groups where a block has groups."""
    times = dimension // default.dimension
    layouts = tuple(
        replace(each, giants=each.giants * times)
        if each.groups == 1
        else replace(each, groups=each.groups * times)
        for each in default.layouts
    )
    return replace(default, dimension=dimension, layouts=layouts)


def _measure(chosen: Preset, entries: int, repeats: int) -> Sequence[Row]:
    subject = trial(entries, chosen)
    return [_row(subject, cores, repeats) for cores in core_counts(available_cores())]


def _row(subject: Trial, cores: int, repeats: int) -> Row:
    timed = measure(partial(Engine.of(subject, cores).match, subject.ciphertext), repeats)
    verdict = subject.check(timed.results)
    return Row(
        name=BENCHMARK.name,
        entries=subject.entries,
        dim=subject.preset.dimension,
        cores=cores,
        probes=1,
        **timed.fields(),
        exact=verdict.exact,
        worst_budget_bits=verdict.worst_budget_bits,
        note=f"|V| = {subject.preset.width}",
    )
