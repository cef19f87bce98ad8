"""The right edge of a growing tree: what has to be known of the past to append, and to know the root."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from blindwatch.tlog import merkle
from blindwatch.tlog.fetching import Tiles
from blindwatch.tlog.tiles import HEIGHT, WIDTH, Tile

Filled = tuple[Tile, list[bytes]]
"""A tile and its hashes."""


@dataclass
class Edge:
    """The hashes in the partial tile of each level, from the leaves up, and how many full tiles stand before it."""

    rows: list[list[bytes]] = field(default_factory=lambda: [[]])
    full: list[int] = field(default_factory=lambda: [0])

    @classmethod
    def load(cls, tiles: Tiles, size: int) -> Self:
        """The edge of the tree of a size, from the tiles of the same tree or of a larger one."""
        places = _places(size)
        rows = [
            list(tiles.row(level, index)[:width]) if width else []
            for level, (index, width) in enumerate(places)
        ]
        return cls(rows, [index for index, _ in places])

    @classmethod
    def rebuild(cls, tiles: Tiles, size: int, tail: Iterable[bytes]) -> Self:
        """The same from full tiles alone, and from the entries that are under no full tile."""
        places = _places(size)
        rows = [
            [merkle.root_of(tiles.row(level - 1, index * WIDTH + place)) for place in range(width)]
            for level, (index, width) in enumerate(places)
            if level
        ]
        return cls([[merkle.leaf_hash(entry) for entry in tail], *rows], [index for index, _ in places])

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self.full[0] * WIDTH + len(self.rows[0])

    def copy(self) -> Edge:
        """An edge that grows by itself."""
        return Edge([list(row) for row in self.rows], list(self.full))

    def extend(self, leaves: Iterable[bytes]) -> list[Filled]:
        """Append leaf hashes; returns the tiles that became full, each after those that it is made from."""
        filled: list[Filled] = []
        self._add(0, list(leaves), filled)
        return filled

    def partial(self) -> list[Filled]:
        """The tiles that are partial now."""
        return [
            (Tile(level, self.full[level], len(row)), list(row)) for level, row in enumerate(self.rows) if row
        ]

    def root(self) -> bytes:
        """The root of the tree."""
        below: list[bytes] = []
        for row in self.rows:
            if row or below:
                below = [merkle.root_of([*row, *below])]
        return merkle.root_of(below)

    def _add(self, level: int, nodes: list[bytes], filled: list[Filled]) -> None:
        if level == len(self.rows):
            self.rows.append([])
            self.full.append(0)
        row = self.rows[level] + nodes
        rows = [row[start : start + WIDTH] for start in range(0, len(row) - WIDTH + 1, WIDTH)]
        filled += [(Tile(level, self.full[level] + place), each) for place, each in enumerate(rows)]
        self.rows[level] = row[len(rows) * WIDTH :]
        self.full[level] += len(rows)
        if rows:
            self._add(level + 1, [merkle.root_of(each) for each in rows], filled)


def _places(size: int) -> list[tuple[int, int]]:
    """For each level: the index of its partial tile, and how many hashes are in it, maybe none."""
    levels = max(1, -(-size.bit_length() // HEIGHT))
    return [divmod(size >> (HEIGHT * level), WIDTH) for level in range(levels)]
