"""Watchlists in the form that workers compute with: made from verified blobs, anew at each start."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from blindwatch.store.destroying import remove_folder


class Prepared:
    """A folder for each watchlist of each deployment; workers fill it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)

    def path(self, deployment: str, handle: str) -> Path:
        """Where a watchlist is, or would be."""
        parent = self._folder / deployment
        parent.mkdir(mode=0o700, exist_ok=True)
        return parent / handle

    def keep_only(self, deployment: str, handle: str) -> None:
        """Delete every other watchlist of the deployment; workers that still compute with one keep it until then."""
        for path in (self._folder / deployment).iterdir():
            if path.is_dir() and path.name != handle:
                shutil.rmtree(path, ignore_errors=True)

    def drop(self, deployment: str) -> None:
        """Delete every list of the deployment; raises NotDestroyed."""
        remove_folder(self._folder / deployment)

    def size(self, deployment: str) -> tuple[int, int]:
        """How many files there are of the deployment's lists, and of how many bytes."""
        sizes = []
        for parent, _, names in os.walk(self._folder / deployment):
            for name in names:
                with suppress(FileNotFoundError):  # a worker may be preparing one
                    sizes.append((Path(parent) / name).stat().st_size)
        return len(sizes), sum(sizes)
