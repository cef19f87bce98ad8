"""Paths of tiles, bundles, and the edge of a growing tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import LogCorrupt, LogMissing, MalformedLog, TooLarge
from blindwatch.tlog import merkle
from blindwatch.tlog.edge import Edge
from blindwatch.tlog.fetching import Tiles
from blindwatch.tlog.tiles import Tile, join_bundle, split_bundle, tile_at
from blindwatch.wire import limits

from .logs import from_memory, naive_root, numbered

LARGE = 70_000


@pytest.fixture(scope="module")
def large() -> dict[str, bytes]:
    """The tiles of a tree of 70,000 leaves, by path."""
    edge = Edge()
    filled = edge.extend(merkle.leaf_hash(entry) for entry in numbered(LARGE))
    return {tile.path: b"".join(hashes) for tile, hashes in filled + edge.partial()}


@pytest.mark.parametrize(
    ("tile", "path", "entries"),
    [
        (Tile(0, 0), "tile/0/000", "tile/entries/000"),
        (Tile(0, 999), "tile/0/999", "tile/entries/999"),
        (Tile(0, 1000), "tile/0/x001/000", "tile/entries/x001/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067", "tile/entries/x001/x234/067"),
        (Tile(0, 1234067, 8), "tile/0/x001/x234/067.p/8", "tile/entries/x001/x234/067.p/8"),
    ],
)
def test_paths(tile: Tile, path: str, entries: str) -> None:
    assert (tile.path, tile.entries_path) == (path, entries)


def test_the_tiles_of_a_tree_of_70_000(large: dict[str, bytes]) -> None:
    # The example of the specification.
    full = [path for path in large if ".p/" not in path]
    assert [sum(path.startswith(f"tile/{level}/") for path in full) for level in range(3)] == [273, 1, 0]
    partial = {path: len(data) // 32 for path, data in large.items() if ".p/" in path}
    assert partial == {"tile/0/273.p/112": 112, "tile/1/001.p/17": 17, "tile/2/000.p/1": 1}


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 65_535, 65_536, 65_537, LARGE])
def test_an_edge_is_the_same_however_it_came_about(large: dict[str, bytes], size: int) -> None:
    entries = numbered(size)
    grown = Edge()
    for start in range(0, size, 9_999):
        grown.extend(merkle.leaf_hash(entry) for entry in entries[start : start + 9_999])
    tiles = Tiles(from_memory(large), LARGE)
    assert Edge.load(tiles, size) == Edge.rebuild(tiles, size, entries[size // 256 * 256 :]) == grown
    assert grown.size == size
    assert grown.root() == naive_root(entries) == merkle.tree_root(tiles.node, size)


@given(st.lists(st.integers(0, 300), max_size=6))
def test_an_edge_knows_the_root_after_each_batch(batches: list[int]) -> None:
    edge, entries = Edge(), list[bytes]()
    for count in batches:
        batch = numbered(count, len(entries))
        entries += batch
        before = edge.copy()
        edge.extend(merkle.leaf_hash(entry) for entry in batch)
        assert (edge.size, edge.root()) == (len(entries), naive_root(entries))
        assert before.size == len(entries) - count


def test_proofs_over_tiles(large: dict[str, bytes]) -> None:
    asked: list[str] = []
    tiles = Tiles(from_memory(large, asked.append), LARGE)
    root = merkle.tree_root(tiles.node, LARGE)
    for index in (0, 255, 256, 65_535, 65_536, LARGE - 1):
        leaf = merkle.leaf_hash(numbered(1, index)[0])
        merkle.verify_inclusion(index, LARGE, leaf, merkle.prove_inclusion(tiles.node, index, LARGE), root)
    assert len(asked) == len(set(asked)) < 12
    for old in (1, 256, 300, 65_536, 65_537, LARGE):
        proof = merkle.prove_consistency(tiles.node, old, LARGE)
        merkle.verify_consistency(old, merkle.tree_root(tiles.node, old), LARGE, root, proof)


def test_a_full_tile_stands_in_for_a_partial_one(large: dict[str, bytes]) -> None:
    old = Tiles(from_memory(large), 300)
    assert old.row(0, 1) == Tiles(from_memory(large), LARGE).row(0, 1)[:44]
    with pytest.raises(LogMissing):
        Tiles(from_memory({}), 300).row(0, 0)


@pytest.mark.parametrize("width", [0, 1, 111, 113, 256])
def test_a_tile_of_another_width(large: dict[str, bytes], width: int) -> None:
    wrong = large | {"tile/0/273.p/112": bytes(32 * width)}
    with pytest.raises(LogCorrupt) as caught:
        Tiles(from_memory(wrong), LARGE).row(0, 273)
    assert (caught.value.first, caught.value.last) == (273 * 256, LARGE - 1)


def test_no_tile_outside_the_tree() -> None:
    assert tile_at(0, 1, 300) == Tile(0, 1, 44)
    assert tile_at(1, 0, 300) == Tile(1, 0, 1)
    for level, index in ((0, 2), (0, -1), (1, 1), (2, 0)):
        with pytest.raises(MalformedLog):
            tile_at(level, index, 300)


@given(st.lists(st.binary(max_size=300), max_size=20), st.data())
def test_bundles(entries: list[bytes], data: st.DataObject) -> None:
    bundle = join_bundle(entries)
    assert list(split_bundle(bundle)) == entries
    cut = data.draw(st.integers(0, len(bundle)))
    try:
        kept = list(split_bundle(bundle[:cut]))
    except MalformedLog:
        pass
    else:
        assert kept == entries[: len(kept)]
        assert cut == len(join_bundle(kept))


def test_the_longest_entry() -> None:
    longest = bytes(limits.LOG_ENTRY)
    assert list(split_bundle(join_bundle([longest]))) == [longest]
    with pytest.raises(TooLarge):
        join_bundle([longest + b"."])
