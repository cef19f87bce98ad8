"""Where the files of a log come from: a folder, or whatever else can fetch a path."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from blindwatch.errors import LogCorrupt, LogMissing, MalformedLog
from blindwatch.tlog import merkle
from blindwatch.tlog.encoding import HASH_BYTES
from blindwatch.tlog.tiles import HEIGHT, WIDTH, Tile, split_tile, tile_at
from blindwatch.wire import limits

# Enough for the path of a leaf, the edges of two trees, and neighbours that are asked for soon after.
_KEPT: Final = 64


class Fetch(Protocol):
    """A source of the files of a log."""

    def __call__(self, path: str, limit: int) -> bytes:
        """The file at a path below the log.

        Raises LogMissing if there is none, and MalformedLog if it has more bytes than the limit.
        """


def from_folder(folder: Path) -> Fetch:
    """Fetch from a folder of static files."""

    def fetch(path: str, limit: int) -> bytes:
        try:
            with (folder / path).open("rb") as file:
                data = file.read(limit + 1)
        except OSError:
            raise LogMissing(f"The log has no file {path}.") from None
        if len(data) > limit:
            raise MalformedLog(f"The file {path} of the log is over its byte limit.")
        return data

    return fetch


def fetch_bundle(fetch: Fetch, tile: Tile) -> tuple[bytes, int]:
    """The bundle under a tile and how many entries have to be in it; if the log has grown, more than the tile has."""
    try:
        return fetch(tile.entries_path, limits.LOG_BUNDLE), tile.width
    except LogMissing:
        # A partial file may be gone once the full one is there.
        if tile == tile.full:
            raise
        return fetch(tile.full.entries_path, limits.LOG_BUNDLE), WIDTH


def fetch_tile(fetch: Fetch, tile: Tile) -> list[bytes]:
    """The hashes of a tile; raises LogMissing, or LogCorrupt if it has not as many as it should."""
    try:
        data, width = fetch(tile.path, limits.LOG_TILE), tile.width
    except LogMissing:
        if tile == tile.full:
            raise
        data, width = fetch(tile.full.path, limits.LOG_TILE), WIDTH
    if len(data) != width * HASH_BYTES:
        first, last = tile.covers
        raise LogCorrupt(f"The tile {tile.path} is not as wide as its place.", "", first, last)
    return split_tile(data)[: tile.width]


class Tiles:
    """The hashes of the tree of one size. What they are worth shows only when they lead to a signed root."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self.size = size
        self.row = lru_cache(_KEPT)(
            lambda level, index: tuple(fetch_tile(fetch, tile_at(level, index, size)))
        )

    def node(self, level: int, index: int) -> bytes:
        """The hash of the node at (level, index) of the tree."""
        above, within = divmod(level, HEIGHT)
        first = index << within
        start = first % (1 << HEIGHT)
        return merkle.root_of(self.row(above, first >> HEIGHT)[start : start + (1 << within)])
