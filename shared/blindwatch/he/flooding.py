"""Noise flooding: a release's noise drowns in uniform noise, so that it tells nothing of how it came about."""

from __future__ import annotations

from typing import Final

import numpy as np

from blindwatch.he.masks import keystream
from blindwatch.he.objects import Residues
from blindwatch.he.presets import Preset

_STEP: Final = 16  # bits that a residue of 48 bits can be shifted by at once


def flood(preset: Preset, residues: Residues, seed: bytes) -> Residues:
    """The ciphertext (2, k, N) with noise added to its first polynomial.

    The noise is uniform of -2^b to 2^b - 1 with b = release_noise_bits + flood_bits, so whatever the noise was
    before changes its distribution by a statistical distance of at most 2^-flood_bits per coefficient.
    """
    bits = preset.release_noise_bits + preset.flood_bits
    count = residues.shape[2]
    words = np.frombuffer(keystream(seed, 16 * count), dtype="<u8").reshape(2, count)
    low_bits = bits // 2
    low = words[0] >> np.uint64(64 - low_bits)
    high = words[1] >> np.uint64(64 - (bits + 1 - low_bits))
    flooded = residues.copy()
    for row, modulus in zip(flooded[0], preset.primes[: residues.shape[1]], strict=True):
        prime = np.uint64(modulus)
        # high * 2^low_bits + low - 2^bits modulo the prime, in steps that stay below 2^64; both halves are below 2^48
        value = high
        for done in range(0, low_bits, _STEP):
            value = (value << np.uint64(min(_STEP, low_bits - done))) % prime
        row[:] = (row + value + low + (prime - np.uint64(pow(2, bits, modulus)))) % prime
    return flooded
