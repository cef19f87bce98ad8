"""`bytes`: what goes over the wire, onto the disk and into memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale
from blindwatch.bench.trial import Releases, Trial, trial
from blindwatch.bench.workers import Workers
from blindwatch.he.presets import preset
from blindwatch.he.ranked import forms
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.he.released import PIECES, shares
from blindwatch.wire import crops

PRESET: Final = "reveal-128"
RANK_PRESET: Final = "rank-128"
QUERY: Final = "query"
ANSWER: Final = "answer"
SEALED_FACE: Final = "the sealed face in the query"
OPENED_FACE: Final = "the sealed face in the answer, with what opens it"
ON_DISK: Final = "per template on disk"
IN_MEMORY: Final = "per template in memory"
RANKED: Final = "per template on disk and in memory, ranked"
PROCESS: Final = "memory of a server process with the list"


def cases(scale: Scale) -> list[Case]:
    """Everything at the standard list."""
    return [Case(f"bytes, {scale.standard} entries", partial(_measure, scale.standard))]


BENCHMARK: Final = Benchmark("bytes", "Query, answer, keys, and a template on disk and in memory.", cases)


def _measure(entries: int) -> Sequence[Row]:
    subject = trial(entries, preset(PRESET))
    with Workers(subject, 1) as workers:
        answers = workers.match(1)
        memory = workers.memory()
        held = workers.list_bytes
    verdict = subject.check(answers)
    stored = sum(len(part) for block in subject.blocks for part in block)
    sizes = {
        QUERY: len(subject.ciphertext) + crops.SEALED,
        ANSWER: sum(len(part) for block in answers[0] for part in block) + crops.WRAPPED,
        SEALED_FACE: crops.SEALED,
        OPENED_FACE: _for_faces(subject, answers[0]) + crops.WRAPPED,
        "encryption key, with each camera": len(subject.keys.encryption.to_bytes()),
        "evaluation keys, with the server": len(subject.keys.evaluation.to_bytes()),
        "secret key, with the operator": len(subject.keys.secret.material),
        ON_DISK: round(stored / entries),
        IN_MEMORY: round(held / entries),
        RANKED: _ranked_template(),
        PROCESS: memory.now,
        "the same at its peak": memory.peak,
    }
    return [
        Row(
            name=BENCHMARK.name,
            entries=entries,
            dim=subject.preset.dimension,
            cores=1,
            probes=1,
            exact=verdict.exact,
            worst_budget_bits=verdict.worst_budget_bits,
            note=what,
            bytes=size,
        )
        for what, size in sizes.items()
    ]


def _for_faces(subject: Trial, answer: Releases) -> int:
    """Of the ciphertexts that hold nothing but pieces of the key."""
    return sum(
        len(part)
        for layout, block in zip(subject.preset.plan(subject.entries), answer, strict=True)
        for share, part in zip(shares(layout), block, strict=True)
        if set(share) <= set(PIECES)
    )


def _ranked_template() -> int:
    """Its share of a block, which is mapped into memory as it lies on the disk."""
    chosen = rank_preset(RANK_PRESET)
    return round(forms.size(chosen) / chosen.poly_degree)
