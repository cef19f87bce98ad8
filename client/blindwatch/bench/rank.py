"""`rank`: the ranked scan, beside reading the same bytes from memory and beside the same product in clear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from blindwatch.bench import machine
from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale, available_cores
from blindwatch.bench.timing import compare
from blindwatch.bench.trial import Integers, Verdict
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.gallery import Gallery
from blindwatch.he.ranked.presets import RankPreset, rank_preset
from blindwatch.he.ranked.scanning import scan
from blindwatch.secret.ranked import RankDecryptor, RankKeySet, generate_ranked

READING: Final = "reading the same bytes"
IN_CLEAR: Final = "NumPy float32 in clear"
NOTE: Final = "every score revealed"
_DISTINCT_BLOCKS: Final = 16
_NORM: Final = 60
"""Of templates, whose bound is 64."""


@dataclass(frozen=True)
class Search:
    """A gallery of (n, d) templates in clear and encrypted, and a query."""

    keys: RankKeySet
    templates: Integers
    query: Integers
    gallery: Gallery
    ciphertext: bytes

    def check(self, answers: Sequence[Sequence[bytes]]) -> Verdict:
        """Decrypt every score of every answer and hold it against the clear one."""
        decryptor = RankDecryptor(self.keys.secret)
        expected = self.templates @ self.query
        right = [np.array_equal(decryptor.scores(each, len(expected)), expected) for each in answers]
        return Verdict(all(right), min(decryptor.noise_budget(part) for each in answers for part in each))


def cases(scale: Scale) -> list[Case]:
    """Each gallery."""
    return [
        Case(f"rank, {entries:,} x {dimension}", partial(_measure, entries, dimension, scale.repeats))
        for entries, dimension in scale.ranked
    ]


BENCHMARK: Final = Benchmark("rank", "Ranked scan, beside memory bandwidth and a product in clear.", cases)


def _measure(entries: int, dimension: int, repeats: int) -> Sequence[Row]:
    with TemporaryDirectory(prefix="blindwatch-bench-") as folder:
        search = _search(entries, rank_preset(f"rank-{dimension}"), Path(folder))
        memory = np.ones(sum(block.nbytes for block in search.gallery.blocks) // 8, dtype=np.uint64)
        rows = [
            _row(search, cores, READING, partial(machine.read, memory, cores), repeats)
            for cores in sorted({1, available_cores()})
        ]
        del memory
        clear = search.templates.astype(np.float32), search.query.astype(np.float32)
        return [*rows, _row(search, available_cores(), IN_CLEAR, partial(np.matmul, *clear), repeats)]


def _row(search: Search, cores: int, baseline: str, theirs: Callable[[], object], repeats: int) -> Row:
    timed, other = compare(partial(scan, search.ciphertext, search.gallery, cores), theirs, repeats)
    verdict = search.check(timed.results)
    entries, dimension = search.templates.shape
    return Row(
        name=BENCHMARK.name,
        entries=entries,
        dim=dimension,
        cores=cores,
        probes=1,
        **timed.against(baseline, other.median),
        exact=verdict.exact,
        worst_budget_bits=verdict.worst_budget_bits,
        note=NOTE,
    )


def _search(entries: int, preset: RankPreset, folder: Path) -> Search:
    """A gallery whose templates repeat after a few blocks; each block is a file and in memory by itself."""
    keys = generate_ranked(preset)
    encryptor = RankEncryptor(keys.encryption)
    period = _DISTINCT_BLOCKS * preset.poly_degree
    distinct, query = _templates(min(entries, period), preset.dimension), _templates(1, preset.dimension)[0]
    distinct[0] = query
    templates = np.tile(distinct, (-(-entries // period), 1))[:entries]
    gallery = Gallery.open(preset, keys.encryption.key_id, _write(encryptor, templates, folder))
    return Search(keys, templates, query, gallery, encryptor.query(query))


def _write(encryptor: RankEncryptor, templates: Integers, folder: Path) -> list[Path]:
    degree = encryptor.preset.poly_degree
    made: dict[tuple[int, int], bytes] = {}
    files = []
    for number in range(encryptor.preset.blocks(len(templates))):
        block = templates[number * degree : (number + 1) * degree]
        same = number % _DISTINCT_BLOCKS, len(block)
        if same not in made:
            made[same] = encryptor.block(block)
        files.append(folder / f"{number:05}")
        files[-1].write_bytes(made[same])
    return files


def _templates(count: int, dimension: int) -> Integers:
    vectors = np.random.default_rng(count).standard_normal((count, dimension))
    vectors *= _NORM / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.rint(vectors).astype(np.int64)
