"""The memory of other processes, as Linux shows it to whoever may trace them."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .search import CHUNK, OVERLAP

_REGION: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+\s*(.*)")
_OF_THE_KERNEL: Final = ("[vvar", "[vsyscall]")
_MOST: Final = 8 << 30
"""So many bytes are searched in bounded time."""


def can_read(pid: int) -> bool:
    """Whether this system lets us see the memory of a process that we started."""
    try:
        next(chunks(pid))
    except OSError:
        return False
    return True


def chunks(pid: int, overlap: int = OVERLAP) -> Iterator[bytes]:
    """Everything that the process itself can read, region by region, in chunks that overlap by so many bytes."""
    regions = list(_regions(pid))
    if sum(end - start for start, end in regions) > _MOST:
        raise MemoryError("the process has too much memory to search")
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for start, end in regions:
            for at in range(start, end, CHUNK):
                yield os.pread(memory.fileno(), min(CHUNK + overlap, end - at), at)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that have not ended."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Let processes stand still."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _regions(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        region = _REGION.match(line)
        if region and not region[3].startswith(_OF_THE_KERNEL):
            yield int(region[1], 16), int(region[2], 16)
