"""Bringing model files onto this machine: nothing lands under its name before its digest was checked."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx

from blindwatch.errors import DownloadFailed, InputError, ModelCorrupt
from blindwatch.vision.catalogue import MAX_MODEL_BYTES, Model
from blindwatch.vision.registry import Registry, advice

TIMEOUT_SECONDS = 30.0
CHUNK = 64 * 1024


def pull(
    model: Model,
    directory: Path,
    address: str | None = None,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> Path:
    """Download a model into a directory, from its registered address or a mirror's.

    `progress` is told the size of every piece. Raises `DownloadFailed` if the transfer breaks off, and
    `ModelCorrupt` if what came is not the registered file; neither leaves anything behind.
    """
    address = address or model.download
    if address is None:
        raise DownloadFailed(f"The model '{model.name}' has no download address.", advice(model))
    try:
        with httpx.stream("GET", address, follow_redirects=True, timeout=TIMEOUT_SECONDS) as response:
            response.raise_for_status()
            return _store(model, directory, response.iter_bytes(CHUNK), progress)
    except httpx.HTTPStatusError as error:
        raise DownloadFailed(
            f"The download of '{model.name}' was answered with status {error.response.status_code}.",
            "Name a mirror with --from, or import the file with: blindwatch models import PATH",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DownloadFailed(
            f"The download of '{model.name}' did not succeed ({type(error).__name__}).",
            "Check the network, name a mirror with --from, or import the file: blindwatch models import PATH",
        ) from error


def import_file(registry: Registry, path: Path) -> Model:
    """Copy a file into the first searched directory under the name of the model whose digest it has."""
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise ModelCorrupt("The file is larger than any model may be.")
        data = path.read_bytes()
    except OSError as error:
        raise InputError("The model file cannot be opened.", "Check the path.") from error
    digest = hashlib.sha256(data).hexdigest()
    model = next((model for model in registry.models if model.sha256 == digest), None)
    if model is None:
        raise ModelCorrupt("The file has the digest of no registered model.", "See: blindwatch models list")
    _store(model, registry.install_directory, [data], lambda _: None)
    return model


def _store(model: Model, directory: Path, pieces: Iterable[bytes], progress: Callable[[int], None]) -> Path:
    """Write pieces to a temporary file beside the target, check them, and move the file into place."""
    target = directory / model.file
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory, prefix=".partial-", delete=False) as file:
            try:
                _write_checked(model, file.write, pieces, progress)
                file.close()
                # Temporary files are private, but the service that loads the model may be another user.
                Path(file.name).chmod(0o644)
                Path(file.name).replace(target)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise DownloadFailed("The model cannot be written to the models directory.") from error
    return target


def _write_checked(
    model: Model,
    write: Callable[[bytes], object],
    pieces: Iterable[bytes],
    progress: Callable[[int], None],
) -> None:
    digest = hashlib.sha256()
    received = 0
    for piece in pieces:
        received += len(piece)
        if received > model.size:
            raise ModelCorrupt(f"The file is longer than the registered model '{model.name}'.")
        digest.update(piece)
        write(piece)
        progress(len(piece))
    if received < model.size:
        raise ModelCorrupt(f"The file is shorter than the registered model '{model.name}'.")
    if digest.hexdigest() != model.sha256:
        raise ModelCorrupt(f"The file does not have the registered digest of '{model.name}'.")
