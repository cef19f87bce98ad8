"""The memory of other processes, as Linux shows it to whoever may trace them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from blindwatch.oversight.scan.memory import children, regions, stopped

from .search import CHUNK, OVERLAP

__all__ = ["children", "stopped"]

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
    found = regions(pid)
    if sum(each.end - each.start for each in found) > _MOST:
        raise MemoryError("the process has too much memory to search")
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for each in found:
            for at in range(each.start, each.end, CHUNK):
                yield os.pread(memory.fileno(), min(CHUNK + overlap, each.end - at), at)
