"""What the matching logic needs of a homomorphic scheme. All slots are integers modulo t."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
"""One value for each slot, shape (N,)."""

V = TypeVar("V")
P = TypeVar("P")


class Scheme(Protocol[V, P]):
    """Public evaluation: no method needs or learns a secret.

    `V` is an encrypted vector of slots, `P` the ciphertexts of a block of the watchlist. Values that meet in one
    operation must have the same number of primes, which only `lower` changes.
    """

    def load(self, data: bytes) -> V:
        """A fresh ciphertext from its serialized form, fully checked; raises CipherError."""
        ...

    def pack(self, parts: Iterable[bytes], count: int, primes: int) -> P:
        """This many ciphertexts of the watchlist, with so many primes, checked as by `load`; for `dots` only."""
        ...

    def primes(self, value: V) -> int:
        """How many primes the value keeps."""
        ...

    def lower(self, value: V, primes: int) -> V:
        """The same slots with no more than this many primes, and less noise."""
        ...

    def rotate(self, value: V, step: int) -> V:
        """In both rows of slots, what was in slot j + step comes to slot j; SWAP exchanges the rows instead."""
        ...

    def rotations(self, value: V, count: int) -> Sequence[V]:
        """The rotations by 0, 1, ..., count - 1."""
        ...

    def dots(self, left: Sequence[V], parts: P, step: int) -> V:
        """The sum of products of pairs for each run of as many parts as there are values on the left, all added: the
        second of them rotated by `step`, the third by two times as much, and so on.

        Values on the left are fresh or rotations of fresh ones, and have as many primes as the parts.
        """
        ...

    def products(self, pairs: Sequence[tuple[V, V]]) -> V:
        """In each slot the sum of the products of at most four pairs."""
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

    def release(self, value: V, offsets: Slots, seed: bytes) -> bytes:
        """A serialized ciphertext with `offsets` added, which shows its decryptor the slots and nothing else.

        It is re-randomised with an encryption of zero, its noise is flooded, and it is brought down to the smallest
        modulus. All randomness follows from the seed of 32 bytes, so the same input gives the same bytes.
        """
        ...
