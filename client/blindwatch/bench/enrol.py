"""`enrol`: from embeddings to the ciphertexts of a list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.engine import Engine
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale
from blindwatch.bench.timing import Timed
from blindwatch.bench.trial import Trial, build, embeddings, keys
from blindwatch.he.presets import preset

PRESET: Final = "reveal-128"
NOTE: Final = "quantised and encrypted by SEAL; the answer to a probe checked"


def cases(scale: Scale) -> list[Case]:
    """The standard list."""
    return [Case(f"enrol {scale.standard}", partial(_measure, scale))]


BENCHMARK: Final = Benchmark("enrol", "Quantise and encrypt the templates of a list.", cases)


def _measure(scale: Scale) -> Sequence[Row]:
    chosen = preset(PRESET)
    keys(chosen)  # key generation is no part of enrolment
    vectors, probe = embeddings(scale.standard, chosen.dimension)
    timed: Timed[Trial] = Timed()
    verdicts = []
    for _ in range(min(scale.repeats, 3)):
        # With the one probe that the answer is checked by: one ciphertext more among hundreds.
        timed.once(partial(build, vectors, probe, chosen, chosen.lowest_threshold))
        subject = timed.results.pop()  # which holds the whole list
        verdicts.append(subject.check([Engine.of(subject).match(subject.ciphertext)]))
    return [
        Row(
            name=BENCHMARK.name,
            entries=scale.standard,
            dim=chosen.dimension,
            cores=1,
            probes=1,
            **timed.fields(),
            exact=all(verdict.exact for verdict in verdicts),
            worst_budget_bits=min(verdict.worst_budget_bits for verdict in verdicts),
            note=NOTE,
        )
    ]
