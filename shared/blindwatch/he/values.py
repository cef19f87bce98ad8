"""Ciphertexts as the kernels take them: residues as doubles, as coefficients or transformed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from blindwatch.he import kernels
from blindwatch.he.ntt import Doubles, from_natural, from_seal_order, to_natural
from blindwatch.he.objects import Residues
from blindwatch.he.presets import Preset
from blindwatch.he.ring import Level, Ring


@dataclass(eq=False)
class Value:
    """A ciphertext (2, k, N): its coefficients, or their transform, or both once both were needed."""

    ring: Ring
    known_coefficients: Doubles | None = None
    known_transform: Doubles | None = None
    known_wider: Doubles | None = field(default=None, repr=False)
    known_lower: dict[int, Value] = field(default_factory=dict, repr=False)

    @property
    def coefficients(self) -> Doubles:
        """Shape (2, k, N)."""
        if self.known_coefficients is None:
            self.known_coefficients = kernels.from_ntt(self.transform, self.ring.tables)
        return self.known_coefficients

    @property
    def transform(self) -> Doubles:
        """Shape (2, k, N)."""
        if self.known_transform is None:
            self.known_transform = kernels.to_ntt(self.coefficients, self.ring.tables)
        return self.known_transform

    @property
    def second(self) -> Doubles:
        """The coefficients of the second polynomial, shape (k, N)."""
        known = self.known_coefficients
        second: Doubles = (
            kernels.from_ntt(self.transform[1:], self.ring.tables)[0] if known is None else known[1]
        )
        return second

    @property
    def wider(self) -> Doubles:
        """The transform modulo the auxiliary primes, shape (2, k + 1, N)."""
        if self.known_wider is None:
            extended = kernels.extend(self.coefficients, *self.level.up.arrays)
            self.known_wider = kernels.to_ntt(extended, self.ring.auxiliary)
        return self.known_wider

    @property
    def level(self) -> Level:
        """The constants of its number of primes."""
        return self.ring.levels[self.primes]

    @property
    def primes(self) -> int:
        """k."""
        known = self.known_transform if self.known_coefficients is None else self.known_coefficients
        return 0 if known is None else known.shape[1]


class Values(Sequence[Value]):
    """Values that lie together in memory, transformed: (m, 2, k, N)."""

    def __init__(self, ring: Ring, transforms: Doubles) -> None:
        self.transforms = transforms
        self._ring = ring

    def __len__(self) -> int:
        return len(self.transforms)

    @overload
    def __getitem__(self, at: int) -> Value: ...

    @overload
    def __getitem__(self, at: slice) -> Values: ...

    def __getitem__(self, at: int | slice) -> Value | Values:
        chosen = self.transforms[at]
        return Values(self._ring, chosen) if isinstance(at, slice) else Value(self._ring, None, chosen)


def from_residues(preset: Preset, residues: Residues) -> Doubles:
    """Coefficients as SEAL has them, residues 0 to p - 1, as the kernels take them."""
    return from_natural(_centred(preset, residues))


def to_residues(preset: Preset, values: Doubles) -> Residues:
    """The inverse of `from_residues`."""
    primes = np.array(preset.primes[: values.shape[-2]], dtype=np.int64)[:, np.newaxis]
    return (to_natural(values).astype(np.int64) % primes).astype(np.uint64)


def transformed(preset: Preset, residues: Residues) -> Doubles:
    """Transformed values as SEAL has them, residues 0 to p - 1, as the kernels take them."""
    return from_seal_order(_centred(preset, residues))


def _centred(preset: Preset, residues: Residues) -> Doubles:
    primes = np.array(preset.primes[: residues.shape[-2]], dtype=np.int64)[:, np.newaxis]
    signed = residues.astype(np.int64)
    return np.where(signed > primes // 2, signed - primes, signed).astype(np.float64)
