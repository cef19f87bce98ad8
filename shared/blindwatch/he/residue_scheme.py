"""The scheme by this project's kernels: the same ciphertexts and keys as SEAL's, evaluated many times faster.

SEAL makes the keys and opens the results; this module only computes on public data. Its values are held in
coefficient form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import tenseal.sealapi as sealapi

from blindwatch.errors import MalformedCiphertext
from blindwatch.he import kernels, objects, seal
from blindwatch.he.flooding import flood
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.layout import HOISTED
from blindwatch.he.ntt import Doubles, from_natural, from_seal_order, to_natural
from blindwatch.he.packing import Packed
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.ring import Level, Ring, automorphism, permutation, ring
from blindwatch.he.scheme import Slots
from blindwatch.he.seal_scheme import galois_element


@dataclass(eq=False)
class Value:
    """A ciphertext (2, k, N): its coefficients, or their transform, or both once both were needed."""

    ring: Ring
    known_coefficients: Doubles | None = None
    known_transform: Doubles | None = None
    known_wider: Doubles | None = field(default=None, repr=False)

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


class ResidueScheme:
    """BFV on arrays of residues."""

    def __init__(self, bundle: EvaluationBundle) -> None:
        self._preset = preset = bundle.preset
        self._ring = ring(preset)
        keys = objects.read_switching_keys(preset, bundle.relinearisation, 1, [0])
        self._relinearisation = _switching_key(preset, dict(keys)[0])
        # SEAL keeps the key of an automorphism x -> x^e at the place (e - 1) / 2.
        steps = {galois_element(step, preset.poly_degree) // 2: step for step in preset.steps}
        self._rotations = {
            steps[place]: _Rotation(preset, steps[place], _switching_key(preset, digits))
            for place, digits in objects.read_switching_keys(
                preset, bundle.rotation, preset.poly_degree, steps
            )
        }
        public = seal.load(preset, sealapi.PublicKey, bundle.encryption.public)
        self._encryptor = sealapi.Encryptor(seal.context(preset), public)

    def load(self, data: bytes) -> Value:
        """A fresh ciphertext, fully checked. SEAL never sees its bytes."""
        return self._read(data, self._preset.data_primes)

    def pack(self, parts: Iterable[bytes], count: int, primes: int) -> Packed:
        """Ciphertexts of the watchlist, of which only the transform is kept."""
        transforms = (self._read(part, primes).transform for part in parts)
        shape = (count, 2, primes, self._preset.poly_degree)
        return Packed.of(transforms, self._ring.tables[0][:primes], shape)

    def primes(self, value: Value) -> int:
        """How many primes the value keeps."""
        return value.primes

    def lower(self, value: Value, primes: int) -> Value:
        """The same slots with no more than this many primes."""
        if value.primes <= primes:
            return value
        residues = value.coefficients
        while residues.shape[1] > primes:
            residues = kernels.drop_prime(
                residues, self._ring.levels[residues.shape[1]].shrink, self._ring.tables
            )
        return self._value(residues)

    def rotate(self, value: Value, step: int) -> Value:
        """In both rows, what was in slot j + step comes to slot j."""
        if step in self._preset.baby_steps:
            return self._hoist(value, range(step, step + 1))[0]
        rotation = self._rotations[step]
        turned = kernels.turn(value.coefficients, rotation.source, rotation.signs)
        switched = self._switch(turned[1], rotation.key)
        switched[:1] = self._sum(switched[:1], turned[:1])
        return self._value(switched)

    def rotations(self, value: Value, count: int) -> list[Value]:
        """The rotations by 0, 1, ..., count - 1."""
        near = [value, *self._hoist(value, range(1, min(HOISTED, count)))]
        far = [[each, *self._hoist(each, range(HOISTED, count, HOISTED))] for each in near]
        return [turned[at] for at in range(len(far[0])) for turned in far][:count]

    def dots(self, left: Sequence[Value], parts: Packed) -> list[Value]:
        """For each run of parts, the sum of products of pairs.

        With q = 1 modulo t, t c c' encrypts -m m' for ciphertexts c of m and c' of m', with noise
        t e e' - e m' - e' m + m m' / t: small enough for fresh ones, and without any scaling.
        """
        stacked = np.stack([value.transform for value in left])
        products = kernels.dots(stacked, parts.low, parts.high, self._ring.negative_t, self._ring.tables)
        giants, _, primes, degree = products.shape
        flat = kernels.from_ntt(products.reshape(giants * 3, primes, degree), self._ring.tables)
        return [self._relinearise(product) for product in flat.reshape(products.shape)]

    def multiply(self, left: Value, right: Value) -> Value:
        """The product in each slot: t / Q times the product over the integers, rounded."""
        level, main, auxiliary = left.level, self._ring.tables, self._ring.auxiliary
        product = kernels.from_ntt(kernels.tensor(left.transform, right.transform, main), main)
        more = kernels.from_ntt(kernels.tensor(left.wider, right.wider, auxiliary), auxiliary)
        rest = kernels.extend(product, *level.scaled.arrays)
        rounded = kernels.affine(more, level.divide[0], rest, level.divide[1], auxiliary)
        return self._relinearise(kernels.extend(rounded, *level.down.arrays))

    def add(self, left: Value, right: Value) -> Value:
        """The sum in each slot."""
        return self._value(self._sum(left.coefficients, right.coefficients))

    def combine(self, values: Sequence[Value], factors: Sequence[int], constant: int) -> Value:
        """The sum of plain multiples and of a constant in every slot."""
        total = np.zeros_like(values[0].coefficients)
        for value, factor in zip(values, factors, strict=True):
            kernels.accumulate(total, value.coefficients, _small(factor), self._ring.tables)
        total = self._sum(total, np.zeros_like(total))
        self._add_plain(total, np.array([_small(constant)]))
        return self._value(total)

    def mask(self, value: Value, factors: Slots) -> Value:
        """The product with a plain factor in each slot."""
        plain = np.repeat(self._encode(factors)[np.newaxis, np.newaxis], value.primes, axis=1)
        spread = kernels.to_ntt(plain, self._ring.tables)[0]
        return Value(self._ring, None, kernels.pointwise(value.transform, spread, self._ring.tables))

    def release(self, value: Value, offsets: Slots, flood_seed: bytes) -> bytes:
        """Serialized with `offsets` added, re-randomised, flooded and at the smallest modulus."""
        residues = value.coefficients.copy()
        self._add_plain(residues, self._encode(offsets))
        zero = sealapi.Ciphertext(seal.context(self._preset))
        self._encryptor.encrypt_zero(_words(self._preset.parms_id(value.primes)), zero)
        content = objects.read_ciphertext(self._preset, seal.save(zero), value.primes)
        residues = self._sum(residues, from_residues(self._preset, content.residues))
        flooded = flood(self._preset, to_residues(self._preset, residues), flood_seed)
        smallest = self.lower(self._value(from_residues(self._preset, flooded)), 1)
        return objects.write_ciphertext(self._preset, to_residues(self._preset, smallest.coefficients))

    def _value(self, coefficients: Doubles) -> Value:
        return Value(self._ring, coefficients)

    def _read(self, data: bytes, primes: int) -> Value:
        content = objects.read_ciphertext(self._preset, data, primes)
        if content.is_ntt:
            raise MalformedCiphertext("The ciphertext is not in the form of a fresh one.")
        return self._value(from_residues(self._preset, content.residues))

    def _hoist(self, value: Value, steps: range) -> list[Value]:
        """Rotations of one value that share their costly part."""
        if not steps:
            return []
        rotations = [self._rotations[step] for step in steps]
        turned = kernels.hoisted(
            kernels.digits(value.coefficients[1], self._ring.special, self._ring.tables),
            value.transform[0],
            tuple(rotation.key for rotation in rotations),
            tuple(rotation.order for rotation in rotations),
            self._ring.special_shrink,
            self._ring.tables,
        )
        return [Value(self._ring, None, each) for each in turned]

    def _relinearise(self, product: Doubles) -> Value:
        switched = self._switch(product[2], self._relinearisation)
        return self._value(self._sum(switched, product[:2]))

    def _switch(self, target: Doubles, key: Doubles) -> Doubles:
        return kernels.key_switch(target, key, self._ring.special_shrink, self._ring.tables)

    def _sum(self, left: Doubles, right: Doubles) -> Doubles:
        return kernels.add(left, right, self._ring.tables)

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
        moved = kernels.affine(target, np.ones(rows), width, delta, self._ring.tables)
        residues[0, :, : len(plain)] = moved[0]


def from_residues(preset: Preset, residues: objects.Residues) -> Doubles:
    """Coefficients as SEAL has them, residues 0 to p - 1, as the kernels take them."""
    return from_natural(_centred(preset, residues))


def to_residues(preset: Preset, values: Doubles) -> objects.Residues:
    """The inverse of `from_residues`."""
    primes = np.array(preset.primes[: values.shape[-2]], dtype=np.int64)[:, np.newaxis]
    return (to_natural(values).astype(np.int64) % primes).astype(np.uint64)


def transformed(preset: Preset, residues: objects.Residues) -> Doubles:
    """Transformed values as SEAL has them, residues 0 to p - 1, as the kernels take them."""
    return from_seal_order(_centred(preset, residues))


def _centred(preset: Preset, residues: objects.Residues) -> Doubles:
    primes = np.array(preset.primes[: residues.shape[-2]], dtype=np.int64)[:, np.newaxis]
    signed = residues.astype(np.int64)
    return np.where(signed > primes // 2, signed - primes, signed).astype(np.float64)


def _switching_key(preset: Preset, digits: Sequence[objects.Residues]) -> Doubles:
    key = np.empty((len(digits), 2, len(preset.primes), preset.poly_degree))
    for target, digit in zip(key, digits, strict=True):
        target[:] = transformed(preset, digit)
    return key


class _Rotation:
    """A rotation's permutations, and its key in the form that the rotation takes it."""

    def __init__(self, preset: Preset, step: int, key: Doubles) -> None:
        element = galois_element(step, preset.poly_degree)
        self.source, self.signs = automorphism(preset.poly_degree, element)
        self.order = permutation(preset.poly_degree, element)
        self.key = key
        if step in preset.baby_steps:
            self.key = np.empty_like(key)
            self.key[..., self.order] = key


def _small(value: int) -> float:
    value %= PLAIN_MODULUS
    return float(value - PLAIN_MODULUS if value > PLAIN_MODULUS // 2 else value)


def _words(parms_id: bytes) -> list[int]:
    return np.frombuffer(parms_id, dtype="<u8").tolist()  # type: ignore[no-any-return]
