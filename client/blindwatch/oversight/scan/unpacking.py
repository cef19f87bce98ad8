"""What is packed inside of bytes, unpacked as it comes by: compressed members, and text that stands for bytes."""

from __future__ import annotations

import binascii
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import numpy as np
import zstandard

from blindwatch.oversight.scan.anchors import Anchored, pattern
from blindwatch.oversight.scan.kernels import stretches

SLICE: Final = 1 << 12
_PIECE: Final = 1 << 20
_FRAME: Final = 1 << 10
"""So little of Zstandard expands to 32 MiB at most."""
_LZMA_MEMORY: Final = 256 << 20
_SHORTEST: Final = 256
"""Characters of Base64 or hexadecimal in a row that are taken for more than a word; paths and names are shorter."""


class Unpacker(Protocol):
    """Takes packed bytes as they come, in pieces of at most `SLICE`, and gives what is in them, until it is done."""

    done: bool

    def feed(self, data: memoryview) -> Iterator[bytes]:
        """What the next packed bytes hold. What cannot be unpacked is an end as well."""


@dataclass(frozen=True)
class Packed:
    """Something packed in a window of bytes: where it begins, how far it was recognised, and what unpacks it."""

    start: int
    known: int
    what: str
    opened: Callable[[], Unpacker]


@dataclass(frozen=True)
class Opening(Anchored):
    """How something packed begins, what unpacks it, and where from."""

    what: str = ""
    opened: Callable[[], Unpacker] = lambda: Inflater(zlib.MAX_WBITS)
    start: Callable[[re.Match[bytes]], int] = re.Match.start

    def packed(self, match: re.Match[bytes]) -> Packed:
        """What begins where the pattern matches."""
        return Packed(self.start(match), match.end(), self.what, self.opened)


class Inflater:
    """Deflate, with the head that the number of bits of its window stands for."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)
        self.done = False

    def feed(self, data: memoryview) -> Iterator[bytes]:
        """As `Unpacker` says."""
        rest = bytes(data)
        while rest and not self.done:
            try:
                piece = self._inner.decompress(rest, _PIECE)
            except zlib.error:
                self.done = True
                return
            yield piece
            rest, self.done = self._inner.unconsumed_tail, self._inner.eof


class Blocks:
    """bzip2 and xz, whose decompressors of the standard library work alike."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.done = False

    def feed(self, data: memoryview) -> Iterator[bytes]:
        """As `Unpacker` says."""
        rest = bytes(data)
        while not self.done:
            try:
                piece = self._inner.decompress(rest, _PIECE)
            except (OSError, ValueError, EOFError, lzma.LZMAError, MemoryError):
                self.done = True
                return
            yield piece
            rest, self.done = b"", self._inner.eof
            if self._inner.needs_input:
                return


class Zstandard:
    """One frame of Zstandard, as SEAL's objects have it."""

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self.done = False

    def feed(self, data: memoryview) -> Iterator[bytes]:
        """As `Unpacker` says."""
        for at in range(0, len(data), _FRAME):
            try:
                piece = self._inner.decompress(data[at : at + _FRAME])
            except zstandard.ZstdError:
                self.done = True
                return
            yield piece
            if self._inner.eof:
                self.done = True
                return


class Spelled:
    """Base64 or hexadecimal, over several lines as well, up to the first character that is neither."""

    def __init__(self, table: bytes, group: int, read: Callable[[bytes], bytes]) -> None:
        self._table, self._group, self._read = table, group, read
        self._rest = b""
        self.done = False

    def feed(self, data: memoryview) -> Iterator[bytes]:
        """As `Unpacker` says."""
        line = bytes(data).translate(self._table, b"\r\n")
        end = line.find(b"\0")
        if end >= 0:
            line, self.done = line[:end], True
        line = self._rest + line
        whole = len(line) - len(line) % self._group
        self._rest = line[whole:]
        with suppress(binascii.Error):
            yield self._read(line[:whole])


_HEX: Final = b"0123456789abcdefABCDEF"
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"


def _table(letters: bytes) -> bytes:
    """Letters as they are, but those for addresses as the usual ones; zero for everything else."""
    return bytes(byte if byte in letters else 0 for byte in range(256)).translate(
        bytes.maketrans(b"-_", b"+/")
    )


_SPELLED: Final = (
    ("Base64", _table(_BASE64), 4, binascii.a2b_base64),
    ("hexadecimal", _table(_HEX), 2, binascii.unhexlify),
)
_KINDS: Final = np.array(
    [
        sum(1 << at for at, each in enumerate(_SPELLED) if each[1][byte] or byte in b"\r\n")
        for byte in range(256)
    ],
    np.uint8,
)


def spelled(data: bytes) -> Iterator[Packed]:
    """Stretches of Base64 and hexadecimal that are long enough to hold anything."""
    values = np.frombuffer(data, np.uint8)
    for at, (what, table, group, read) in enumerate(_SPELLED):
        starts, _ = stretches(values, _KINDS, 1 << at, _SHORTEST)
        for start in starts.tolist():
            yield Packed(start, start + _SHORTEST, what, partial(Spelled, table, group, read))


def _behind_names(match: re.Match[bytes]) -> int:
    """Where the content of a member of a zip archive begins."""
    return match.end() + sum(int.from_bytes(length, "little") for length in match.groups())


# The first block is compressed: one that is stored lies open, and is searched as it is. And these are not the pixels
# of a PNG file, which is found by its beginning.
_BLOCK: Final = re.escape(bytes(byte for byte in range(256) if byte & 6 in (2, 4)))
_ZLIB: Final = pattern(rb"(?<!IDAT)\x78[\x01\x5e\x9c\xda][" + _BLOCK + rb"]")
_ZIP: Final = pattern(rb"PK\x03\x04....\x08\0.{16}(..)(..)")

OPENINGS: Final = (
    *(Opening(b"\x78" + bytes([level]), _ZLIB, 0, "zlib") for level in (0x01, 0x5E, 0x9C, 0xDA)),
    Opening(
        b"\x1f\x8b\x08", pattern(rb"\x1f\x8b\x08[\0-\x1f]"), 0, "gzip", lambda: Inflater(16 + zlib.MAX_WBITS)
    ),
    Opening(b"PK\x03\x04", _ZIP, 0, "zip", lambda: Inflater(-zlib.MAX_WBITS), _behind_names),
    Opening(b"\x28\xb5\x2f\xfd", pattern(rb"\x28\xb5\x2f\xfd"), 0, "Zstandard", Zstandard),
    Opening(b"BZh", pattern(rb"BZh[1-9]1AY&SY"), 0, "bzip2", lambda: Blocks(bz2.BZ2Decompressor())),
    Opening(
        b"\xfd7zX",
        pattern(rb"\xfd7zXZ\0"),
        0,
        "xz",
        lambda: Blocks(lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)),
    ),
)
