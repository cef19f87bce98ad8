"""The packets in a capture, of the pcap and pcapng formats, as its bytes come by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

_LARGEST: Final = 1 << 20
"""Bytes of the largest packet or block; what says that it is larger ends the reading."""


@dataclass(frozen=True)
class Packet:
    """One packet as it was captured, the type of its link, and where in the capture it begins."""

    link: int
    data: bytes
    offset: int


class Packets(ABC):
    """Cuts a capture into its packets."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._offset = 0
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete with the next bytes."""
        if self._is_over:
            return
        self._rest += data
        while size := self._size():
            part = bytes(self._rest[:size])
            packet = self._packet(part)
            if packet is not None:
                yield packet
            del self._rest[:size]
            self._offset += size

    def _size(self) -> int:
        """Bytes of the next part; zero while it is not there whole."""
        size = self._length()
        self._is_over = size > _LARGEST
        if self._is_over:
            self._rest.clear()
        return size if 0 < size <= len(self._rest) else 0

    @abstractmethod
    def _length(self) -> int:
        """Bytes of the next part by what its head says; zero while that is not there."""

    @abstractmethod
    def _packet(self, part: bytes) -> Packet | None:
        """The packet in a part, if there is one."""


class _Classic(Packets):
    """pcap: a head of 24 bytes, then packets with 16 bytes before each."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self._head, self._each = Struct(f"{order}20xI"), Struct(f"{order}8xI4x")
        self._link: int | None = None

    def _length(self) -> int:
        if self._link is None:
            return self._head.size
        if len(self._rest) < self._each.size:
            return 0
        return self._each.size + int(self._each.unpack_from(self._rest)[0])

    def _packet(self, part: bytes) -> Packet | None:
        if self._link is None:
            self._link = self._head.unpack(part)[0] & 0xFFFF
            return None
        return Packet(self._link, part[self._each.size :], self._offset)


class _Blocks(Packets):
    """pcapng: blocks with a type and a length, of which some describe links and some hold packets."""

    _SECTION, _INTERFACE, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 3, 6

    def __init__(self) -> None:
        super().__init__()
        self._order = "<"
        self._links: list[int] = []

    def _length(self) -> int:
        if len(self._rest) < 12:
            return 0
        if self._rest[:4] == b"\x0a\x0d\x0d\x0a":
            self._order = "<" if self._rest[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
        return max(int(Struct(f"{self._order}4xI").unpack_from(self._rest)[0]), 12)

    def _packet(self, part: bytes) -> Packet | None:
        (kind,) = Struct(f"{self._order}I").unpack_from(part)
        if kind == self._SECTION:
            self._links = []
        elif kind == self._INTERFACE and len(part) >= 20:
            self._links.append(Struct(f"{self._order}8xH").unpack_from(part)[0])
        elif kind == self._SIMPLE and self._links:
            return Packet(self._links[0], part[12:-4], self._offset)
        elif kind == self._ENHANCED and len(part) >= 32:
            interface, size = Struct(f"{self._order}8xI8xI").unpack_from(part)
            if interface < len(self._links):
                return Packet(self._links[interface], part[28 : 28 + size], self._offset)
        return None


def packets_of(data: bytes) -> Packets | None:
    """What reads a capture that begins with these bytes; none if it is none."""
    if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return _Classic("<")
    if data[:4] in (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"):
        return _Classic(">")
    if data[:4] == b"\x0a\x0d\x0d\x0a" and data[8:12] in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
        return _Blocks()
    return None
