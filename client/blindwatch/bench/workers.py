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
from blindwatch.he.presets import Preset

_BUNDLE: Final = "bundle"
_KIB: Final = 1024


@dataclass(frozen=True)
class Memory:
    """Resident bytes of one process."""

    before_list: int
    """With the engine's code but no list."""
    with_list: int
    peak: int


@dataclass
class _Opened:
    engine: Engine
    probe: bytes
    memory_before: int


_opened: list[_Opened] = []
"""What the initialiser of a worker process leaves to its jobs."""


class Workers:
    """Processes that each hold the list of a trial."""

    def __init__(self, trial: Trial, count: int) -> None:
        self._trial = trial
        self._count = count
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            folder = Path(exits.enter_context(TemporaryDirectory(prefix="blindwatch-bench-")))
            _write(self._trial, folder)
            # A fresh interpreter for each, because one that has threads must not be forked.
            self._pool = exits.enter_context(
                ProcessPoolExecutor(
                    self._count,
                    mp_context=get_context("spawn"),
                    initializer=_open,
                    initargs=(folder, self._trial.preset, self._trial.threshold, self._trial.ciphertext),
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


def _write(trial: Trial, folder: Path) -> None:
    (folder / _BUNDLE).write_bytes(trial.keys.evaluation.to_bytes())
    for number, block in enumerate(trial.blocks):
        (folder / f"{number:04}").mkdir()
        for place, part in enumerate(block):
            (folder / f"{number:04}" / f"{place:04}").write_bytes(part)


def _open(folder: Path, preset: Preset, threshold: int, probe: bytes) -> None:
    bundle = EvaluationBundle.from_bytes((folder / _BUNDLE).read_bytes(), preset)
    before = _resident("VmRSS")
    blocks = [
        [part.read_bytes() for part in sorted(block.iterdir())]
        for block in sorted(path for path in folder.iterdir() if path.is_dir())
    ]
    _opened.append(_Opened(Engine(bundle, threshold, blocks), probe, before))


def _match() -> Releases:
    opened = _opened[0]
    return opened.engine.match(opened.probe)


def _memory() -> Memory:
    return Memory(_opened[0].memory_before, _resident("VmRSS"), _resident("VmHWM"))


def _resident(name: str) -> int:
    """Bytes, by the kernel's count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * _KIB if found else 0
