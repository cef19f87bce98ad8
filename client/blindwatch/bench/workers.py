"""The engine in processes of its own, as a server runs it: for probes in flight and for what memory it takes."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

from blindwatch.bench.engine import Engine
from blindwatch.bench.trial import Releases, Trial
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.memory import keep_freed
from blindwatch.he.presets import Preset

_BUNDLE: Final = "bundle"
_LIST: Final = "list"
_KIB: Final = 1024


@dataclass(frozen=True)
class Memory:
    """Resident bytes of one process."""

    now: int
    peak: int


_opened: list[tuple[Engine, bytes]] = []
"""What the initialiser of a worker process leaves to its jobs."""


class Workers:
    """Processes that share the list of a trial in memory."""

    list_bytes: int
    """Of the list as it is mapped into memory."""

    def __init__(self, trial: Trial, count: int) -> None:
        self._trial = trial
        self._count = count
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            trial = self._trial
            folder = Path(exits.enter_context(TemporaryDirectory(prefix="blindwatch-bench-")))
            (folder / _BUNDLE).write_bytes(trial.keys.evaluation.to_bytes())
            (folder / _LIST).mkdir()
            Engine.of(trial).save(folder / _LIST)
            self.list_bytes = sum(file.stat().st_size for file in (folder / _LIST).iterdir())
            # A fresh interpreter for each, because one that has threads must not be forked.
            self._pool = exits.enter_context(
                ProcessPoolExecutor(
                    self._count,
                    mp_context=get_context("spawn"),
                    initializer=_open,
                    initargs=(folder, trial.preset, trial.threshold, trial.entries, trial.ciphertext),
                )
            )
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def match(self, probes: int) -> list[Releases]:
        """The releases of this many probes that arrive at the same moment."""
        jobs = [self._pool.submit(_match) for _ in range(probes)]
        return [job.result() for job in jobs]

    def memory(self) -> Memory:
        """What one process has resident."""
        return self._pool.submit(_memory).result()


def _open(folder: Path, preset: Preset, threshold: int, entries: int, probe: bytes) -> None:
    keep_freed()
    bundle = EvaluationBundle.from_bytes((folder / _BUNDLE).read_bytes(), preset)
    _opened.append((Engine.mapped(bundle, threshold, entries, folder / _LIST), probe))


def _match() -> Releases:
    engine, probe = _opened[0]
    return engine.match(probe)


def _memory() -> Memory:
    return Memory(_resident("VmRSS"), _resident("VmHWM"))


def _resident(name: str) -> int:
    """Bytes, by the kernel's count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * _KIB if found else 0
