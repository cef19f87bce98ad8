"""The scheme by this project's kernels: the same ciphertexts and keys as SEAL's, evaluated many times faster.

SEAL makes the keys and opens the results; this module only computes on public data. Its values are held in
coefficient form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from blindwatch.he import form, kernels, objects, products, switching
from blindwatch.he.kernels import Places
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.layout import HOISTED
from blindwatch.he.ntt import Doubles
from blindwatch.he.packing import Packed
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.ring import automorphism, permutation, ring
from blindwatch.he.scheme import Slots
from blindwatch.he.seal_scheme import galois_element
from blindwatch.he.values import Value, Values, from_residues, to_residues, transformed
from blindwatch.he.zeros import Zeros


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
            steps[place]: _Rotation(preset, steps[place], digits)
            for place, digits in objects.read_switching_keys(
                preset, bundle.rotation, preset.poly_degree, steps
            )
        }
        self._zeros = Zeros(preset, bundle.encryption.public)

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
        if primes not in value.known_lower:
            residues = self.lower(value, primes + 1).coefficients
            value.known_lower[primes] = self._value(
                kernels.drop_prime(residues, self._ring.levels[primes + 1].shrink, self._ring.tables)
            )
        return value.known_lower[primes]

    def rotate(self, value: Value, step: int) -> Value:
        """In both rows, what was in slot j + step comes to slot j."""
        if step in self._preset.baby_steps:
            turned = np.empty((1, 2, value.primes, self._preset.poly_degree))
            self._hoist(value, range(step, step + 1), turned, -step)
            return Value(self._ring, None, turned[0])
        rotation = self._rotations[step]
        turned = kernels.turn(value.coefficients, rotation.source, rotation.signs)
        return self._switch(turned[1], rotation.key, turned[:1])

    def rotations(self, value: Value, count: int) -> Values:
        """The rotations by 0, 1, ..., count - 1."""
        turned = Values(self._ring, np.empty((count, 2, value.primes, self._preset.poly_degree)))
        turned.transforms[0] = value.transform
        near = min(HOISTED, count)
        self._hoist(value, range(1, near), turned.transforms, 0)
        for first in range(near):
            self._hoist(turned[first], range(HOISTED, count - first, HOISTED), turned.transforms, first)
        return turned

    def dots(self, left: Sequence[Value], parts: Packed, step: int) -> Value:
        """The sum of products of pairs of each run of parts, rotated by `step` once more than the one before.

        With q = 1 modulo t, t c c' encrypts -m m' for ciphertexts c of m and c' of m', with noise
        t e e' - e m' - e' m + m m' / t: small enough for fresh ones, and without any scaling.
        """
        stacked = (
            left.transforms if isinstance(left, Values) else np.stack([value.transform for value in left])
        )
        ring, rotation = self._ring, self._rotations[step]
        sums = kernels.dots(stacked, parts.low, parts.high, ring.negative_t, ring.tables)
        return self._value(
            switching.turned_sum(
                sums,
                self._relinearisation,
                rotation.key,
                rotation.order,
                rotation.source,
                rotation.signs,
                ring.lift,
                ring.special_shrink,
                ring.tables,
            )
        )

    def products(self, pairs: Sequence[tuple[Value, Value]]) -> Value:
        """In each slot the sum of products: t / Q times the sum over the integers, rounded."""
        ring = self._ring
        lefts, rights = (tuple(pair[side].transform for pair in pairs) for side in (0, 1))
        wide_lefts, wide_rights = (tuple(pair[side].wider for pair in pairs) for side in (0, 1))
        product = products.divide(
            products.tensors(lefts, rights, ring.tables),
            products.tensors(wide_lefts, wide_rights, ring.auxiliary),
            *pairs[0][0].level.divide,
        )
        return self._switch(product[2], self._relinearisation, product[:2])

    def add(self, left: Value, right: Value) -> Value:
        """The sum in each slot."""
        return self._value(self._sum(left.coefficients, right.coefficients))

    def combine(self, values: Sequence[Value], factors: Sequence[int], constant: int) -> Value:
        """The sum of plain multiples and of a constant in every slot."""
        total = kernels.combine(
            tuple(value.coefficients for value in values),
            np.array([_small(factor) for factor in factors]),
            self._ring.tables,
        )
        self._add_plain(total, np.array([_small(constant)]))
        return self._value(total)

    def mask(self, value: Value, factors: Slots) -> Value:
        """The product with a plain factor in each slot."""
        plain = np.repeat(self._encode(factors)[np.newaxis, np.newaxis], value.primes, axis=1)
        spread = kernels.to_ntt(plain, self._ring.tables)[0]
        return Value(self._ring, None, kernels.pointwise(value.transform, spread, self._ring.tables))

    def release(self, value: Value, offsets: Slots, seed: bytes) -> bytes:
        """Serialized with `offsets` added, re-randomised, flooded and at the smallest modulus."""
        residues = value.coefficients.copy()
        self._add_plain(residues, self._encode(offsets))
        hidden = self._sum(residues, from_residues(self._preset, self._zeros.flooded(seed)))
        smallest = self.lower(self._value(hidden), 1)
        return form.write(self._preset, to_residues(self._preset, smallest.coefficients))

    def _value(self, coefficients: Doubles) -> Value:
        return Value(self._ring, coefficients)

    def _read(self, data: bytes, primes: int) -> Value:
        return self._value(from_residues(self._preset, form.read(self._preset, data, primes)))

    def _hoist(self, value: Value, steps: range, result: Doubles, shift: int) -> None:
        """Rotations of one value that share their costly part, each at place step + `shift` of `result`."""
        if not steps:
            return
        rotations = [self._rotations[step] for step in steps]
        switching.hoisted(
            value.second,
            value.transform[0],
            tuple(rotation.key for rotation in rotations),
            tuple(rotation.order for rotation in rotations),
            result,
            np.array(steps) + shift,
            self._ring.special_shrink,
            self._ring.tables,
        )

    def _switch(self, target: Doubles, key: Doubles, rest: Doubles) -> Value:
        """`target` under its old key, as a ciphertext of two polynomials, and the first ones `rest`."""
        return self._value(
            switching.key_switch(target, key, rest, self._ring.special_shrink, self._ring.tables)
        )

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


def _switching_key(
    preset: Preset, digits: Sequence[objects.Residues], order: Places | None = None
) -> Doubles:
    """A key as `switching` takes it; with a rotation's permutation undone, if its `order` is given."""
    key = np.empty((len(digits), 2, len(preset.primes), preset.poly_degree))
    for target, digit in zip(key, digits, strict=True):
        target[..., slice(None) if order is None else order] = transformed(preset, digit)
    return key


class _Rotation:
    """A rotation's permutations, and its key in the form that the rotation takes it."""

    def __init__(self, preset: Preset, step: int, digits: Sequence[objects.Residues]) -> None:
        element = galois_element(step, preset.poly_degree)
        self.source, self.signs = automorphism(preset.poly_degree, element)
        self.order = permutation(preset.poly_degree, element)
        self.key = _switching_key(preset, digits, self.order if step in preset.baby_steps else None)


def _small(value: int) -> float:
    value %= PLAIN_MODULUS
    return float(value - PLAIN_MODULUS if value > PLAIN_MODULUS // 2 else value)
