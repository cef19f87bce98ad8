"""`log`: verifying a long log whole, and what it takes to append to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale, available_cores
from blindwatch.bench.timing import Timed, compare
from blindwatch.oversight.checks.reading import WholeLog, read_whole
from blindwatch.records.record import minute
from blindwatch.records.server import ProbeAccepted
from blindwatch.tlog.following import verify_whole
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.log import Log

TREE: Final = "every record hashed into the tree that was signed"
VERIFIED: Final = "the same, and every record read"
PROBE: Final = "the two records of a probe up to its result, each durable before the next"
ALONE: Final = "records appended one after the other"
TOGETHER: Final = "records appended by 16 threads"
BASELINE: Final = "the same bytes to a file, fsync after each"
DEPLOYMENT: Final = "bench"
_THREADS: Final = 16
_BATCH: Final = 4096


@dataclass(frozen=True)
class _Subject:
    """A log of so many records in two folders."""

    folder: Path
    signer: Signer

    @classmethod
    def made(cls, folder: Path, leaves: int) -> _Subject:
        subject = cls(folder, Signer.generate("bench.example/log", Use.LOG))
        Log.create(subject.site, subject.head, subject.signer)
        with subject.open() as log:
            for first in range(0, leaves, _BATCH):
                log.append(_record(number) for number in range(first, min(first + _BATCH, leaves)))
        return subject

    @property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def head(self) -> Path:
        return self.folder / "head"

    def open(self) -> Log:
        return Log(self.site, self.head, self.signer)

    def read(self) -> WholeLog:
        return read_whole(self.site, self.signer.verifier, DEPLOYMENT)


def cases(scale: Scale) -> list[Case]:
    """One log."""
    return [Case(f"log, {scale.leaves:,} records", partial(_measure, scale))]


BENCHMARK: Final = Benchmark("log", "Transparency log: verify it whole, append to it.", cases)


def _measure(scale: Scale) -> Sequence[Row]:
    with TemporaryDirectory(prefix="blindwatch-bench-") as folder:
        subject = _Subject.made(Path(folder), scale.leaves)
        whole: Timed[WholeLog] = Timed()
        whole.once(subject.read)
        tree: Timed[object] = Timed()
        tree.once(lambda: verify_whole(subject.site, subject.signer.verifier, lambda _index, _entries: None))
        with subject.open() as log:
            records = [_record(number) for number in range(scale.leaves, scale.leaves + scale.appended)]
            probe, plain = compare(
                lambda: (log.append(records[:1]), log.append(records[1:2])),
                partial(_plainly, Path(folder) / "plain", records[:2]),
                scale.appended,
            )
            alone: Timed[object] = Timed()
            alone.once(lambda: [log.append([record]) for record in records])
            together: Timed[object] = Timed()
            together.once(partial(_together, log, records))
        size = scale.leaves + 2 * (scale.appended + 1) + 2 * scale.appended
        exact = subject.read().checkpoint.size == size
    return [
        _row(scale.leaves, 1, tree.fields(), TREE, exact=exact),
        _row(scale.leaves, 1, whole.fields(), VERIFIED, exact=exact),
        _row(scale.leaves, 1, probe.against(BASELINE, plain.median), PROBE, exact=exact),
        _row(scale.leaves, scale.appended, alone.fields(), ALONE, exact=exact),
        _row(scale.leaves, scale.appended, together.fields(), TOGETHER, exact=exact),
    ]


def _together(log: Log, records: Sequence[bytes]) -> None:
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(lambda record: log.append([record]), records))


def _plainly(path: Path, records: Sequence[bytes]) -> None:
    with path.open("ab") as file:
        for record in records:
            file.write(record)
            file.flush()
            os.fsync(file.fileno())


def _record(number: int) -> bytes:
    accepted = ProbeAccepted(
        at=minute(),
        deployment=DEPLOYMENT,
        probe_id=f"{number:032x}",
        camera="gate-1",
        ciphertext=f"{number:064x}",
    )
    return accepted.to_cbor()


def _row(entries: int, probes: int, times: dict[str, object], note: str, *, exact: bool) -> Row:
    return Row(
        name=BENCHMARK.name,
        entries=entries,
        dim=0,
        cores=available_cores(),
        probes=probes,
        exact=exact,
        note=note,
        **times,  # type: ignore[arg-type]
    )
