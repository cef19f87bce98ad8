"""The scheme that encrypts nothing, so that matching logic is tested in milliseconds. For tests only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blindwatch.errors import MalformedCiphertext
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.scheme import Slots


def pack(slots: Slots) -> bytes:
    """The serialized form of slots: 32-bit little-endian integers."""
    return (slots % PLAIN_MODULUS).astype("<u4").tobytes()


def unpack(preset: Preset, data: bytes) -> Slots:
    """Slots from their serialized form."""
    if len(data) != 4 * preset.poly_degree:
        raise MalformedCiphertext("The ciphertext does not have the size that its preset says.")
    slots = np.frombuffer(data, dtype="<u4").astype(np.int64)
    if (slots >= PLAIN_MODULUS).any():
        raise MalformedCiphertext("The ciphertext has a value that is not below t.")
    return slots


class NoopScheme:
    """The same arithmetic in the clear."""

    def __init__(self, preset: Preset) -> None:
        self._preset = preset

    def load(self, data: bytes) -> Slots:
        """A fresh value from its serialized form."""
        return unpack(self._preset, data)

    def part(self, data: bytes) -> Slots:
        """A value of the watchlist."""
        return self.load(data)

    def primes(self, value: Slots) -> int:  # noqa: ARG002 - there are none
        """Always the same."""
        return 1

    def lower(self, value: Slots, primes: int) -> Slots:  # noqa: ARG002 - there are none
        """The same value."""
        return value

    def rotate(self, value: Slots, step: int) -> Slots:
        """In both rows, what was in slot j + step comes to slot j."""
        return np.roll(value.reshape(2, -1), -step, axis=1).ravel()

    def rotations(self, value: Slots, count: int) -> list[Slots]:
        """The rotations by 0, 1, ..., count - 1."""
        return [self.rotate(value, step) for step in range(count)]

    def dot(self, left: Sequence[Slots], right: Sequence[Slots]) -> Slots:
        """The sum of products of pairs."""
        total = np.zeros(self._preset.poly_degree, dtype=np.int64)
        for a, b in zip(left, right, strict=True):
            total += self.multiply(a, b)
        return total % PLAIN_MODULUS

    def multiply(self, left: Slots, right: Slots) -> Slots:
        """The product in each slot."""
        return left * right % PLAIN_MODULUS

    def add(self, left: Slots, right: Slots) -> Slots:
        """The sum in each slot."""
        return (left + right) % PLAIN_MODULUS

    def combine(self, values: Sequence[Slots], factors: Sequence[int], constant: int) -> Slots:
        """The sum of plain multiples and of a constant."""
        total = np.full(self._preset.poly_degree, constant, dtype=np.int64)
        for value, factor in zip(values, factors, strict=True):
            total += value * (factor % PLAIN_MODULUS)
        return total % PLAIN_MODULUS

    def mask(self, value: Slots, factors: Slots) -> Slots:
        """The product with a plain factor in each slot."""
        return self.multiply(value, factors)

    def release(self, value: Slots, offsets: Slots, flood: bytes) -> bytes:  # noqa: ARG002 - no noise to flood
        """The serialized form with `offsets` added."""
        return pack(value + offsets)
