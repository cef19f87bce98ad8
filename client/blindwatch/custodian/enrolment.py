"""Enrolment: photographs of people become templates, and templates become ciphertexts.

Photographs, embeddings and templates stay in memory; what is written is encrypted, but for the names that the
custodian and the operator share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, EmptyWatchlist, ImageError
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.presets import Thresholds
from blindwatch.he.templates import Templates
from blindwatch.vision.pipeline import Face, FacePipeline

MANIFEST: Final = "manifest.json"
ENTRIES: Final = "entries.json"
BLOBS: Final = "blobs"
PHOTOGRAPHS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
_EXPECTED: Final = f"Expected: FOLDER/NAME with a photograph ({', '.join(sorted(PHOTOGRAPHS))})"


@dataclass(frozen=True)
class Person:
    """Somebody to enrol: the name of a folder, and the first photograph in it."""

    name: str
    photograph: Path


@dataclass(frozen=True)
class Terms:
    """What a watchlist is made for."""

    key: EncryptionKey
    model_digest: str
    thresholds: Thresholds


def people(folder: Path) -> list[Person]:
    """Everybody with a folder of photographs, by name; nobody is left out without a word."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise EmptyWatchlist("No folder with photographs was found.", _EXPECTED)
    return [Person(_name(each), _first_photograph(each)) for each in folders]


def _name(folder: Path) -> str:
    try:
        folder.name.encode()
    except UnicodeEncodeError:
        raise ConfigurationError("The name of a folder is not text in UTF-8.", "Rename the folder.") from None
    return folder.name


def _first_photograph(folder: Path) -> Path:
    photographs = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTOGRAPHS)
    if not photographs:
        raise ConfigurationError(f"{folder.name}: The folder has no photograph.", _EXPECTED)
    return photographs[0]


def central_face(person: Person, pipeline: FacePipeline) -> Face:
    """The most central face in the person's photograph."""
    try:
        return pipeline.faces(person.photograph)[0]
    except ImageError as error:
        # The custodian must know which photograph it is, and knows the names anyway.
        raise type(error)(f"{person.name}: {error.detail}", error.hint) from None


def write_watchlist(folder: Path, terms: Terms, names: list[str], templates: Templates) -> Iterator[None]:
    """Encrypt templates into a new folder; yields after every ciphertext that is written."""
    preset = terms.key.preset
    if not names:
        raise EmptyWatchlist
    preset.check_threshold(terms.thresholds.gate)
    files.make_folder(folder, "watchlist")
    (folder / BLOBS).mkdir(mode=0o700)
    blocks: list[list[str]] = []
    for block in Encryptor(terms.key).watchlist(templates):
        blocks.append([])
        for part in block:
            digest = hashlib.sha256(part).hexdigest()
            files.write_private(folder / BLOBS / digest, part, "watchlist")
            blocks[-1].append(digest)
            yield
    common = {
        "preset": preset.name,
        "keyId": terms.key.key_id,
        "modelDigest": terms.model_digest,
    }
    for_server = {"threshold": terms.thresholds.gate, "entries": len(names), "blocks": blocks}
    for_operator = {"fineThreshold": terms.thresholds.fine, "entries": names}
    files.write_json(folder / MANIFEST, {**common, **for_server}, "watchlist")
    files.write_json(folder / ENTRIES, {**common, **for_operator}, "names of the entries")


def read_manifest(folder: Path) -> dict[str, object]:
    """What `write_watchlist` noted."""
    manifest: dict[str, object] = files.read_json(folder / MANIFEST, "manifest of the watchlist")
    match manifest:
        case {
            "preset": str(),
            "keyId": str(),
            "modelDigest": str(),
            "threshold": int(),
            "entries": int(),
            "blocks": list(),
        }:
            return manifest
    raise ConfigurationError("The manifest of the watchlist does not have its fields.")
