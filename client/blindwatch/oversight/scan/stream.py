"""Bytes as they come by: searched in windows that overlap, what is packed in them unpacked and searched as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from blindwatch.oversight.scan.anchors import Anchors, Signature
from blindwatch.oversight.scan.hits import Findings, Hit, Place
from blindwatch.oversight.scan.unpacking import OPENINGS, SLICE, Opening, Packed, Unpacker, spelled

CHUNK: Final = 1 << 20
OVERLAP: Final = 1 << 15
"""How much of what went by is looked at again with what comes next. Whatever is shorter is found in one piece."""
_GUARD: Final = 1 << 10
"""What ends so near to the end of a window may go on behind it, and is left to the next window."""

DEEPEST: Final = 5
AT_ONCE: Final = 32
LARGEST: Final = 1 << 30
ALTOGETHER: Final = 1 << 34
"""Limits of unpacking: members within members, members side by side, bytes of one, and of all in one place."""
_LEAST: Final = 64
"""Fewer bytes come out where something only looked packed."""

Detector = Callable[[bytes], Iterator[Hit]]


class Scanner:
    """What is looked for, and what was found so far."""

    def __init__(
        self, detectors: Sequence[Detector], signatures: Sequence[Signature], findings: Findings
    ) -> None:
        self._detectors = tuple(detectors)
        self._anchors = Anchors[Signature | Opening]([*signatures, *OPENINGS])
        self.findings = findings
        self.unpacked = 0

    def stream(self, place: Place, offset: int = 0) -> Stream:
        """A new stream of bytes, the first of which has this offset in its place."""
        return Stream(self, place, offset)

    def look(self, window: bytes) -> tuple[list[Hit], list[Packed]]:
        """What is found in a window, and what is packed in it."""
        hits = [hit for detector in self._detectors for hit in detector(window)]
        packed = list(spelled(window))
        for thing, match in self._anchors.find(window):
            if isinstance(thing, Opening):
                packed.append(thing.packed(match))
            elif judged := thing.judged(match):
                hits.append(Hit(match.start(), match.end(), *judged))
        return hits, packed


class Stream:
    """One sequence of bytes, fed piece by piece. Of what is found, every window counts what ends in its own part."""

    def __init__(self, scanner: Scanner, place: Place, offset: int = 0, outer: Stream | None = None) -> None:
        self.place = place
        self.unpacked = 0
        self.outermost: Stream = self if outer is None else outer.outermost
        self._scanner = scanner
        self._tail, self._new = b"", bytearray()
        self._begin = offset  # of the tail
        self._own = offset  # what ends before or here was counted
        self._members: list[_Member] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        for at in range(0, len(data), CHUNK):
            self._new += data[at : at + CHUNK]
            if len(self._new) >= CHUNK:
                self._look(is_last=False)

    def close(self) -> None:
        """Take what came as all there is."""
        if self._members or len(self._tail) + len(self._new) >= _LEAST or not self.place.within:
            self._look(is_last=True)
        for member in self._members:
            member.stream.close()
        if self.outermost is self:
            self._scanner.unpacked += self.unpacked

    def leave(self, why: str) -> None:
        """Note that something in the place is not searched."""
        self._scanner.findings.leave(self.place.name, why)

    def _look(self, *, is_last: bool) -> None:
        new, self._new = bytes(self._new), bytearray()
        if len(self.place.within) > DEEPEST:
            self.leave("something in it is packed too deep")
            return
        window, end = self._tail + new, self._begin + len(self._tail) + len(new)
        limit = end if is_last else end - _GUARD
        self._members = [member for member in self._members if member.goes_on(memoryview(new))]
        if np.frombuffer(window, np.uint8).any():
            hits, packed = self._scanner.look(window)
            for hit in hits:
                if self._own < self._begin + hit.end <= limit:
                    self._scanner.findings.add(self.place, hit.kind, hit.what, self._begin + hit.start)
            for each in packed:
                if self._own < self._begin + each.known <= limit:
                    self._unpack(each, memoryview(window)[each.start :])
        self._tail = window[-OVERLAP:]
        self._begin, self._own = end - len(self._tail), max(limit, self._own)

    def _unpack(self, packed: Packed, data: memoryview) -> None:
        if len(self._members) >= AT_ONCE:
            self.leave("too much in it is packed side by side")
            return
        place = self.place.inside(packed.what, self._begin + packed.start)
        member = _Member(self.outermost, Stream(self._scanner, place, outer=self), packed.opened())
        if member.goes_on(data):
            self._members.append(member)


class _Member:
    """Something packed, while it is unpacked."""

    def __init__(self, outermost: Stream, stream: Stream, unpacker: Unpacker) -> None:
        self.stream = stream
        self.outermost, self._unpacker = outermost, unpacker
        self._size = 0

    def goes_on(self, data: memoryview) -> bool:
        """Take the next packed bytes; false if it is at its end."""
        for at in range(0, len(data), SLICE):
            for piece in self._unpacker.feed(data[at : at + SLICE]):
                self._size += len(piece)
                self.outermost.unpacked += len(piece)
                self.stream.feed(piece)
            if self._size > LARGEST or self.outermost.unpacked > ALTOGETHER:
                self.outermost.leave("something in it unpacks to more than is searched")
                self._unpacker.done = True
            if self._unpacker.done:
                self.stream.close()
                return False
        return True
