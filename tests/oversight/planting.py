"""A made-up face, what is to be looked for of it, and what a scan finds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blindwatch.oversight.scan.forms import encoded, of_bytes, of_embedding, of_integers
from blindwatch.oversight.scan.hits import Kind
from blindwatch.oversight.scan.likeness import Likeness
from blindwatch.oversight.scan.needles import Needle
from blindwatch.oversight.scan.scanning import Scan, Sought
from blindwatch.vision.quantise import quantise

WHO = "canary 1"


def unit(vector: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def an_embedding(seed: int = 7, dimension: int = 128) -> NDArray[np.float32]:
    return unit(np.random.default_rng(seed).normal(size=dimension))


def noise(size: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).bytes(size)


@dataclass(frozen=True)
class Face:
    """Somebody who exists in no photograph."""

    seed: int = 7

    @cached_property
    def embedding(self) -> NDArray[np.float32]:
        return an_embedding(self.seed)

    @cached_property
    def photograph(self) -> bytes:
        return noise(20_000, self.seed)

    def template(self, norm: int) -> NDArray[np.int64]:
        return quantise(self.embedding, norm)

    def alike(self, cosine: float) -> NDArray[np.float32]:
        """The embedding that another photograph of the same face could have."""
        other = an_embedding(self.seed + 1).astype(np.float64)
        other -= (other @ self.embedding) * self.embedding
        return unit(cosine * self.embedding + np.sqrt(1 - cosine**2) * unit(other))

    @property
    def needles(self) -> list[Needle]:
        fragments = [
            *of_bytes(f"photograph of {WHO}", self.photograph, 64),
            *of_embedding(f"embedding of {WHO}", self.embedding),
        ]
        for norm in (200, 4095, 32_000):
            fragments += of_integers(f"template of {WHO} with squared norm {norm}", self.template(norm))
        return list(encoded(fragments))

    @cached_property
    def sought(self) -> Sought:
        return Sought(self.needles, [Likeness(WHO, self.embedding.astype(np.float64), 0.42)])


FACE = Face()
Found = dict[str, set[str]]


def found(scan: Scan) -> Found:
    """What was found, by kind."""
    kinds: Found = {}
    for each in scan.findings.of(is_wrong=True):
        kinds.setdefault(each.kind, set()).add(each.what)
    return kinds


def scanned(*places: Path, sought: Sought = FACE.sought) -> Scan:
    scan = Scan(sought)
    for place in places:
        scan.path(place)
    return scan


def in_bytes(data: bytes, sought: Sought = FACE.sought) -> Found:
    scan = Scan(sought)
    scan.data("bytes", data)
    return found(scan)


def between_noise(data: bytes, before: int = 5003) -> bytes:
    return noise(before, 11) + data + noise(3001, 12)


def names_canary(things: Found) -> bool:
    return any(WHO in what for kind in (Kind.CANARY, Kind.TEMPLATE) for what in things.get(kind, ()))
