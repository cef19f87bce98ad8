"""Enrolment for ranked search: the same folder as a watchlist, with one file for each block of 4,096 entries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blindwatch.cli import files
from blindwatch.custodian.enrolment import BLOBS, ENTRIES, MANIFEST
from blindwatch.errors import EmptyWatchlist
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.keys import RankKey

NO_THRESHOLD = 0


@dataclass(frozen=True)
class GalleryTerms:
    """What a gallery is made for."""

    key: RankKey
    model_digest: str


def write_gallery(
    folder: Path, terms: GalleryTerms, names: list[str], templates: NDArray[np.int64]
) -> Iterator[None]:
    """Encrypt templates (n, d) into a new folder; yields after every block, of which one is in memory at a time."""
    if not names:
        raise EmptyWatchlist
    files.make_folder(folder, "gallery")
    (folder / BLOBS).mkdir(mode=0o700)
    blocks: list[list[str]] = []
    for block in RankEncryptor(terms.key).gallery(templates):
        digest = hashlib.sha256(block).hexdigest()
        files.write_private(folder / BLOBS / digest, block, "gallery")
        blocks.append([digest])
        yield
    common = {
        "preset": terms.key.preset.name,
        "keyId": terms.key.key_id,
        "modelDigest": terms.model_digest,
    }
    for_server = {"threshold": NO_THRESHOLD, "entries": len(names), "blocks": blocks}
    files.write_json(folder / MANIFEST, {**common, **for_server}, "gallery")
    files.write_json(folder / ENTRIES, {**common, "entries": names}, "names of the entries")
