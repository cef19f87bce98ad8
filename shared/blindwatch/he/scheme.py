"""What the matching logic needs of a homomorphic scheme. All slots are integers modulo t."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
"""One value for each slot, shape (N,)."""

V = TypeVar("V")


class Scheme(Protocol[V]):
    """Public evaluation: no method needs or learns a secret.

    `V` is an encrypted vector of slots. Values that meet in one operation must have the same number of primes,
    which only `lower` changes.
    """

    def load(self, data: bytes) -> V:
        """A fresh ciphertext from its serialized form, fully checked; raises CipherError."""
        ...

    def part(self, data: bytes) -> V:
        """A ciphertext of the watchlist, checked as by `load`, for the right side of `dot` only."""
        ...

    def primes(self, value: V) -> int:
        """How many primes the value keeps."""
        ...

    def lower(self, value: V, primes: int) -> V:
        """The same slots with no more than this many primes, and less noise."""
        ...

    def rotate(self, value: V, step: int) -> V:
        """In both rows of slots, what was in slot j + step comes to slot j; `step` is one of the preset's."""
        ...

    def rotations(self, value: V, count: int) -> list[V]:
        """The rotations by 0, 1, ..., count - 1."""
        ...

    def dot(self, left: Sequence[V], right: Sequence[V]) -> V:
        """The sum of products of pairs; all are fresh or rotations of fresh values."""
        ...

    def multiply(self, left: V, right: V) -> V:
        """The product in each slot."""
        ...

    def add(self, left: V, right: V) -> V:
        """The sum in each slot."""
        ...

    def combine(self, values: Sequence[V], factors: Sequence[int], constant: int) -> V:
        """The sum of plain multiples and of a constant in every slot."""
        ...

    def mask(self, value: V, factors: Slots) -> V:
        """The product with a plain factor in each slot."""
        ...

    def release(self, value: V, offsets: Slots, flood: bytes) -> bytes:
        """A serialized ciphertext with `offsets` added, which shows its decryptor the slots and nothing else.

        It is re-randomised with an encryption of zero, its noise is flooded with what the seed `flood` gives,
        and it is brought down to the smallest modulus.
        """
        ...
