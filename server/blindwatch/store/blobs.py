"""Files named by the SHA-256 of their content, in one folder for each deployment."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Final

from blindwatch.errors import MissingBlob
from blindwatch.store.destroying import remove_folder

_PARTIAL: Final = "."


class Blobs:
    """Evaluation bundles and watchlist ciphertexts. A file appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, deployment: str, digest: str) -> Path:
        """Where the blob of this digest is, or would be."""
        return self._folder / deployment / digest

    def put(self, deployment: str, data: bytes) -> str:
        """Keep a blob and return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(deployment, digest)
        if target.exists():
            return digest
        target.parent.mkdir(mode=0o700, exist_ok=True)
        partial = target.with_name(f"{_PARTIAL}{digest}.{secrets.token_hex(4)}")
        try:
            _write(partial, data)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return digest

    def require(self, deployment: str, digest: str) -> Path:
        """The path of a blob that must be there."""
        path = self.path(deployment, digest)
        if not path.is_file():
            raise MissingBlob(hint="Upload every ciphertext of the watchlist before its manifest.")
        return path

    def held(self, deployment: str) -> list[Path]:
        """All blobs of the deployment."""
        folder = self._folder / deployment
        return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []

    def drop(self, deployment: str) -> None:
        """Delete everything of the deployment; raises NotDestroyed."""
        remove_folder(self._folder / deployment)

    def keep_deployments(self, names: Collection[str]) -> None:
        """Delete what a server that was killed has left: of deployments that never opened, and half of files."""
        for folder in list(self._folder.iterdir()):
            if folder.name not in names:
                remove_folder(folder)
                continue
            for path in folder.glob(f"{_PARTIAL}*"):
                path.unlink()

    def keep_only(self, deployment: str, digests: frozenset[str]) -> None:
        """Delete every other blob of the deployment."""
        for path in (self._folder / deployment).iterdir():
            if path.name not in digests:
                path.unlink(missing_ok=True)


def read_verified(path: Path) -> bytes:
    """The content of a blob, which must still have the digest that names it."""
    try:
        data = path.read_bytes()
    except OSError:
        raise MissingBlob("A blob of the watchlist is gone from the store.") from None
    if hashlib.sha256(data).hexdigest() != path.name:
        raise MissingBlob("A blob in the store is not the one that was uploaded.")
    return data


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
