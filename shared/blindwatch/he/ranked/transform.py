"""The constants of a preset as the kernels take them: roots of unity, primes and their inverses.

The transform is SEAL's, of the smallest primitive root of each prime, so SEAL makes transformed ciphertexts. They
are kept with their N values as a transposed square, in which every loop of the inverse runs over neighbours (as
in `blindwatch.he.ntt`, here on integers of 32 bits).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from blindwatch.he.ntt import bit_reversed, primitive_root
from blindwatch.he.ranked.forms import Residues
from blindwatch.he.ranked.presets import CHUNK, RankPreset

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class Constants:
    """For the two ciphertext primes; what comes in pairs is a residue w and its quotient floor(2^32 w / p)."""

    primes: Residues
    gaps: Residues
    """2^30 less each prime."""
    roots: Residues
    quotients: Residues
    scales: Residues
    """-t / N: the inverse transform's 1 / N and what makes products of BFV ciphertexts one again; (primes, 2)."""
    inverse: Residues
    """One over the last prime, modulo the first; (2,)."""


@cache
def constants(preset: RankPreset) -> Constants:
    """The constants of a preset, made once in a process."""
    primes, degree = preset.primes[: preset.data_primes], preset.poly_degree
    tables = [_table(pow(primitive_root(p, 2 * degree), -1, p), p, degree) for p in primes]
    first, last = primes
    return Constants(
        primes=np.array(primes, np.uint32),
        gaps=np.array([2**30 - p for p in primes], np.uint32),
        roots=np.stack([table[0] for table in tables]),
        quotients=np.stack([table[1] for table in tables]),
        scales=np.array(
            [_pair(-preset.plain_modulus * pow(degree, -1, p) % p, p) for p in primes], np.uint32
        ),
        inverse=np.array(_pair(pow(last, -1, first), first), np.uint32),
    )


def transpose(values: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Transformed values (..., N) in SEAL's order as the square that the kernels take; its own inverse."""
    square = values.reshape(*values.shape[:-1], CHUNK, CHUNK)
    return np.swapaxes(square, -1, -2).reshape(values.shape)


def _pair(value: int, prime: int) -> tuple[int, int]:
    return value, (value << 32) // prime


def _table(root: int, prime: int, degree: int) -> Residues:
    """Powers of a root and their quotients, shape (2, 2, S, S).

    Stage m of the second half takes [:, 0, m + i, 0] for its i-th group, of the first half [:, 1, m + i, :].
    """
    powers = [1]
    for _ in range(degree - 1):
        powers.append(powers[-1] * root % prime)
    pairs = np.array([_pair(power, prime) for power in powers], np.uint32)[bit_reversed(degree)].T
    table = np.zeros((2, 2, CHUNK, CHUNK), np.uint32)
    table[:, 0] = pairs[:, :CHUNK, np.newaxis]
    stage = 1
    while stage < CHUNK:
        columns = pairs[:, CHUNK * stage : 2 * CHUNK * stage].reshape(2, CHUNK, stage)
        table[:, 1, stage : 2 * stage] = np.swapaxes(columns, 1, 2)
        stage *= 2
    return table
