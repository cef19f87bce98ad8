"""Reading a log from one checkpoint to the next, or from the beginning, and computing its root from its entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from blindwatch.errors import LogCorrupt, MalformedLog
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.edge import Edge, Filled
from blindwatch.tlog.fetching import Fetch, Tiles, fetch_bundle, fetch_tile, from_folder
from blindwatch.tlog.keys import VerifierKey
from blindwatch.tlog.reading import LogView, read_checkpoint
from blindwatch.tlog.tiles import HEIGHT, WIDTH, split_bundle, tile_at

Each = Callable[[int, Sequence[bytes]], None]
"""Is given the entries of one bundle and the index of the first: for reading them, and for showing progress."""


def verify_whole(folder: Path, log: VerifierKey, each: Each) -> SignedCheckpoint:
    """Compute a log in a folder from its entries, against its checkpoint and all its tiles.

    Raises a LogError; LogCorrupt names the first entries that differ.
    """
    fetch = from_folder(folder)
    signed = read_checkpoint(fetch, log)
    follow(fetch, None, signed.checkpoint, each)
    return signed


def follow(fetch: Fetch, old: Checkpoint | None, new: Checkpoint, each: Each) -> None:
    """Read the entries between two verified checkpoints, the first of which may be the beginning.

    What `each` is given agrees with the tiles; that these are what was signed is known when this returns.
    Raises LogForked, LogRolledBack, LogCorrupt or LogMissing.
    """
    edge = Edge()
    if old is not None:
        LogView(fetch, new).check_extends(old)
        edge = Edge.load(Tiles(fetch, new.size), old.size)
    for index in range(edge.size // WIDTH, -(-new.size // WIDTH)):
        first = edge.size
        entries, leaves = _bundle(fetch, index, first % WIDTH, new.size)
        for filled in edge.extend(leaves):
            _check_tile(fetch, filled)
        each(first, entries)
    for filled in edge.partial():
        _check_tile(fetch, filled)
    if edge.root() != new.root:
        raise LogCorrupt(
            "Entries and tiles agree with each other, but not with the root that was signed.",
            "They were replaced together; a copy of the log shows which.",
            old.size if old else 0,
            max(0, new.size - 1),
        )


def _bundle(fetch: Fetch, index: int, skipped: int, size: int) -> tuple[list[bytes], list[bytes]]:
    """The entries of a bundle, without the first few, and their leaf hashes, which are those of the tile."""
    tile = tile_at(0, index, size)
    hashes = fetch_tile(fetch, tile)
    data, count = fetch_bundle(fetch, tile)
    entries = _whole_entries(data)
    leaves = [merkle.leaf_hash(entry) for entry in entries[: tile.width]]
    if leaves != hashes or len(entries) != count:
        _corrupt(index * WIDTH + _first_difference(leaves, hashes), 0)
    return entries[skipped : tile.width], leaves[skipped:]


def _whole_entries(data: bytes) -> list[bytes]:
    """The entries of a bundle; none stands for one that breaks off."""
    entries = []
    try:
        for entry in split_bundle(data):
            entries.append(entry)  # noqa: PERF402 - those before the break are wanted
    except MalformedLog:
        entries.append(b"")
    return entries


def _check_tile(fetch: Fetch, filled: Filled) -> None:
    """Compare a tile that was computed with the one that the log has."""
    tile, computed = filled
    found = fetch_tile(fetch, tile)
    if found != computed:
        place = tile.index * WIDTH + _first_difference(computed, found)
        _corrupt(place << (HEIGHT * tile.level), tile.level)


def _corrupt(first: int, level: int) -> None:
    last = first + (1 << (HEIGHT * level)) - 1
    which = f"Entry {first} is" if first == last else f"One of the entries {first} to {last} is"
    raise LogCorrupt(f"{which} not what the tree of the log has.", "", first, last)


def _first_difference(ours: Sequence[bytes], theirs: Sequence[bytes]) -> int:
    pairs = zip(ours, theirs, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(theirs)))
