"""Searches memory, files and traffic for many known byte strings at once, as oversight does.

Only what lies in one piece is found: not a value that was split, compressed, encrypted or otherwise computed on.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from blindwatch.oversight.scan.anchors import Anchors
from blindwatch.oversight.scan.images import IMAGES
from blindwatch.oversight.scan.needles import LONGEST, SHORTEST, Needle, is_telling, needles
from blindwatch.oversight.scan.search import Search as Sift

__all__ = ["SHORTEST", "Needle", "is_telling", "needles"]

CHUNK: Final = 4 << 20
OVERLAP: Final = LONGEST
"""How far a chunk goes into the next one, so that nothing is cut; no needle is longer."""

_IMAGES: Final = Anchors(IMAGES)


def images(data: bytes | bytearray) -> int:
    """How many images begin in some bytes: their pixels are compressed, so only beginnings can be looked for."""
    return sum(1 for _ in _IMAGES.find(bytes(data)))


def files(folder: Path) -> list[Path]:
    """All files in a folder and in those within it."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


Chunk = bytes  # a method of the class below has the name of the type


class Search(Sift):
    """Looks for many needles in one pass, and tells what they are."""

    def bytes(self, data: bytes) -> set[str]:
        """What is found in some bytes."""
        return {needle.what for needle, _ in self.find(data)}

    def chunks(self, chunks: Iterable[Chunk]) -> set[str]:
        """What is found in any of several chunks."""
        return set[str]().union(*map(self.bytes, chunks))

    def whole(self, data: Chunk | bytearray) -> set[str]:
        """What is found in bytes of any length."""
        view = memoryview(data)
        return self.chunks(bytes(view[at : at + CHUNK + OVERLAP]) for at in range(0, len(data), CHUNK))

    def folder(self, folder: Path) -> set[str]:
        """What is found in the files of a folder."""
        return {f"{what}, in {path.name}" for path in files(folder) for what in self.whole(path.read_bytes())}
