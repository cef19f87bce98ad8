"""From a result to matches. What is decrypted for everybody else is noise, and is dropped where it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import MalformedCiphertext
from blindwatch.he.presets import PLAIN_MODULUS
from blindwatch.he.released import INDICATOR, PIECES, SCORE, opened, shares
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
        for indicators, scores in self._opened(releases, (INDICATOR, SCORE)):
            hits = np.flatnonzero(indicators == 0)
            found += [Match(start + int(entry), _centred(int(scores[entry]))) for entry in hits]
            start += len(indicators)
        if any(abs(match.score) > self._highest for match in found):
            # No server that follows the protocol releases this, so no entry of it may be shown to anybody.
            raise MalformedCiphertext("The result has a score that no template can have.")
        return [match for match in found if match.score >= self._threshold]

    def pieces(self, releases: Sequence[ReleasedBlock], entry: int) -> list[int]:
        """The numbers that are released of a key with an entry: its pieces if the entry matches.

        Those of all blocks are decrypted, so that the time does not tell in which one the entry is.
        """
        if not 0 <= entry < self._entries:
            raise MalformedCiphertext("The watchlist has no entry of this number.")
        pieces: list[int] = np.concatenate(list(self._opened(releases, PIECES)), axis=1)[:, entry].tolist()
        return pieces

    def forget(self) -> None:
        """Let go of the key; nothing is opened any more."""
        self._decryptor.forget()

    def values(self, releases: Sequence[ReleasedBlock]) -> tuple[Values, Values]:
        """All indicators and scores as they decrypt, in the order of entries, for showing what they look like."""
        indicators, scores = np.concatenate(list(self._opened(releases, (INDICATOR, SCORE))), axis=1)
        return indicators, scores

    def _opened(self, releases: Sequence[ReleasedBlock], wanted: Sequence[int]) -> Iterator[Values]:
        """These numbers of the entries of each block, (wanted, entries)."""
        if [len(each.ciphertexts) for each in releases] != [len(shares(each)) for each in self._plan]:
            raise MalformedCiphertext("The result does not have as many ciphertexts as the watchlist takes.")
        left = self._entries
        for layout, release in zip(self._plan, releases, strict=True):
            yield opened(layout, release.ciphertexts, wanted, self._decryptor.slots)[:, :left]
            left -= layout.capacity


def _centred(value: int) -> int:
    return value - PLAIN_MODULUS if value > PLAIN_MODULUS // 2 else value
