"""A gallery under evaluation: its blocks mapped from their files, so that worker processes share one copy."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from blindwatch.errors import EmptyWatchlist, MissingBlob
from blindwatch.he.ranked import forms
from blindwatch.he.ranked.forms import Residues
from blindwatch.he.ranked.presets import RankPreset


@dataclass(frozen=True)
class Gallery:
    """The blocks of one gallery under one key, in the order of their entries."""

    preset: RankPreset
    key_id: str
    blocks: Sequence[Residues]

    @classmethod
    def open(cls, preset: RankPreset, key_id: str, files: Iterable[Path]) -> Self:
        """Map one file for each block, read-only; every header, size and residue is checked."""
        blocks = [forms.read(forms.BLOCK, preset, key_id, _mapped(file)) for file in files]
        if not blocks:
            raise EmptyWatchlist
        return cls(preset, key_id, blocks)


def verify(file: Path, digest: str) -> None:
    """Refuse a file of another SHA-256 than the manifest of the gallery names."""
    if hashlib.sha256(_mapped(file)).hexdigest() != digest:
        raise MissingBlob("A block of the gallery is not the one that its manifest names.")


def _mapped(file: Path) -> memoryview:
    try:
        with file.open("rb") as source:
            return memoryview(mmap.mmap(source.fileno(), 0, prot=mmap.PROT_READ))
    except (OSError, ValueError):  # an empty file cannot be mapped
        raise MissingBlob("A block of the gallery cannot be read.") from None
