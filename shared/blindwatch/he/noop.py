"""The scheme that encrypts nothing, so that matching logic is tested in milliseconds. For tests only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from blindwatch.errors import MalformedCiphertext
from blindwatch.he.layout import SWAP
from blindwatch.he.packing import Packed
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

    def pack(self, parts: Iterable[bytes], count: int, primes: int) -> Packed:
        """Values of the watchlist, each as a ciphertext of one polynomial with one prime."""
        values = (self.load(part).astype(np.float64)[np.newaxis, np.newaxis] for part in parts)
        shape = (count, 1, primes, self._preset.poly_degree)
        return Packed.of(values, np.full(primes, float(PLAIN_MODULUS)), shape)

    def primes(self, value: Slots) -> int:  # noqa: ARG002 - there are none
        """Always the same."""
        return 1

    def lower(self, value: Slots, primes: int) -> Slots:  # noqa: ARG002 - there are none
        """The same value."""
        return value

    def rotate(self, value: Slots, step: int) -> Slots:
        """In both rows, what was in slot j + step comes to slot j."""
        if step == SWAP:
            return np.roll(value, len(value) // 2)
        return np.roll(value.reshape(2, -1), -step, axis=1).ravel()

    def rotations(self, value: Slots, count: int) -> list[Slots]:
        """The rotations by 0, 1, ..., count - 1."""
        return [value, *(self.rotate(value, step) for step in range(1, count))]

    def dots(self, left: Sequence[Slots], parts: Packed, step: int) -> Slots:
        """The sum of products of pairs of each run of parts, rotated by `step` once more than the one before."""
        right = parts.low.reshape(-1, len(left), self._preset.poly_degree).astype(np.int64)
        *sums, total = (np.stack(left) * right % PLAIN_MODULUS).sum(axis=1) % PLAIN_MODULUS
        for each in reversed(sums):
            total = self.add(self.rotate(total, step), each)
        return np.asarray(total)

    def products(self, pairs: Sequence[tuple[Slots, Slots]]) -> Slots:
        """In each slot the sum of the products of pairs."""
        return np.asarray(sum(left * right % PLAIN_MODULUS for left, right in pairs) % PLAIN_MODULUS)

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
        return value * factors % PLAIN_MODULUS

    def release(self, value: Slots, offsets: Slots, seed: bytes) -> bytes:  # noqa: ARG002 - no noise to flood
        """The serialized form with `offsets` added."""
        return pack(value + offsets)
