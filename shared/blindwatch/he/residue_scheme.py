"""The scheme by this project's kernels: the same ciphertexts and keys as SEAL's, evaluated many times faster.

SEAL makes the keys and opens the results; this module only computes on public data. Its values are held in
coefficient form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tenseal.sealapi as sealapi

from blindwatch.errors import MalformedCiphertext
from blindwatch.he import kernels, objects, seal
from blindwatch.he.flooding import flood
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.ntt import Doubles, from_seal_order
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.ring import automorphism, ring
from blindwatch.he.scheme import Slots
from blindwatch.he.seal_scheme import galois_element


@dataclass(eq=False)
class Value:
    """A ciphertext (2, k, N): its coefficients, or its transform, or both once both were needed."""

    coefficients: Doubles | None
    transform: Doubles | None = None


class ResidueScheme:
    """BFV on arrays of residues."""

    def __init__(self, bundle: EvaluationBundle) -> None:
        self._preset = preset = bundle.preset
        self._ring = ring(preset)
        relinearisation = seal.load(preset, sealapi.RelinKeys, bundle.relinearisation)
        rotation = seal.load(preset, sealapi.GaloisKeys, bundle.rotation)
        elements = {step: galois_element(step, preset.poly_degree) for step in preset.steps}
        if not all(rotation.has_key(element) for element in elements.values()):
            raise MalformedCiphertext("The bundle lacks keys for rotations of the preset.")
        self._relinearisation = _switching_key(preset, relinearisation.key(2))
        self._rotations = {
            step: _switching_key(preset, rotation.key(element)) for step, element in elements.items()
        }
        self._automorphisms = {
            step: automorphism(preset.poly_degree, element) for step, element in elements.items()
        }
        public = seal.load(preset, sealapi.PublicKey, bundle.encryption.public)
        self._encryptor = sealapi.Encryptor(seal.context(preset), public)

    def load(self, data: bytes) -> Value:
        """A fresh ciphertext, fully checked. SEAL never sees its bytes."""
        content = objects.read_ciphertext(self._preset, data, self._preset.data_primes)
        if content.is_ntt:
            raise MalformedCiphertext("The ciphertext is not in the form of a fresh one.")
        return Value(from_residues(self._preset, content.residues))

    def part(self, data: bytes) -> Value:
        """A ciphertext of the watchlist, of which only the transform is kept."""
        return Value(None, self._transformed(self.load(data)))

    def primes(self, value: Value) -> int:
        """How many primes the value keeps."""
        return int(_coefficients(value).shape[1])

    def lower(self, value: Value, primes: int) -> Value:
        """The same slots with no more than this many primes."""
        residues = _coefficients(value)
        if residues.shape[1] <= primes:
            return value
        while residues.shape[1] > primes:
            shrink = self._ring.levels[residues.shape[1]].shrink
            residues = kernels.drop_prime(residues, shrink, self._ring.tables)
        return Value(residues)

    def rotate(self, value: Value, step: int) -> Value:
        """In both rows, what was in slot j + step comes to slot j."""
        source, signs = self._automorphisms[step]
        turned = _coefficients(value)[:, :, source] * signs
        switched = self._switch(turned[1], self._rotations[step])
        switched[0] = self._sum(switched[:1], turned[:1])[0]
        return Value(switched)

    def rotations(self, value: Value, count: int) -> list[Value]:
        """The rotations by 0, 1, ..., count - 1."""
        turned = [value]
        while len(turned) < count:
            turned.append(self.rotate(turned[-1], 1))
        return turned

    def dot(self, left: Sequence[Value], right: Sequence[Value]) -> Value:
        """The sum of products of pairs.

        With q = 1 modulo t, t c c' encrypts -m m' for ciphertexts c of m and c' of m', with noise
        t e e' - e m' - e' m + m m' / t: small enough for fresh ones, and without any scaling.
        """
        stacked = np.stack([self._transformed(value) for value in left])
        others = np.stack([self._transformed(value) for value in right])
        products = kernels.dot(stacked, others, self._ring.negative_t, self._ring.tables)
        return self._relinearise(kernels.from_ntt(products, self._ring.tables))

    def multiply(self, left: Value, right: Value) -> Value:
        """The product in each slot: t / Q times the product over the integers, rounded."""
        level = self._ring.levels[self.primes(left)]
        a = self._both(_coefficients(left), level.up.arrays)
        b = a if left is right else self._both(_coefficients(right), level.up.arrays)
        product = kernels.from_ntt(kernels.tensor(a[0], b[0], self._ring.tables), self._ring.tables)
        more = kernels.from_ntt(kernels.tensor(a[1], b[1], self._ring.auxiliary), self._ring.auxiliary)
        rest = kernels.extend(product, *level.scaled.arrays)
        rounded = kernels.affine(more, level.divide[0], rest, level.divide[1], self._ring.auxiliary)
        return self._relinearise(kernels.extend(rounded, *level.down.arrays))

    def add(self, left: Value, right: Value) -> Value:
        """The sum in each slot."""
        return Value(self._sum(_coefficients(left), _coefficients(right)))

    def combine(self, values: Sequence[Value], factors: Sequence[int], constant: int) -> Value:
        """The sum of plain multiples and of a constant in every slot."""
        total = np.zeros_like(_coefficients(values[0]))
        ones = np.ones(total.shape[1])
        for value, factor in zip(values, factors, strict=True):
            scale = np.full(total.shape[1], _small(factor))
            total = kernels.affine(total, ones, _coefficients(value), scale, self._ring.tables)
        self._add_plain(total, np.array([_small(constant)]))
        return Value(total)

    def mask(self, value: Value, factors: Slots) -> Value:
        """The product with a plain factor in each slot."""
        residues = _coefficients(value)
        plain = np.repeat(self._encode(factors)[np.newaxis, np.newaxis], residues.shape[1], axis=1)
        transformed = kernels.to_ntt(residues, self._ring.tables)
        masked = kernels.pointwise(
            transformed, kernels.to_ntt(plain, self._ring.tables)[0], self._ring.tables
        )
        return Value(kernels.from_ntt(masked, self._ring.tables))

    def release(self, value: Value, offsets: Slots, flood_seed: bytes) -> bytes:
        """Serialized with `offsets` added, re-randomised, flooded and at the smallest modulus."""
        residues = _coefficients(value).copy()
        self._add_plain(residues, self._encode(offsets))
        zero = sealapi.Ciphertext(seal.context(self._preset))
        primes = residues.shape[1]
        self._encryptor.encrypt_zero(_words(self._preset.parms_id(primes)), zero)
        content = objects.read_ciphertext(self._preset, seal.save(zero), primes)
        residues = self._sum(residues, from_residues(self._preset, content.residues))
        flooded = flood(self._preset, to_residues(self._preset, residues), flood_seed)
        smallest = _coefficients(self.lower(Value(from_residues(self._preset, flooded)), 1))
        return objects.write_ciphertext(self._preset, to_residues(self._preset, smallest))

    def _transformed(self, value: Value) -> Doubles:
        if value.transform is None:
            value.transform = kernels.to_ntt(_coefficients(value), self._ring.tables)
        return value.transform

    def _both(self, residues: Doubles, up: tuple[Doubles, ...]) -> tuple[Doubles, Doubles]:
        wider = kernels.extend(residues, *up)
        return kernels.to_ntt(residues, self._ring.tables), kernels.to_ntt(wider, self._ring.auxiliary)

    def _relinearise(self, product: Doubles) -> Value:
        switched = self._switch(product[2], self._relinearisation)
        return Value(self._sum(switched, product[:2]))

    def _switch(self, target: Doubles, key: Doubles) -> Doubles:
        return kernels.key_switch(
            np.ascontiguousarray(target), key, self._ring.special_shrink, self._ring.tables
        )

    def _sum(self, left: Doubles, right: Doubles) -> Doubles:
        ones = np.ones(left.shape[1])
        return kernels.affine(left, ones, right, ones, self._ring.tables)

    def _encode(self, slots: Slots) -> Doubles:
        values = np.empty((1, 1, self._preset.poly_degree))
        values[0, 0, self._ring.slot_order] = slots
        encoded: Doubles = kernels.from_ntt(values, self._ring.plain)[0, 0]
        return encoded

    def _add_plain(self, residues: Doubles, plain: Doubles) -> None:
        """Add a plaintext, given by its lowest coefficients modulo t, centred."""
        rows = residues.shape[1]
        width = np.zeros((1, rows, len(plain)))
        width[:] = plain
        target = np.ascontiguousarray(residues[:1, :, : len(plain)])
        delta = self._ring.levels[rows].delta
        residues[0, :, : len(plain)] = kernels.affine(target, np.ones(rows), width, delta, self._ring.tables)[
            0
        ]


def from_residues(preset: Preset, residues: objects.Residues) -> Doubles:
    """SEAL's residues 0 to p - 1 as centred doubles."""
    primes = np.array(preset.primes[: residues.shape[-2]], dtype=np.int64)[:, np.newaxis]
    signed = residues.astype(np.int64)
    return np.where(signed > primes // 2, signed - primes, signed).astype(np.float64)


def to_residues(preset: Preset, values: Doubles) -> objects.Residues:
    """Centred doubles as SEAL's residues 0 to p - 1."""
    primes = np.array(preset.primes[: values.shape[-2]], dtype=np.int64)[:, np.newaxis]
    return (values.astype(np.int64) % primes).astype(np.uint64)


def _switching_key(preset: Preset, digits: Sequence[object]) -> Doubles:
    count = len(preset.primes)
    key = np.empty((len(digits), 2, count, preset.poly_degree))
    for digit, public in zip(key, digits, strict=True):
        content = objects.read_ciphertext(preset, seal.save(public), count)
        digit[:] = from_seal_order(from_residues(preset, content.residues))
    return key


def _coefficients(value: Value) -> Doubles:
    if value.coefficients is None:
        raise MalformedCiphertext("A part of the watchlist cannot stand in the place of a probe.")
    return value.coefficients


def _small(value: int) -> float:
    value %= PLAIN_MODULUS
    return float(value - PLAIN_MODULUS if value > PLAIN_MODULUS // 2 else value)


def _words(parms_id: bytes) -> list[int]:
    return np.frombuffer(parms_id, dtype="<u8").tolist()  # type: ignore[no-any-return]
