"""Files, folders and swap, byte by byte: databases with their journals and free pages included."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from blindwatch.errors import ConfigurationError
from blindwatch.oversight.scan.hits import Place
from blindwatch.oversight.scan.stream import CHUNK, Scanner
from blindwatch.oversight.scan.traffic import capture_of

Advance = Callable[[int], None]
"""Told how many bytes were searched since it was told last."""

_SWAPS: Final = Path("/proc/swaps")


def tree(root: Path, scanner: Scanner) -> Iterator[Path]:
    """A file or device, or all files below a folder; raises ConfigurationError if there is nothing.

    Links are not followed: what they lead to is another place.
    """
    try:
        mode = root.stat().st_mode
    except OSError as error:
        raise ConfigurationError(f"A place to search cannot be opened ({error.strerror}).") from None
    if not stat.S_ISDIR(mode):
        yield root
        return

    def cannot(error: OSError) -> None:
        scanner.findings.leave(name_of(Path(error.filename)), f"it cannot be opened ({error.strerror})")

    for folder, folders, names in os.walk(root, onerror=cannot):
        folders.sort()
        for name in sorted([*names, *(each for each in folders if Path(folder, each).is_symlink())]):
            path = Path(folder, name)
            if path.is_symlink():
                scanner.findings.leave(name_of(path), "it is a link to another place")
            elif path.is_file():
                yield path
            elif path.exists():
                scanner.findings.leave(name_of(path), "it is no file")


def name_of(path: Path) -> str:
    """A path as text that can be written, whatever bytes it has."""
    return os.fsencode(path).decode(errors="backslashreplace")


def size_of(path: Path) -> int:
    """Bytes of a file, as far as it says; zero if it does not."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def scan_file(path: Path, scanner: Scanner, advance: Advance, name: str = "") -> int:
    """Search a file from its first byte to its last one, and return how many there were."""
    place = Place(name or name_of(path))
    stream, capture, count = scanner.stream(place), None, 0
    try:
        with path.open("rb", buffering=0) as file:
            while data := file.read(CHUNK):
                if count == 0:
                    capture = capture_of(data, scanner, place)
                stream.feed(data)
                if capture is not None:
                    capture.feed(data)
                count += len(data)
                advance(len(data))
    except OSError as error:
        scanner.findings.leave(place.name, f"it cannot be read ({error.strerror})")
    stream.close()
    if capture is not None:
        capture.close()
    return count


def swaps(scanner: Scanner) -> list[Path]:
    """Where memory may have been swapped out to; notes if there is no such place, or none that is known."""
    try:
        lines = _SWAPS.read_text().splitlines()[1:]
    except OSError:
        scanner.findings.leave("swap", "this system does not say where it is")
        return []
    if not lines:
        scanner.findings.leave("swap", "this system has none in use")
    return [Path(line.split()[0].encode().decode("unicode_escape")) for line in lines]
