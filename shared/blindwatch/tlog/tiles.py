"""Tiles and bundles: a log as static files, after C2SP tlog-tiles v0.1.0.

A tile holds up to 256 hashes in a row of every eighth level of the tree; a bundle holds the entries under a tile of
the lowest level, each after its length in two bytes. Those at the right edge are partial, and named by their width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from blindwatch.errors import MalformedLog, TooLarge
from blindwatch.tlog.encoding import HASH_BYTES

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
CHECKPOINT: Final = "checkpoint"


@dataclass(frozen=True)
class Tile:
    """The place of a tile: its level, which is eight of the tree, its index there, and its width in hashes."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path of the hashes, relative to the log."""
        return f"tile/{self.level}/{self._name}"

    @property
    def entries_path(self) -> str:
        """The path of the bundle of entries under a tile of level 0."""
        return f"tile/entries/{self._name}"

    @property
    def full(self) -> Tile:
        """The tile that this one is, or will become."""
        return replace(self, width=WIDTH)

    @property
    def covers(self) -> tuple[int, int]:
        """The indices of the first and the last entry under the tile."""
        below = 1 << (HEIGHT * self.level)
        return self.index * WIDTH * below, (self.index * WIDTH + self.width) * below - 1

    @property
    def _name(self) -> str:
        rest, last = divmod(self.index, 1000)
        name = f"{last:03}"
        while rest:
            rest, last = divmod(rest, 1000)
            name = f"x{last:03}/{name}"
        return name if self.width == WIDTH else f"{name}.p/{self.width}"


def tile_at(level: int, index: int, size: int) -> Tile:
    """A tile as wide as it is in the tree of a size; raises MalformedLog if that has nothing there."""
    width = min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH)
    if index < 0 or width <= 0:
        raise MalformedLog("The tree does not have the tile.")
    return Tile(level, index, width)


def split_tile(data: bytes) -> list[bytes]:
    """The hashes of a tile, whose length is known to be right."""
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]


def join_bundle(entries: Iterable[bytes]) -> bytes:
    """The bundle of entries; raises TooLarge."""
    try:
        return b"".join([len(entry).to_bytes(2) + entry for entry in entries])
    except OverflowError:
        raise TooLarge("An entry of the log is over its byte limit.") from None


def split_bundle(data: bytes) -> Iterator[bytes]:
    """The entries of a bundle, one after the other; raises MalformedLog where it breaks off."""
    start = 0
    while start < len(data):
        end = start + 2 + int.from_bytes(data[start : start + 2])
        if end > len(data) or start + 2 > len(data):
            raise MalformedLog("The bundle breaks off within an entry.")
        yield data[start + 2 : end]
        start = end
