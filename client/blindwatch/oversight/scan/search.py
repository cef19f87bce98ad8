"""Searches bytes for many needles at once. Only what lies in one piece is found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from blindwatch.oversight.scan.kernels import WINDOW, WORD, filter_of, hashes_of, irregularity, sift
from blindwatch.oversight.scan.needles import LONGEST, Needle, is_telling

_SPAN: Final = WINDOW + WORD - 1
"""Of so many bytes, one window begins on the border of a word wherever they lie."""
_SMALLEST, _LARGEST = 20, 30
_ROOM: Final = 32
"""Bits of the filter for each known hash, at least: one in some hundreds passes that is not known."""


class Search:
    """Looks for many needles in one pass.

    Of each needle it knows the hashes of eight windows, one for every place in a word where the needle may begin. So
    it is enough to hash what is searched at the borders of words, and to compare in full where a hash is known.
    """

    def __init__(self, needles: Iterable[Needle]) -> None:
        self.needles = [each for each in needles if is_telling(each.data)]
        if any(len(each.data) > LONGEST for each in self.needles):
            raise ValueError("a needle is longer than the overlap of chunks")
        starts = [_most_irregular(each.data) for each in self.needles]
        places = [(owner, start + shift) for owner, start in enumerate(starts) for shift in range(WORD)]
        windows = b"".join(self.needles[owner].data[at : at + WINDOW] for owner, at in places)
        hashes = hashes_of(np.frombuffer(windows, "<u8"))
        self._known: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for value, place in zip(hashes.tolist(), places, strict=True):
            self._known[value].append(place)
        self._width = min(max(_SMALLEST, (_ROOM * len(places)).bit_length()), _LARGEST)
        self._filter = filter_of(hashes, self._width)

    def find(self, data: bytes) -> Iterator[tuple[Needle, int]]:
        """Every needle that lies in some bytes, and where it begins."""
        if not self.needles:
            return
        words = np.frombuffer(data, "<u8", len(data) // WORD)
        at, hashes = sift(words, self._filter, self._width)
        for word, value in zip(at.tolist(), hashes.tolist(), strict=True):
            for owner, offset in self._known.get(value, ()):
                start = word * WORD - offset
                if start >= 0 and data.startswith(self.needles[owner].data, start):
                    yield self.needles[owner], start


def _most_irregular(data: bytes) -> int:
    """Where the bytes change most: runs of zeros, as in small integers, are everywhere."""
    return irregularity(np.frombuffer(data, np.uint8), _SPAN)[2]
