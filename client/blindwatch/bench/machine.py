"""The machine that is measured on: what it is, and reading its memory as fast as it goes."""

from __future__ import annotations

import platform
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blindwatch.bench.scale import available_cores

Words = NDArray[np.uint64]

_KIB: Final = 1 << 10
_GIB: Final = 1 << 30
_LIBRARIES: Final = ("numpy", "numba", "tenseal")


def describe() -> dict[str, str]:
    """What a reader must know to compare figures; no name of the machine or of its owner."""
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)
    processor = _first("/proc/cpuinfo", r"^model name\s*:\s*(.+)$", "unknown")
    memory = _first("/proc/meminfo", r"^MemTotal:\s*(\d+) kB$", "0")
    return {
        "Processor": f"{processor}, {available_cores()} cores used",
        "Memory": f"{int(memory) * _KIB / _GIB:.0f} GiB",
        "System": f"{platform.system()} on {platform.machine()}",
        "Software": f"Python {platform.python_version()}, {libraries}",
        "Measured": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def read(memory: Words, cores: int) -> int:
    """Read memory once, in order, on this many threads of which each takes its share; the sum of all words."""
    with ThreadPoolExecutor(cores) as pool:
        return sum(int(total) for total in pool.map(_sum, np.array_split(memory, cores)))


@njit(nogil=True)
def _sum(words: Words) -> np.uint64:
    total = np.uint64(0)
    for word in words:
        total += word
    return total


def _first(path: str, pattern: str, otherwise: str) -> str:
    found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else otherwise
