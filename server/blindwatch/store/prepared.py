"""Watchlists in the form that workers compute with: made from verified blobs, anew at each start."""

from __future__ import annotations

import shutil
from pathlib import Path


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
        """Delete every list of the deployment."""
        shutil.rmtree(self._folder / deployment, ignore_errors=True)
