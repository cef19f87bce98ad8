"""Encrypted probes that were drawn for replay."""

from __future__ import annotations

import os
from pathlib import Path

from blindwatch.errors import NotFound
from blindwatch.store.destroying import remove_folder

_PARTIAL = "."


class Keeping:
    """The probes that were drawn, in a folder for each deployment, as their cameras signed and sent them.

    Who deletes one hides it from replay, which the log gives away; who reads one has what the server had before.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, deployment: str, probe_id: str, body: bytes) -> None:
        """Keep a probe; the file appears whole or not at all."""
        target = self._path(deployment, probe_id)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_name(f"{_PARTIAL}{probe_id}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)

    def held(self, deployment: str) -> list[str]:
        """The probes that are kept."""
        folder = self._folder / deployment
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(name for name in names if not name.startswith(_PARTIAL))

    def read(self, deployment: str, probe_id: str) -> bytes:
        """A probe that is kept; raises NotFound."""
        try:
            return self._path(deployment, probe_id).read_bytes()
        except OSError:
            raise NotFound("No probe of this identifier is kept.") from None

    def drop(self, deployment: str) -> int:
        """Delete the probes of a deployment and return how many there were; raises NotDestroyed."""
        count = len(self.held(deployment))
        remove_folder(self._folder / deployment)
        return count

    def _path(self, deployment: str, probe_id: str) -> Path:
        return self._folder / deployment / probe_id
