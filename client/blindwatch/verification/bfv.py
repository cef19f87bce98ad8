"""The match server's engine as a `VerdictEngine`: reveal on match in BFV, of which the indicator alone is read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from secrets import token_bytes
from typing import Final

import numpy as np

from blindwatch.he import verdicts
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.masks import SECRET_BYTES
from blindwatch.he.matching import Block, Matcher
from blindwatch.he.presets import Preset
from blindwatch.he.released import INDICATOR, Release, opened
from blindwatch.he.templates import Templates
from blindwatch.he.verdicts import Integers, Verdicts
from blindwatch.secret.keys import Decryptor, KeySet, generate

_ONLY: Final = "verify"


class BfvEngine:
    """Verdicts under one preset, with keys made for it."""

    def __init__(self, preset: Preset, keys: KeySet | None = None) -> None:
        self._preset = preset
        self._keys = keys or generate(preset)
        self._encryptor = Encryptor(self._keys.encryption)
        self._decryptor = Decryptor(self._keys.secret)

    @property
    def scheme(self) -> str:
        """The scheme in words."""
        return f"BFV ({self._preset.name})"

    def verdicts(self, probe: Integers, entries: Integers, threshold: int) -> Verdicts:
        """One bit for each entry; see `VerdictEngine`. The preset sets how low the threshold may be."""
        verdicts.check(probe, entries, threshold)
        matcher = Matcher(self._keys.evaluation, threshold, token_bytes(SECRET_BYTES))
        blocks = [
            matcher.load_block(parts, len(parts))
            for parts in (list(block) for block in self._encryptor.watchlist(_blank(entries)))
        ]
        sealed = self._encryptor.probe(_blank(probe[None]))
        start = time.perf_counter()
        released = matcher.match(sealed, blocks, _ONLY)
        seconds = time.perf_counter() - start
        return Verdicts(self._read(blocks, released, len(entries)), 0.0, seconds)

    def _read(self, blocks: Sequence[Block], released: Sequence[Release], entries: int) -> tuple[bool, ...]:
        indicators = [
            opened(block.layout, release, [INDICATOR], self._decryptor.slots)[0]
            for block, release in zip(blocks, released, strict=True)
        ]
        return tuple(bool(value == 0) for value in np.concatenate(indicators)[:entries])


def _blank(coarse: Integers) -> Templates:
    """Templates without a fine part: there is no score to release."""
    return Templates(coarse, np.zeros_like(coarse))
