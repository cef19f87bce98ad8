"""A ciphertext as it is sent and kept: what SEAL writes, without the two bytes of each residue that are always zero.

SEAL writes a header and then each residue in eight bytes, little-endian (`objects`, uncompressed). Primes are below
2^48, so six are enough; the header stays as it is. What is left looks random and cannot be compressed. A ciphertext
has this form and no other, of a size that follows from the preset, so its digest does not depend on what wrote it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from blindwatch.errors import MalformedCiphertext
from blindwatch.he import objects
from blindwatch.he.objects import Residues
from blindwatch.he.presets import Preset

_POLYNOMIALS: Final = 2
_BYTES: Final = 6
_MASK: Final = np.uint64((1 << 8 * _BYTES) - 1)
_WORDS: Final = _BYTES // 2


def size(preset: Preset, primes: int) -> int:
    """Bytes of a ciphertext with so many primes."""
    return objects.HEAD_BYTES + _BYTES * _POLYNOMIALS * primes * preset.poly_degree


def write(preset: Preset, residues: Residues) -> bytes:
    """The form of residues (2, k, N) that are not transformed."""
    words = np.ascontiguousarray(residues, dtype="<u8").view("<u2").ravel()
    kept = np.empty((residues.size, _WORDS), dtype="<u2")
    for place in range(_WORDS):
        kept[:, place] = words[place::4]
    return objects.head(preset, residues.shape) + kept.tobytes()


def check(preset: Preset, data: bytes, primes: Collection[int]) -> int:
    """Refuse what cannot be a ciphertext with one of these numbers of primes, by size and header; returns which."""
    for count in primes:
        if len(data) == size(preset, count):
            if not data.startswith(objects.head(preset, (_POLYNOMIALS, count, preset.poly_degree))):
                raise MalformedCiphertext(
                    "The ciphertext does not start with the header that its preset says."
                )
            return count
    raise MalformedCiphertext("The ciphertext does not have the size that its preset says.")


def read(preset: Preset, data: bytes, primes: int) -> Residues:
    """The residues (2, k, N) of a ciphertext with exactly so many primes, each of them below its own."""
    check(preset, data, (primes,))
    shape = (_POLYNOMIALS, primes, preset.poly_degree)
    # Six bytes on from each other, residues are read eight bytes at a time: the last one reaches past the end.
    padded = data + bytes(8 - _BYTES)
    overlapping: Residues = np.ndarray(
        np.prod(shape), dtype="<u8", buffer=padded, offset=objects.HEAD_BYTES, strides=_BYTES
    )
    residues = (overlapping & _MASK).reshape(shape)
    objects.check_residues(preset, residues)
    return residues
