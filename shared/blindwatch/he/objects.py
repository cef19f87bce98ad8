"""SEAL's serialized ciphertexts and keys as arrays of residues, and back.

SEAL has no other way to its residues. The layout (SEAL 4.3, `serialization.h`, `ciphertext.cpp`): a header
of 16 bytes `<HBBBBHQ` with magic, header size, version, compression mode, reserved and total size; then, perhaps
compressed by Zstandard, the level's identifier (4 words), whether in NTT form (1 byte), the number of
polynomials, N, the number of primes, scale, correction factor, and a header and a count before the residues,
polynomial by polynomial and prime by prime.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct, error
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from blindwatch.errors import MalformedCiphertext, WrongPreset
from blindwatch.he.parameters import Parameters

Residues = NDArray[np.uint64]
"""Shape (polynomials, primes, N)."""

HEADER: Final = Struct("<HBBBBHQ")
MAGIC: Final = 0xA15E
VERSION: Final = (4, 3)
RAW, ZSTANDARD = 0, 2
_META: Final = Struct("<32sBQQQdQ")
_COUNT: Final = Struct("<Q")
_OVERHEAD: Final = _META.size + HEADER.size + _COUNT.size
HEAD_BYTES: Final = HEADER.size + _OVERHEAD
"""Of an uncompressed ciphertext, before its residues."""


@dataclass(frozen=True)
class Polynomials:
    """The content of one serialized ciphertext."""

    residues: Residues
    is_ntt: bool


def raw_size(preset: Parameters, polynomials: int, primes: int) -> int:
    """Bytes of a serialized ciphertext without compression."""
    return HEAD_BYTES + 8 * polynomials * primes * preset.poly_degree


def check_header(data: bytes | memoryview, largest: int) -> int:
    """The compression mode of a serialized object of at most `largest` bytes, whose header must be true."""
    try:
        magic, size, major, minor, mode, reserved, total = HEADER.unpack_from(data)
    except error:
        raise MalformedCiphertext("The ciphertext is shorter than its header.") from None
    if (magic, size, reserved) != (MAGIC, HEADER.size, 0) or mode not in (RAW, ZSTANDARD):
        raise MalformedCiphertext("The ciphertext does not start with the header of a SEAL object.")
    if (major, minor) != VERSION:
        raise MalformedCiphertext("The ciphertext was written by another version of SEAL.")
    if total != len(data) or total > largest:
        raise MalformedCiphertext("The ciphertext does not have the size that its header and preset say.")
    return int(mode)


def read_ciphertext(preset: Parameters, data: bytes, primes: int, polynomials: int = 2) -> Polynomials:
    """The residues of a serialized ciphertext, of exactly this shape and with every residue below its prime."""
    expected = raw_size(preset, polynomials, primes) - HEADER.size
    mode = check_header(data, zstandard_bound(expected + HEADER.size))
    body = memoryview(data)[HEADER.size :]
    return read_body(preset, _expand(body, expected) if mode == ZSTANDARD else body, primes, polynomials)


def read_body(preset: Parameters, body: bytes | memoryview, primes: int, polynomials: int = 2) -> Polynomials:
    """As `read_ciphertext`, of the expanded bytes behind the header."""
    if len(body) != raw_size(preset, polynomials, primes) - HEADER.size:
        raise MalformedCiphertext("The ciphertext does not have the size that its preset says.")
    parms_id, is_ntt, size, degree, count, scale, correction = _META.unpack_from(body)
    if parms_id != preset.parms_id(primes):
        raise WrongPreset("The ciphertext belongs to other parameters than the preset's.")
    if (size, degree, count) != (polynomials, preset.poly_degree, primes):
        raise MalformedCiphertext("The ciphertext does not have the shape that its preset says.")
    if scale != 1.0 or correction != 1 or is_ntt > 1:
        raise MalformedCiphertext("The ciphertext is not one of the BFV scheme.")
    if _COUNT.unpack_from(body, _OVERHEAD - _COUNT.size)[0] != size * degree * count:
        raise MalformedCiphertext("The ciphertext does not hold as many residues as it says.")
    flat = np.frombuffer(body, dtype="<u8", offset=_OVERHEAD)
    residues = flat.reshape(polynomials, primes, preset.poly_degree)
    check_residues(preset, residues)
    return Polynomials(residues, bool(is_ntt))


def check_residues(preset: Parameters, residues: Residues) -> None:
    """Refuse residues that are not below their primes."""
    primes = preset.primes[: residues.shape[1]]
    if (residues >= np.array(primes, dtype=np.uint64)[:, np.newaxis]).any():
        raise MalformedCiphertext("The ciphertext has a residue that is not below its prime.")


def read_switching_keys(
    preset: Parameters, data: bytes, places: int, indices: Iterable[int]
) -> Iterator[tuple[int, list[Residues]]]:
    """The digits (2, K + 1, N) of serialized key-switching keys, transformed: exactly those of these indices.

    Inside are the identifier of the level, the number of places, and for each place the number of its digits, each
    as a serialized ciphertext of its own.
    """
    wanted, digits, primes = sorted(indices), len(preset.primes) - 1, len(preset.primes)
    each = raw_size(preset, 2, primes)
    expected = len(preset.parms_id(primes)) + _COUNT.size * (1 + places) + len(wanted) * digits * each
    mode = check_header(data, zstandard_bound(expected + HEADER.size))
    rest = memoryview(data)[HEADER.size :]
    rest = memoryview(_expand(rest, expected)) if mode == ZSTANDARD else rest
    if (
        len(rest) != expected
        or rest[:32] != preset.parms_id(primes)
        or _COUNT.unpack_from(rest, 32) != (places,)
    ):
        raise MalformedCiphertext("The keys are not of the size and the preset that they should be.")
    rest = rest[32 + _COUNT.size :]
    for place in range(places):
        (count,), rest = _COUNT.unpack_from(rest), rest[_COUNT.size :]
        if count != (digits if place in wanted else 0):
            raise MalformedCiphertext("The keys are not for the rotations of the preset.")
        if count:
            parts = [rest[at * each : (at + 1) * each] for at in range(digits)]
            yield place, [_digit(preset, part) for part in parts]
            rest = rest[digits * each :]


def _digit(preset: Parameters, data: memoryview) -> Residues:
    if check_header(data, len(data)) != RAW:
        raise MalformedCiphertext("A part of a key is compressed.")
    content = read_body(preset, data[HEADER.size :], len(preset.primes))
    if not content.is_ntt:
        raise MalformedCiphertext("A part of a key is not transformed.")
    return content.residues


def head(preset: Parameters, shape: tuple[int, ...], *, is_ntt: bool = False) -> bytes:
    """What stands before residues of this shape (polynomials, primes, N) where nothing is compressed."""
    polynomials, primes, degree = shape
    size = 8 * polynomials * primes * degree
    meta = _META.pack(preset.parms_id(primes), is_ntt, polynomials, degree, primes, 1.0, 1)
    inner = HEADER.pack(MAGIC, HEADER.size, *VERSION, RAW, 0, HEADER.size + _COUNT.size + size)
    outer = HEADER.pack(MAGIC, HEADER.size, *VERSION, RAW, 0, HEAD_BYTES + size)
    return outer + meta + inner + _COUNT.pack(size // 8)


def write_ciphertext(preset: Parameters, residues: Residues, *, is_ntt: bool = False) -> bytes:
    """A serialized ciphertext, for SEAL to read; not compressed."""
    values = np.ascontiguousarray(residues, dtype="<u8").tobytes()
    return head(preset, residues.shape, is_ntt=is_ntt) + values


def zstandard_bound(size: int) -> int:
    """The most bytes that Zstandard makes of `size` bytes (ZSTD_COMPRESSBOUND for large inputs)."""
    return size + (size >> 8) + 128


def _expand(body: memoryview, expected: int) -> bytes:
    try:
        with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=False) as reader:
            expanded = reader.read(expected + 1)
    except zstandard.ZstdError:
        raise MalformedCiphertext("The ciphertext cannot be expanded.") from None
    if len(expanded) != expected:
        raise MalformedCiphertext("The ciphertext does not have the size that its preset says.")
    return expanded
