"""The scheme by SEAL's own evaluator: plain calls, one thread. It is what the kernels are checked against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tenseal.sealapi as sealapi

from blindwatch.he import form, seal
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.layout import SWAP
from blindwatch.he.scheme import Slots
from blindwatch.he.zeros import Zeros


class SealScheme:
    """BFV. Its values are SEAL's ciphertexts of two polynomials in coefficient form, which nothing changes."""

    def __init__(self, bundle: EvaluationBundle) -> None:
        self._preset = bundle.preset
        self._context = seal.context(bundle.preset)
        self._evaluator = sealapi.Evaluator(self._context)
        self._relin_keys = seal.load(bundle.preset, sealapi.RelinKeys, bundle.relinearisation)
        self._galois_keys = seal.load(bundle.preset, sealapi.GaloisKeys, bundle.rotation)
        self._zeros = Zeros(bundle.preset, bundle.encryption.public)

    def load(self, data: bytes) -> Any:
        """A fresh ciphertext; its residues are checked before SEAL sees it."""
        return self._read(data, self._preset.data_primes)

    def pack(self, parts: Iterable[bytes], count: int, primes: int) -> list[Any]:  # noqa: ARG002 - they say it
        """Ciphertexts of the watchlist."""
        return [self._read(part, primes) for part in parts]

    def primes(self, value: Any) -> int:
        """How many primes the value keeps."""
        return int(value.coeff_modulus_size())

    def lower(self, value: Any, primes: int) -> Any:
        """The same slots with no more than this many primes."""
        while self.primes(value) > primes:
            lowered = self._new()
            self._evaluator.mod_switch_to_next(value, lowered)
            value = lowered
        return value

    def rotate(self, value: Any, step: int) -> Any:
        """In both rows, what was in slot j + step comes to slot j."""
        rotated = self._new()
        element = galois_element(step, self._preset.poly_degree)
        self._evaluator.apply_galois(value, element, self._galois_keys, rotated)
        return rotated

    def rotations(self, value: Any, count: int) -> list[Any]:
        """The rotations by 0, 1, ..., count - 1."""
        turned = [value]
        while len(turned) < count:
            turned.append(self.rotate(turned[-1], 1))
        return turned

    def dots(self, left: Sequence[Any], parts: list[Any], step: int) -> Any:
        """The sum of products of pairs of each run of parts, rotated by `step` once more than the one before."""
        *sums, total = (
            self.products(list(zip(left, parts[start : start + len(left)], strict=True)))
            for start in range(0, len(parts), len(left))
        )
        for each in reversed(sums):
            total = self.add(self.rotate(total, step), each)
        return total

    def products(self, pairs: Sequence[tuple[Any, Any]]) -> Any:
        """In each slot the sum of the products of pairs, relinearised once."""
        products = []
        for left, right in pairs:
            products.append(self._new())
            if left is right:
                self._evaluator.square(left, products[-1])
            else:
                self._evaluator.multiply(left, right, products[-1])
        total = self._new()
        self._evaluator.add_many(products, total)
        self._evaluator.relinearize_inplace(total, self._relin_keys)
        return total

    def add(self, left: Any, right: Any) -> Any:
        """The sum in each slot."""
        total = self._new()
        self._evaluator.add(left, right, total)
        return total

    def combine(self, values: Sequence[Any], factors: Sequence[int], constant: int) -> Any:
        """The sum of plain multiples and of a constant in every slot."""
        terms = [self._scale(value, factor) for value, factor in zip(values, factors, strict=True) if factor]
        total = self._new()
        self._evaluator.add_many(terms, total)
        self._evaluator.add_plain_inplace(total, seal.constant(constant))
        return total

    def mask(self, value: Any, factors: Slots) -> Any:
        """The product with a plain factor in each slot."""
        masked = self._new()
        self._evaluator.multiply_plain(value, seal.plaintext(self._preset, factors.tolist()), masked)
        return masked

    def release(self, value: Any, offsets: Slots, seed: bytes) -> bytes:
        """Serialized with `offsets` added, re-randomised, flooded and at the smallest modulus."""
        moved = self._new()
        self._evaluator.add_plain(value, seal.plaintext(self._preset, offsets.tolist()), moved)
        self._evaluator.add_inplace(moved, seal.ciphertext(self._preset, self._zeros.flooded(seed)))
        return form.write(self._preset, seal.residues(self._preset, self.lower(moved, 1)))

    def _read(self, data: bytes, primes: int) -> Any:
        return seal.ciphertext(self._preset, form.read(self._preset, data, primes))

    def _scale(self, value: Any, factor: int) -> Any:
        if factor == 1:
            return value
        scaled = self._new()
        self._evaluator.multiply_plain(value, seal.constant(factor), scaled)
        return scaled

    def _new(self) -> Any:
        return sealapi.Ciphertext(self._context)


def galois_element(step: int, degree: int) -> int:
    """The automorphism x -> x^(3^step) of the ring of this degree, which rotates slots, or that which swaps rows."""
    return 2 * degree - 1 if step == SWAP else pow(3, step, 2 * degree)
