"""The constants of a preset's ring, as the kernels take them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from blindwatch.he.ntt import Doubles, Tables, bit_reversed, centred, tables
from blindwatch.he.presets import PLAIN_MODULUS, Preset

# More primes below 2^51 that are 1 modulo 2N: products of ciphertexts are computed modulo these, too.
_AUXILIARY: Final = (
    2251402522624001,
    2251331654582273,
    2251252196474881,
    2251129788039169,
    2251116902940673,
    2251084690194433,
    2251058919997441,
    2251041739866113,
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
    scaled: Extension
    """Of t times an integer, to the auxiliary primes."""
    down: Extension
    """From the auxiliary primes."""
    divide: Doubles
    """t / Q and -1 / Q modulo each auxiliary prime, shape (2, l)."""
    shrink: Doubles
    """The inverse of the last prime modulo each of those before it."""
    delta: Doubles
    """(Q - 1) / t, which scales plaintexts; Q is 1 modulo t."""


class Ring:
    """All constants of a preset."""

    def __init__(self, preset: Preset) -> None:
        self.preset = preset
        self.tables = _arrays(tables(preset.primes, preset.poly_degree))
        self.auxiliary = _arrays(tables(_AUXILIARY[: preset.data_primes + 1], preset.poly_degree))
        self.plain = _arrays(tables((PLAIN_MODULUS,), preset.poly_degree))
        self.special_shrink = _inverses(preset.primes[-1], preset.primes[:-1])
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
    side = round(degree**0.5)
    block, position = np.divmod(bit_reversed(degree)[(powers - 1) // 2], side)
    order: NDArray[np.intp] = position * side + block
    return order


def automorphism(degree: int, element: int) -> tuple[NDArray[np.intp], Doubles]:
    """Where each coefficient of f(x^element) comes from, and its sign."""
    target = np.arange(degree) * element % (2 * degree)
    source = np.empty(degree, dtype=np.intp)
    source[target % degree] = np.arange(degree)
    signs = np.where(target[source] < degree, 1.0, -1.0)
    return source, signs


def _arrays(each: Tables) -> tuple[Doubles, ...]:
    return each.primes, each.inverses, each.roots, each.inverse_roots, each.scales


def _inverses(value: int, primes: tuple[int, ...]) -> Doubles:
    return np.array([centred(pow(value, -1, p), p) for p in primes])


def _level(preset: Preset, count: int) -> Level:
    primes, auxiliary = preset.primes[:count], _AUXILIARY[: count + 1]
    whole = prod(primes)
    return Level(
        up=Extension.between(primes, auxiliary),
        scaled=Extension.between(primes, auxiliary, PLAIN_MODULUS),
        down=Extension.between(auxiliary, primes),
        divide=np.stack(
            [
                np.array([centred(PLAIN_MODULUS * pow(whole, -1, p), p) for p in auxiliary]),
                np.array([centred(-pow(whole, -1, p), p) for p in auxiliary]),
            ]
        ),
        shrink=_inverses(primes[-1], primes[:-1]),
        delta=np.array([centred((whole - 1) // PLAIN_MODULUS, p) for p in primes]),
    )
