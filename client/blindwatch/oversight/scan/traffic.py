"""Captured traffic put together again: what TCP carried each way, without the heads of packets in between.

Captures of the pcap and pcapng formats, of Ethernet, Linux's cooked packets, loopback and plain IP; IPv6 without
further heads. What is missing or not understood here is still searched in the bytes of the file.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from struct import Struct, error
from typing import Final

from blindwatch.oversight.scan.captures import Packet, Packets, packets_of
from blindwatch.oversight.scan.hits import Place
from blindwatch.oversight.scan.stream import Scanner, Stream

_FLOWS: Final = 256
_WAITING: Final = 1 << 20
"""Limits: connections at once, and bytes of one that came ahead of what should come first."""

_HEADS: Final = {1: 14, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 0: 4, 108: 4, 113: 16, 276: 20}
"""Bytes before the head of IP, by the type of the link."""
_VLAN: Final = b"\x81\x00"
_TCP: Final = 6
_PORTS: Final = Struct(">HHI")


@dataclass(frozen=True)
class _Segment:
    """What one packet of TCP carries."""

    flow: bytes
    port: int
    sequence: int
    data: bytes


@dataclass
class _Flow:
    """One way of a connection."""

    stream: Stream
    expected: int
    waiting: dict[int, bytes] = field(default_factory=dict)

    def take(self, segment: _Segment) -> None:
        """Feed what follows on what was there, and keep what is ahead of it for later."""
        self.waiting[segment.sequence] = max(segment.data, self.waiting.get(segment.sequence, b""), key=len)
        while self.waiting:
            following = min(self.waiting, key=self._ahead)
            gap = self._ahead(following)
            if gap > 0 and sum(map(len, self.waiting.values())) < _WAITING:
                return
            data = self.waiting.pop(following)
            if gap + len(data) > 0:
                self.stream.feed(data[max(-gap, 0) :])
                self.expected = (following + len(data)) % 2**32

    def close(self) -> None:
        """Feed what never got its turn."""
        for following in sorted(self.waiting, key=self._ahead):
            self.stream.feed(self.waiting[following])
        self.stream.close()

    def _ahead(self, sequence: int) -> int:
        """How far a number of a byte is ahead of the next one that is due; below zero if it was there."""
        return (sequence - self.expected + 2**31) % 2**32 - 2**31


class Capture:
    """Takes the bytes of a capture and searches what each connection carried."""

    def __init__(self, scanner: Scanner, place: Place, packets: Packets) -> None:
        self._scanner, self._place, self._packets = scanner, place, packets
        self._flows: OrderedDict[bytes, _Flow] = OrderedDict()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the capture."""
        for packet in self._packets.feed(data):
            segment = _segment(packet)
            if segment is not None:
                self._flow(segment, packet.offset).take(segment)

    def close(self) -> None:
        """Take what came as all there is."""
        for flow in self._flows.values():
            flow.close()
        self._flows.clear()

    def _flow(self, segment: _Segment, offset: int) -> _Flow:
        flow = self._flows.get(segment.flow)
        if flow is None:
            place = self._place.inside(f"connection to port {segment.port}", offset)
            flow = self._flows[segment.flow] = _Flow(self._scanner.stream(place), segment.sequence)
            if len(self._flows) > _FLOWS:
                self._flows.popitem(last=False)[1].close()
        self._flows.move_to_end(segment.flow)
        return flow


def capture_of(data: bytes, scanner: Scanner, place: Place) -> Capture | None:
    """What puts a capture together that begins with these bytes; none if it is none."""
    packets = packets_of(data)
    return None if packets is None else Capture(scanner, place, packets)


def _segment(packet: Packet) -> _Segment | None:
    """What a packet carries, if it is one of TCP and carries anything."""
    head = _HEADS.get(packet.link)
    if head is None:
        return None
    if packet.link == 1 and packet.data[12:14] == _VLAN:
        head += 4
    found = _internet(packet.data[head:])
    if found is None:
        return None
    addresses, inner = found
    try:
        _, port, sequence = _PORTS.unpack_from(inner)
        data = inner[(inner[12] >> 4) * 4 :]
    except (error, IndexError):
        return None
    return _Segment(addresses + inner[:4], port, sequence, data) if data else None


def _internet(data: bytes) -> tuple[bytes, bytes] | None:
    """The addresses in a packet of IP, and the segment of TCP in it."""
    version = data[0] >> 4 if len(data) >= 40 else 0
    if version == 4 and data[9] == _TCP:
        return data[12:20], data[(data[0] & 15) * 4 : int.from_bytes(data[2:4]) or None]
    if version == 6 and data[6] == _TCP:
        return data[8:40], data[40 : 40 + int.from_bytes(data[4:6])]
    return None
