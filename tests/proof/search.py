"""Searches memory, files and traffic for many known byte strings at once.

Only what lies in one piece is found: not a value that was split, compressed, encrypted or otherwise computed on.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

SHORTEST: Final = 40
CHUNK: Final = 4 << 20
OVERLAP: Final = 8192
"""How far a chunk goes into the next one, so that nothing is cut; no needle is longer."""

_BITS, _CHANGES = 64, 20
_WORD, _WINDOW = 8, 32
_SPAN: Final = _WINDOW + _WORD - 1
"""Of so many bytes, one window begins on the border of a word wherever they lie."""
_FILTER_BITS: Final = 24
_IMAGE_HEADERS: Final = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00")

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Needle:
    """Bytes that should be nowhere, and what they are: never the bytes themselves, since it gets printed."""

    what: str
    data: bytes


def is_telling(data: bytes) -> bool:
    """Whether bytes are long and irregular enough never to be met by chance.

    At least 40 bytes; at least 64 bits of information by the frequencies of their values; and at least 20 places
    where a byte differs from the one before. So an even patch of an image, or a template of zeros, is no needle.
    """
    if len(data) < SHORTEST:
        return False
    values = np.frombuffer(data, np.uint8)
    counts = np.bincount(values)
    shares = counts[counts > 0] / len(values)
    bits = -len(values) * (shares * np.log2(shares)).sum()
    return bool(bits >= _BITS and np.count_nonzero(values[1:] != values[:-1]) >= _CHANGES)


def needles(what: str, data: bytes) -> list[Needle]:
    """Bytes in all encodings; none if they are not telling."""
    if not is_telling(data):
        return []
    found: dict[bytes, str] = {}
    for encoding, form in _encodings(data):
        found.setdefault(form, encoding)
    return [Needle(f"{what}, {encoding}", form) for form, encoding in found.items()]


def images(data: bytes | bytearray) -> int:
    """How many images begin in some bytes: their pixels are compressed, so only headers can be looked for."""
    return sum(data.count(header) for header in _IMAGE_HEADERS)


def files(folder: Path) -> list[Path]:
    """All files in a folder and in those within it."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


class Search:
    """Looks for many needles in one pass.

    Of each needle it knows the hashes of eight windows, one for every place in a word where the needle may begin. So
    it is enough to hash what is searched at the borders of words, and to compare in full where a hash is known.
    """

    def __init__(self, needles: Iterable[Needle]) -> None:
        self.needles = [each for each in needles if is_telling(each.data)]
        if any(len(each.data) > OVERLAP for each in self.needles):
            raise ValueError("a needle is longer than the overlap of chunks")
        starts = [_most_irregular(each.data) for each in self.needles]
        places = [(owner, start + shift) for owner, start in enumerate(starts) for shift in range(_WORD)]
        windows = b"".join(self.needles[owner].data[at : at + _WINDOW] for owner, at in places)
        hashes = _hashes(np.frombuffer(windows, "<u8"))
        self._known: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for value, place in zip(hashes.tolist(), places, strict=True):
            self._known[value].append(place)
        self._filter = _filter(hashes)

    def bytes(self, data: bytes) -> set[str]:
        """What is found in some bytes."""
        found: set[int] = set()
        at, hashes = _sift(np.frombuffer(data, "<u8", len(data) // _WORD), self._filter)
        for word, value in zip(at.tolist(), hashes.tolist(), strict=True):
            for owner, offset in self._known.get(value, ()):
                start = word * _WORD - offset
                if start >= 0 and data.startswith(self.needles[owner].data, start):
                    found.add(owner)
        return {self.needles[owner].what for owner in found}

    def chunks(self, chunks: Iterable[bytes]) -> set[str]:
        """What is found in any of several chunks."""
        return set[str]().union(*map(self.bytes, chunks))

    def whole(self, data: bytes | bytearray) -> set[str]:
        """What is found in bytes of any length."""
        view = memoryview(data)
        return self.chunks(bytes(view[at : at + CHUNK + OVERLAP]) for at in range(0, len(data), CHUNK))

    def folder(self, folder: Path) -> set[str]:
        """What is found in the files of a folder."""
        return {f"{what}, in {path.name}" for path in files(folder) for what in self.whole(path.read_bytes())}


def _encodings(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Bytes as they are, in hexadecimal, as Python prints them, and in Base64 wherever in a text they begin."""
    yield "plain", data
    yield "hexadecimal", data.hex().encode()
    yield "capital hexadecimal", data.hex().upper().encode()
    yield "printed", (printed := repr(data)[2:-1].encode())
    yield "printed in JSON", printed.replace(b"\\", b"\\\\")
    for before in range(3):
        text = base64.b64encode(bytes(before) + data)
        # The first and the last characters depend on what is beside the bytes, too.
        inner = text[-(-4 * before // 3) : 4 * (before + len(data)) // 3]
        yield "Base64", inner
        yield "Base64 for addresses", inner.translate(bytes.maketrans(b"+/", b"-_"))


def _most_irregular(data: bytes) -> int:
    """Where the bytes change most: runs of zeros, as in small integers, are everywhere."""
    values = np.frombuffer(data, np.uint8)
    changes = np.concatenate([[0], np.cumsum(values[1:] != values[:-1])])
    return int(np.argmax(changes[_SPAN - 1 :] - changes[: len(data) - _SPAN + 1]))


@njit
def _hash(words: Words, at: int) -> np.uint64:
    """Of the window that begins with a word."""
    mixed = words[at]
    for step in range(1, 4):
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15) + words[at + step]
    return (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xC2B2AE3D27D4EB4F)


@njit
def _hashes(windows: Words) -> Words:
    """Of windows one after the other."""
    result = np.empty(windows.size // 4, np.uint64)
    for at in range(result.size):
        result[at] = _hash(windows, 4 * at)
    return result


@njit
def _bit(value: np.uint64, which: int) -> np.uint64:
    """One of two places of a hash in the filter."""
    return (value >> np.uint64(64 - _FILTER_BITS * (which + 1))) & np.uint64((1 << _FILTER_BITS) - 1)


@njit
def _filter(hashes: Words) -> NDArray[np.uint8]:
    """A Bloom filter, small enough for a cache: it lets one hash in some hundreds pass that is not known."""
    bits = np.zeros(1 << (_FILTER_BITS - 3), np.uint8)
    for value in hashes:
        for which in range(2):
            place = _bit(value, which)
            bits[place >> np.uint64(3)] |= np.uint8(1 << (place & np.uint64(7)))
    return bits


@njit
def _sift(words: Words, bits: NDArray[np.uint8]) -> tuple[NDArray[np.int64], Words]:
    """The windows whose hash may be known: where they begin, and the hash."""
    at, hashes = np.empty(words.size, np.int64), np.empty(words.size, np.uint64)
    count = 0
    for word in range(words.size - 3):
        value = _hash(words, word)
        passes = True
        for which in range(2):
            place = _bit(value, which)
            passes = passes and (bits[place >> np.uint64(3)] >> (place & np.uint64(7))) & np.uint64(1) == 1
        if passes:
            at[count], hashes[count] = word, value
            count += 1
    return at[:count], hashes[:count]
