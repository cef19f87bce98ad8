"""Shares of a key in words (SLIP-39), found as many of its words in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from shamir_mnemonic.wordlist import WORDLIST

from blindwatch.oversight.scan.hits import Hit, Kind
from blindwatch.oversight.scan.kernels import Bytes, Places, stretches

ROW: Final = 20
"""Words of the shortest share that the standard has; those of this project's keys have 33."""

_LETTERS, _BETWEEN = 4, 12
_SHORTEST: Final = ROW * (_LETTERS + 1) - 1
_WORDS: Final = frozenset(WORDLIST)
_TEXT: Final = np.array([byte in b"\t\r\n" or 32 <= byte < 127 for byte in range(256)], np.uint8)


def _code(word: str) -> int:
    """The first four letters, which no two words of the list share, as one number."""
    number = 0
    for letter in word[:_LETTERS]:
        number = 26 * number + ord(letter) - ord("a")
    return number


_KNOWN: Final[NDArray[np.bool_]] = np.zeros(26**_LETTERS, np.bool_)
_KNOWN[[_code(word) for word in WORDLIST]] = True


def find_words(data: bytes) -> Iterator[Hit]:
    """Where twenty words of the list or more stand in a row, in either case, a few other characters between them.

    Words in the order of the alphabet are no share: that is the list itself.
    """
    values = np.frombuffer(data, np.uint8)
    for start, end in np.stack(stretches(values, _TEXT, 1, _SHORTEST), 1).tolist():
        for first, last in _rows(values[start:end], _KNOWN, ROW, _BETWEEN).tolist():
            for count in _valid(data[start + first : start + last]):
                yield Hit(start + first, start + last, Kind.SHARE, f"{count} words of SLIP-39 in a row")


def _valid(row: bytes) -> Iterator[int]:
    """How many words there are, if each is one of the list; not in the list's order, nor a few over and over."""
    words = [word.decode().lower() for word in re.findall(rb"[A-Za-z]+", row)]
    runs, run = [], list[str]()
    for word in [*words, ""]:
        if word in _WORDS:
            run.append(word)
        else:
            runs.append(run)
            run = []
    for each in runs:
        if len(each) >= ROW and each != sorted(each) and len(set(each)) >= 0.8 * len(each):
            yield len(each)


@njit(cache=True)
def _rows(text: Bytes, known: NDArray[np.bool_], shortest: int, between: int) -> Places:
    """Rows of at least so many words of four to eight letters whose first four are known: start and end."""
    found = np.empty((text.size // shortest + 1, 2), np.int64)
    count, words, start, end, at = 0, 0, 0, 0, 0
    while at < text.size:
        begin, code = at, 0
        while at < text.size and 97 <= (text[at] | 32) <= 122:
            if at - begin < 4:
                code = 26 * code + (text[at] | 32) - 97
            at += 1
        if at == begin:
            at += 1
            continue
        fits = 4 <= at - begin <= 8 and known[code]
        if words and (not fits or begin - end > between):
            if words >= shortest:
                found[count, 0], found[count, 1] = start, end
                count += 1
            words = 0
        if fits:
            start = start if words else begin
            words, end = words + 1, at
    if words >= shortest:
        found[count, 0], found[count, 1] = start, end
        count += 1
    return found[:count]
