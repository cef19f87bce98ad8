"""Photographs in a folder, and those that come into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Final

LOOK_SECONDS: Final = 0.5


def photographs(folder: Path) -> list[Path]:
    """The files that are there, by name."""
    return sorted(path for path in folder.iterdir() if path.is_file())


def arriving(folder: Path, stop: Event) -> Iterator[Path | None]:
    """Every file that comes into the folder, once it has stopped to grow, until somebody stops it.

    None says that there was none for a while. Files that are there at first are not looked at: nobody knows when they
    were made.
    """
    seen = set(photographs(folder))
    growing: dict[Path, int] = {}
    while not stop.is_set():
        sizes = {path: path.stat().st_size for path in photographs(folder) if path not in seen}
        ready = [path for path, size in sizes.items() if size > 0 and growing.get(path) == size]
        seen.update(ready)
        growing = sizes
        yield from ready
        yield None
        stop.wait(LOOK_SECONDS)
