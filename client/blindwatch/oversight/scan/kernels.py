"""What a scan does with every byte, compiled: sifting for known windows, for anchors and for stretches of a kind."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Places = NDArray[np.int64]

WORD: Final = 8
WINDOW: Final = 32


@njit(cache=True)
def _hash(words: Words, at: int) -> Any:
    """Of the window that begins with a word."""
    mixed = words[at]
    for step in range(1, 4):
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15) + words[at + step]
    return (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xC2B2AE3D27D4EB4F)


@njit(cache=True)
def hashes_of(windows: Words) -> Words:
    """Of windows one after the other."""
    result = np.empty(windows.size // 4, np.uint64)
    for at in range(result.size):
        result[at] = _hash(windows, 4 * at)
    return result


@njit(cache=True)
def _bit(value: np.uint64, which: int, width: int) -> np.uint64:
    """One of two places of a hash in a filter of 2^width bits."""
    return (value >> np.uint64(64 - 32 * which - width)) & np.uint64((1 << width) - 1)


@njit(cache=True)
def filter_of(hashes: Words, width: int) -> Bytes:
    """A Bloom filter of 2^width bits, with two for every hash."""
    bits = np.zeros(1 << (width - 3), np.uint8)
    for value in hashes:
        for which in range(2):
            place = _bit(value, which, width)
            bits[place >> np.uint64(3)] |= np.uint8(1 << (place & np.uint64(7)))
    return bits


@njit(cache=True)
def sift(words: Words, bits: Bytes, width: int) -> tuple[Places, Words]:
    """The windows at borders of words whose hash may be known: with which word they begin, and the hash."""
    at, hashes = np.empty(words.size, np.int64), np.empty(words.size, np.uint64)
    count = 0
    for word in range(words.size - 3):
        value = _hash(words, word)
        passes = True
        for which in range(2):
            place = _bit(value, which, width)
            passes = passes and (bits[place >> np.uint64(3)] >> (place & np.uint64(7))) & np.uint64(1) == 1
        if passes:
            at[count], hashes[count] = word, value
            count += 1
    return at[:count], hashes[:count]


@njit(cache=True)
def irregularity(data: Bytes, span: int) -> tuple[float, int, int]:
    """The information in bytes by the frequencies of their values, in bits; in how many places a byte differs from
    the one before; and where so many bytes begin in which most of these places are."""
    counts = np.zeros(256, np.int64)
    changes, inside, most, best = 0, 0, -1, 0
    for at in range(data.size):
        counts[data[at]] += 1
        if at and data[at] != data[at - 1]:
            changes += 1
            inside += 1
        if at >= span and data[at - span + 1] != data[at - span]:
            inside -= 1
        if at >= span - 1 and inside > most:
            most, best = inside, at - span + 1
    bits = 0.0
    for count in counts:
        if count:
            bits -= count * np.log2(count / data.size)
    return bits, changes, best


@njit(cache=True)
def anchored(
    data: Bytes, first: NDArray[np.int16], following: NDArray[np.int16], values: Places, masks: Places
) -> tuple[Places, Places]:
    """Where any of some anchors of two to four bytes stands, and which.

    `first` has for each pair of bytes the first anchor that begins with it, `following` the next of the same pair.
    """
    at, which = np.empty(data.size, np.int64), np.empty(data.size, np.int64)
    count = 0
    for place in range(data.size - 3):
        anchor = first[data[place] | np.int64(data[place + 1]) << 8]
        while anchor >= 0 and count < data.size:
            word = (
                data[place]
                | np.int64(data[place + 1]) << 8
                | np.int64(data[place + 2]) << 16
                | np.int64(data[place + 3]) << 24
            )
            if word & masks[anchor] == values[anchor]:
                at[count], which[count] = place, anchor
                count += 1
            anchor = following[anchor]
    return at[:count], which[:count]


@njit(cache=True)
def stretches(data: Bytes, kinds: Bytes, kind: int, shortest: int) -> tuple[Places, Places]:
    """The stretches of at least so many bytes of one kind, by a table of kinds: where each begins and ends.

    Like all of the following it goes through from the end of the shortest stretch that could be next, so that it
    reads hardly anything where there are none.
    """
    starts, ends = (
        np.empty(data.size // shortest + 1, np.int64),
        np.empty(data.size // shortest + 1, np.int64),
    )
    count, low = 0, 0
    while low + shortest <= data.size:
        back = low + shortest - 1
        while back >= low and kinds[data[back]] & kind:
            back -= 1
        if back >= low:
            low = back + 1
            continue
        end = low + shortest
        while end < data.size and kinds[data[end]] & kind:
            end += 1
        starts[count], ends[count] = low, end
        count += 1
        low = end + 1
    return starts[:count], ends[:count]
