"""Writing the static files of a log, so that what readers may rely on is always there in whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from blindwatch.cli.files import settle
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.edge import Edge, Filled
from blindwatch.tlog.tiles import CHECKPOINT, Tile, join_bundle

_NEXT: Final = ".checkpoint.next"

Bundle = tuple[Tile, Sequence[bytes]]
"""A tile of level 0 and the entries under it."""


class Site:
    """The folder that is served. All methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, tiles: Iterable[Filled], bundles: Iterable[Bundle]) -> None:
        """Write full tiles and bundles, and make them durable with the names of their folders."""
        files = [(tile.path, b"".join(hashes)) for tile, hashes in tiles]
        files += [(tile.entries_path, join_bundle(entries)) for tile, entries in bundles]
        folders: set[Path] = set()
        for path, data in files:
            folders |= self._make_parent(path)
            _write(self.folder / path, data, durable=True)
        for folder in folders:
            settle(folder)

    def show(self, tiles: Iterable[Filled], bundle: Bundle, signed: SignedCheckpoint) -> None:
        """Write partial tiles and the partial bundle, and then the checkpoint that they belong to.

        They need not be durable: all of it can be made again from the head.
        """
        tile, entries = bundle
        files = [(each.path, b"".join(hashes)) for each, hashes in tiles]
        if entries:
            files.append((tile.entries_path, join_bundle(entries)))
        for path, data in files:
            self._make_parent(path)
            _complete(self.folder / path, data)
        self.folder.mkdir(exist_ok=True)
        _write(self.folder / _NEXT, signed.to_bytes(), durable=False)
        (self.folder / _NEXT).replace(self.folder / CHECKPOINT)

    def drop_partial(self, tiles: Iterable[Filled]) -> None:
        """Remove what was partial of tiles that are full now."""
        for tile, _ in tiles:
            for path in _paths(tile):
                _remove_folder(self.folder / f"{path}.p")

    def restore_edge(self, edge: Edge, tail: Sequence[bytes]) -> None:
        """Remove what a crash left beyond the head, and write each width that a checkpoint may have had before."""
        for level, index in enumerate(edge.full):
            self._clear_from(level, index)
        self._clear_from(len(edge.full), 0)
        for tile, hashes in edge.partial():
            for width in range(1, tile.width + 1):
                narrow = Tile(tile.level, tile.index, width)
                self._make_parent(narrow.path)
                _write(self.folder / narrow.path, b"".join(hashes[:width]), durable=False)
        for width in range(1, len(tail) + 1):
            path = Tile(0, edge.full[0], width).entries_path
            self._make_parent(path)
            _write(self.folder / path, join_bundle(tail[:width]), durable=False)

    def _clear_from(self, level: int, index: int) -> None:
        while sum(self._clear(path) for path in _paths(Tile(level, index))):
            index += 1

    def _clear(self, path: str) -> bool:
        full, partial = self.folder / path, self.folder / f"{path}.p"
        found = full.exists() or partial.exists()
        full.unlink(missing_ok=True)
        _remove_folder(partial)
        return found

    def _make_parent(self, path: str) -> set[Path]:
        """Make the folder of a file; returns the folders in which a name is new."""
        folder = (self.folder / path).parent
        changed = {folder}
        while not folder.exists():
            folder = folder.parent
            changed.add(folder)
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        return changed


def _paths(tile: Tile) -> list[str]:
    return [tile.path, tile.entries_path] if tile.level == 0 else [tile.path]


def _write(path: Path, data: bytes, *, durable: bool) -> None:
    with path.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _complete(path: Path, data: bytes) -> None:
    """Write a file unless it is there in whole: a checkpoint that readers have may stand on it already."""
    if not path.exists() or path.read_bytes() != data:
        _write(path, data, durable=False)


def _remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
