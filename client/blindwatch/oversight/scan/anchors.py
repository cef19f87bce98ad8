"""Things that are known by how they begin: a few bytes to look for, and a pattern around them that decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from blindwatch.oversight.scan.hits import Kind
from blindwatch.oversight.scan.kernels import anchored


@dataclass(frozen=True)
class Anchored:
    """Two to four bytes, and the pattern that begins so many bytes before them."""

    anchor: bytes
    pattern: re.Pattern[bytes]
    before: int = 0


@dataclass(frozen=True)
class Signature(Anchored):
    """The beginning of something that should not be there; `judge` may say more of it, or that it is nothing."""

    what: str = ""
    kind: Kind = Kind.KEY
    judge: Callable[[re.Match[bytes]], tuple[Kind, str] | None] | None = None

    def judged(self, match: re.Match[bytes]) -> tuple[Kind, str] | None:
        """What was found, if it was."""
        return (self.kind, self.what) if self.judge is None else self.judge(match)


AnchoredT = TypeVar("AnchoredT", bound=Anchored)


def pattern(text: bytes) -> re.Pattern[bytes]:
    """A pattern in which a dot is any byte."""
    return re.compile(text, re.DOTALL)


class Anchors(Generic[AnchoredT]):
    """Finds where any of many things begin, in one pass."""

    def __init__(self, things: Sequence[AnchoredT]) -> None:
        self._things = list(things)
        self._first = np.full(1 << 16, -1, np.int16)
        self._following = np.full(len(things), -1, np.int16)
        for at, thing in enumerate(things):
            pair = int.from_bytes(thing.anchor[:2], "little")
            self._following[at], self._first[pair] = self._first[pair], at
        lengths = [len(thing.anchor) for thing in things]
        self._values = np.array([int.from_bytes(thing.anchor, "little") for thing in things], np.int64)
        self._masks = np.array([(1 << 8 * length) - 1 for length in lengths], np.int64)

    def find(self, data: bytes) -> Iterator[tuple[AnchoredT, re.Match[bytes]]]:
        """Every thing that begins in some bytes, as the match of its pattern."""
        known = (self._first, self._following, self._values, self._masks)
        at, which = anchored(np.frombuffer(data, np.uint8), *known)
        for place, number in zip(at.tolist(), which.tolist(), strict=True):
            thing = self._things[number]
            start = place - thing.before
            if start >= 0 and (match := thing.pattern.match(data, start)):
                yield thing, match
