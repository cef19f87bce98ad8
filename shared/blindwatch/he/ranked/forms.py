"""Blocks of a gallery and queries as bytes: a header of 64 bytes, then residues as the scan reads them.

The header is `<8s24s32s`: what it is, the preset's name, the key's identifier. Residues are 32-bit little-endian
integers of shape `RankPreset.shape`. The size is fixed, nothing is compressed and SEAL never reads it: a form
is checked in full by comparing sizes and residues, and a file of it is computed on where it is mapped. The
header does not authenticate anything; manifests name blocks by their SHA-256.
"""

from __future__ import annotations

from math import prod
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import MalformedCiphertext, WrongKey, WrongPreset
from blindwatch.he.ranked.presets import RankPreset

BLOCK: Final = b"bwblock1"
QUERY: Final = b"bwquery1"
HEADER: Final = Struct("<8s24s32s")

Residues = NDArray[np.uint32]
Words = NDArray[np.uint64]


def size(preset: RankPreset) -> int:
    """Bytes of a block, which are also those of a query."""
    return HEADER.size + 4 * prod(preset.shape)


def pack(kind: bytes, preset: RankPreset, key_id: str, residues: Residues) -> bytes:
    """The form of residues of the preset's shape."""
    header = HEADER.pack(kind, preset.name.encode(), bytes.fromhex(key_id))
    return header + np.ascontiguousarray(residues, "<u4").tobytes()


def check(kind: bytes, preset: RankPreset, key_id: str, data: bytes | memoryview) -> None:
    """Refuse what cannot be a form of this kind, preset and key, by its header and size alone."""
    if len(data) < HEADER.size:
        raise MalformedCiphertext("The data is shorter than its header.")
    found, name, key = HEADER.unpack_from(data)
    if found != kind:
        raise MalformedCiphertext("The data does not start with the header of its kind.")
    if name.rstrip(b"\0") != preset.name.encode():
        raise WrongPreset("The data belongs to another preset.")
    if key != bytes.fromhex(key_id):
        raise WrongKey("The data was encrypted to another key.")
    if len(data) != size(preset):
        raise MalformedCiphertext("The data does not have the size that its preset says.")


def read(kind: bytes, preset: RankPreset, key_id: str, data: bytes | memoryview) -> Residues:
    """The residues of a form, without a copy, each of them below its prime."""
    check(kind, preset, key_id, data)
    residues = np.frombuffer(data, "<u4", offset=HEADER.size).reshape(preset.shape)
    for rows, prime in zip(residues, preset.primes, strict=False):
        if rows.max() >= prime:
            raise MalformedCiphertext("The data has a residue that is not below its prime.")
    return residues
