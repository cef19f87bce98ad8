"""The constants of a preset's ring, as the kernels take them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from blindwatch.he.ntt import Doubles, bit_reversed, centred, from_natural, from_seal_order, tables
from blindwatch.he.presets import PLAIN_MODULUS, Preset

# The largest primes below 2^48 that are 1 modulo 2N: products of ciphertexts are computed modulo these, too.
_AUXILIARY: Final = (
    281474976546817,
    281474976317441,
    281474975662081,
    281474975563777,
    281474975367169,
    281474974482433,
    281474972418049,
    281474972188673,
)


@dataclass(frozen=True)
class Extension:
    """From residues modulo some primes to residues modulo others; see `kernels.extend`."""

    split: Doubles
    merge: Doubles
    whole: Doubles
    primes: Doubles
    inverses: Doubles
    into: Doubles
    into_inverses: Doubles

    @classmethod
    def between(cls, source: tuple[int, ...], target: tuple[int, ...], factor: int = 1) -> Extension:
        """The extension of `factor` times an integer."""
        whole = prod(source)
        primes, into = np.array(source, dtype=np.float64), np.array(target, dtype=np.float64)
        return cls(
            split=np.array([centred(factor * pow(whole // p, -1, p), p) for p in source]),
            merge=np.array([[centred(whole // p, new) for new in target] for p in source]),
            whole=np.array([centred(whole, new) for new in target]),
            primes=primes,
            inverses=1.0 / primes,
            into=into,
            into_inverses=1.0 / into,
        )

    @property
    def arrays(self) -> tuple[Doubles, ...]:
        """The arguments of the kernel."""
        return (
            self.split,
            self.merge,
            self.whole,
            self.primes,
            self.inverses,
            self.into,
            self.into_inverses,
        )


@dataclass(frozen=True)
class Level:
    """Constants for values with a number of primes."""

    up: Extension
    """To the auxiliary primes."""
    divide: tuple[Doubles, ...]
    """The constants of `products.divide`."""
    shrink: Doubles
    """The inverse of the last prime modulo each of those before it."""
    delta: Doubles
    """(Q - 1) / t, which scales plaintexts; Q is 1 modulo t."""


class Ring:
    """All constants of a preset."""

    def __init__(self, preset: Preset) -> None:
        self.preset = preset
        self.tables = tables(preset.primes, preset.poly_degree)
        self.auxiliary = tables(_AUXILIARY[: preset.data_primes + 1], preset.poly_degree)
        self.plain = tables((PLAIN_MODULUS,), preset.poly_degree)
        self.special = len(preset.primes) - 1
        self.special_shrink = _inverses(preset.primes[-1], preset.primes[:-1])
        self.lift = np.array([centred(preset.primes[-1], p) for p in preset.primes[:-1]])
        self.negative_t = np.array([centred(-PLAIN_MODULUS, p) for p in preset.primes[:-1]])
        self.levels = {count: _level(preset, count) for count in range(1, preset.data_primes + 1)}
        self.slot_order = slot_order(preset.poly_degree)


@cache
def ring(preset: Preset) -> Ring:
    """The constants of a preset, made once in a process."""
    return Ring(preset)


def slot_order(degree: int) -> NDArray[np.intp]:
    """Where each slot is among the transformed values of a plaintext, in the order of `ntt`.

    Slot i of the first row is the value at the root's power 3^i, of the second row at -3^i, so that the
    automorphism x -> x^3 rotates both rows by one (Smart and Vercauteren, "Fully homomorphic SIMD operations", 2014).
    """
    powers = np.empty(degree, dtype=np.intp)
    power = 1
    for slot in range(degree // 2):
        powers[slot], powers[slot + degree // 2] = power, 2 * degree - power
        power = power * 3 % (2 * degree)
    return transposed(degree)[bit_reversed(degree)[(powers - 1) // 2]]


def transposed(degree: int) -> NDArray[np.intp]:
    """Where `ntt` has what SEAL has at each place of a transform."""
    places = np.empty(degree, dtype=np.intp)
    places[from_seal_order(np.arange(degree, dtype=np.float64)).astype(np.intp)] = np.arange(degree)
    return places


def automorphism(degree: int, element: int) -> tuple[NDArray[np.intp], Doubles]:
    """Where each coefficient of f(x^element) comes from, and its sign, in the order of `ntt`."""
    target = np.arange(degree) * element % (2 * degree)
    natural = np.empty(degree, dtype=np.intp)
    natural[target % degree] = np.arange(degree)
    signs = from_natural(np.where(target[natural] < degree, 1.0, -1.0))
    place = np.empty(degree, dtype=np.intp)
    order = from_natural(np.arange(degree, dtype=np.float64)).astype(np.intp)
    place[order] = np.arange(degree)
    return place[natural[order]], signs


def permutation(degree: int, element: int) -> NDArray[np.int64]:
    """Where each transformed value of f(x^element) comes from, in the order of `ntt`.

    SEAL's place i holds the value at the root's power 2 r(i) + 1 with r the reversal of bits.
    """
    order = bit_reversed(degree)
    source = order[((2 * order + 1) * element % (2 * degree) - 1) // 2]
    place = transposed(degree)
    permuted = np.empty(degree, dtype=np.int64)
    permuted[place] = place[source]
    return permuted


def _inverses(value: int, primes: tuple[int, ...]) -> Doubles:
    return np.array([centred(pow(value, -1, p), p) for p in primes])


def _level(preset: Preset, count: int) -> Level:
    primes, auxiliary = preset.primes[:count], _AUXILIARY[: count + 1]
    whole = prod(primes)
    return Level(
        up=Extension.between(primes, auxiliary),
        divide=_divide(primes, auxiliary),
        shrink=_inverses(primes[-1], primes[:-1]),
        delta=np.array([centred((whole - 1) // PLAIN_MODULUS, p) for p in primes]),
    )


def _divide(primes: tuple[int, ...], auxiliary: tuple[int, ...]) -> tuple[Doubles, ...]:
    """The constants of `products.divide`.

    Those of two extensions, of t times an integer to the auxiliary primes p and back from there. What the first one
    gives is to be multiplied by -1 / Q, what is there by t / Q, and both by what the second one splits by.
    """
    there, back = Extension.between(primes, auxiliary, PLAIN_MODULUS), Extension.between(auxiliary, primes)
    whole = prod(primes)
    last = [int(split) * pow(whole, -1, p) for split, p in zip(back.split, auxiliary, strict=True)]

    def scaled(factor: int) -> list[float]:
        return [centred(factor * each, p) for each, p in zip(last, auxiliary, strict=True)]

    return (
        there.split,
        np.array([scaled(-whole // q) for q in primes]).T.copy(),
        np.array(scaled(-whole)),
        np.array(scaled(PLAIN_MODULUS)),
        back.merge.T.copy(),
        back.whole,
        there.primes,
        there.inverses,
        there.into,
        there.into_inverses,
    )
