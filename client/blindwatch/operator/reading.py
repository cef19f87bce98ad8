"""From a result to matches. What is decrypted for everybody else is noise, and is dropped where it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import MalformedCiphertext
from blindwatch.he.presets import PLAIN_MODULUS
from blindwatch.secret.keys import Decryptor, SecretKey
from blindwatch.wire.messages import ReleasedBlock

Values = NDArray[np.int64]


@dataclass(frozen=True)
class Match:
    """An entry of the watchlist that the probe reached, by its number, and the fine score."""

    entry: int
    score: int


class Reader:
    """Opens the results of one watchlist.

    The server releases a score for every entry whose coarse score reaches the gate. Those whose fine score stays
    below the threshold are dropped here, unseen.
    """

    def __init__(self, secret: SecretKey, threshold: int, entries: int) -> None:
        self._decryptor = Decryptor(secret)
        self._threshold = threshold
        self._highest = secret.preset.fine_squared_norm
        self._plan = secret.preset.plan(entries)
        self._entries = entries

    def matches(self, releases: Sequence[ReleasedBlock]) -> list[Match]:
        """The matches of a result; raises CipherError if it is not one of this watchlist."""
        found: list[Match] = []
        start = 0
        for indicators, scores in self._opened(releases):
            hits = np.flatnonzero(indicators == 0)
            found += [Match(start + int(entry), _centred(int(scores[entry]))) for entry in hits]
            start += len(indicators)
        if any(abs(match.score) > self._highest for match in found):
            # No server that follows the protocol releases this, so no entry of it may be shown to anybody.
            raise MalformedCiphertext("The result has a score that no template can have.")
        return [match for match in found if match.score >= self._threshold]

    def pieces(self, releases: Sequence[ReleasedBlock], entry: int) -> list[int]:
        """The numbers in an entry's slot of what is released of a key: its pieces if the entry matches."""
        self._check(releases)
        for layout, release in zip(self._plan, releases, strict=True):
            if entry < layout.capacity:
                slot = layout.entry_slots()[entry]
                return [int(self._decryptor.slots(each)[slot]) for each in release.pieces]
            entry -= layout.capacity
        raise MalformedCiphertext("The watchlist has no entry of this number.")

    def forget(self) -> None:
        """Let go of the key; nothing is opened any more."""
        self._decryptor.forget()

    def values(self, releases: Sequence[ReleasedBlock]) -> tuple[Values, Values]:
        """All indicators and scores as they decrypt, in the order of entries, for showing what they look like."""
        opened = list(self._opened(releases))
        return np.concatenate([each[0] for each in opened]), np.concatenate([each[1] for each in opened])

    def _opened(self, releases: Sequence[ReleasedBlock]) -> Iterator[tuple[Values, Values]]:
        self._check(releases)
        left = self._entries
        for layout, release in zip(self._plan, releases, strict=True):
            slots = layout.entry_slots()[:left]
            yield self._decryptor.slots(release.indicator)[slots], self._decryptor.slots(release.score)[slots]
            left -= len(slots)

    def _check(self, releases: Sequence[ReleasedBlock]) -> None:
        if len(releases) != len(self._plan):
            raise MalformedCiphertext("The result does not have as many blocks as the watchlist.")


def _centred(value: int) -> int:
    return value - PLAIN_MODULUS if value > PLAIN_MODULUS // 2 else value
