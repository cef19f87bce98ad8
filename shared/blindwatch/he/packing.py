"""Residues of the watchlist at rest in memory: six bytes each, in two arrays that can be mapped from files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from blindwatch.he.kernels import High, Low
from blindwatch.he.ntt import Doubles


@dataclass(frozen=True)
class Packed:
    """Transformed ciphertexts (parts, 2, k, N): residues 0 to p - 1 as low + 2^32 high."""

    low: Low
    high: High

    @classmethod
    def of(cls, ciphertexts: Iterable[Doubles], primes: Doubles, shape: tuple[int, ...]) -> Self:
        """Pack transformed ciphertexts (2, k, N) as they come, to this shape; `primes` are (k,)."""
        packed = cls(np.empty(shape, dtype=np.uint32), np.empty(shape, dtype=np.uint16))
        whole = primes.astype(np.int64)[:, np.newaxis]
        for low, high, ciphertext in zip(packed.low, packed.high, ciphertexts, strict=True):
            signed = ciphertext.astype(np.int64)
            words = np.where(signed < 0, signed + whole, signed)
            low[:] = words & 0xFFFFFFFF
            high[:] = words >> 32
        for array in (packed.low, packed.high):
            array.setflags(write=False)  # as mapped ones are: compiled code tells the two apart
        return packed

    def save(self, folder: Path, name: str) -> None:
        """Write both arrays in NumPy's own format."""
        np.save(folder / f"{name}-low.npy", self.low, allow_pickle=False)
        np.save(folder / f"{name}-high.npy", self.high, allow_pickle=False)

    @classmethod
    def map(cls, folder: Path, name: str) -> Self:
        """Map what `save` wrote: all processes that do share one copy in memory."""
        low, high = (
            np.asarray(np.load(folder / f"{name}-{half}.npy", mmap_mode="r", allow_pickle=False))
            for half in ("low", "high")
        )
        return cls(low, high)
