"""What a deployment is for, and what that asks of its offer, its ciphertexts and its watchlist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from blindwatch.errors import (
    ConfigurationError,
    MalformedMessage,
    RankedNotAllowed,
    TooLarge,
    WrongPreset,
)
from blindwatch.he.preflight import check_part
from blindwatch.he.presets import Preset, preset
from blindwatch.he.ranked import forms
from blindwatch.he.ranked.presets import RANK_PRESETS, RankPreset
from blindwatch.statements.predicates import Watchlist
from blindwatch.wire import limits
from blindwatch.wire.messages import Use


class Rules(Protocol):
    """The checks of one use under one preset; none of them runs native code."""

    @property
    def use(self) -> Use:
        """The use that these are the rules of."""
        ...

    @property
    def blob_limit(self) -> int:
        """The most bytes of one piece of a watchlist."""
        ...

    def check_threshold(self, gate: int) -> None:
        """Refuse a threshold that the preset does not evaluate."""
        ...

    def check_blob(self, key_id: str, data: bytes) -> None:
        """Refuse what cannot be a piece of a watchlist, by its header and size."""
        ...

    def check_shape(self, watchlist: Watchlist) -> None:
        """Refuse a watchlist of other blocks than its entries take."""
        ...


@dataclass(frozen=True)
class RevealRules:
    """Reveal on match."""

    preset: Preset
    use: Use = "reveal"
    blob_limit: int = limits.BLOB

    def check_threshold(self, gate: int) -> None:
        """The threshold must be one that the preset evaluates."""
        self.preset.check_threshold(gate)

    def check_blob(self, key_id: str, data: bytes) -> None:  # noqa: ARG002 - ciphertexts name no key
        """A piece is a fresh ciphertext."""
        check_part(self.preset, data)

    def check_shape(self, watchlist: Watchlist) -> None:
        """As many blocks as the preset plans, each of its layout's parts."""
        # Planning takes a step for each block, so it must not begin for any number of them.
        most = limits.BLOCKS * max(layout.capacity for layout in self.preset.layouts)
        _check_count(watchlist, most, limits.BLOCKS)
        planned = [2 * layout.parts for layout in self.preset.plan(watchlist.entries)]
        _check_parts(watchlist, planned)


@dataclass(frozen=True)
class RankedRules:
    """Ranked search."""

    preset: RankPreset
    use: Use = "ranked"
    blob_limit: int = limits.RANKED_FORM

    def check_threshold(self, gate: int) -> None:
        """There is no threshold: every score is returned."""
        if gate != 0:
            raise ConfigurationError(
                "A ranked deployment has no threshold.", "Draw its manifest up with a gate of 0."
            )

    def check_blob(self, key_id: str, data: bytes) -> None:
        """A piece is a whole block."""
        forms.check(forms.BLOCK, self.preset, key_id, data)

    def check_shape(self, watchlist: Watchlist) -> None:
        """As many blocks as hold the entries, each of one piece."""
        _check_count(watchlist, limits.RANKED_BLOCKS * self.preset.poly_degree, limits.RANKED_BLOCKS)
        _check_parts(watchlist, [1] * self.preset.blocks(watchlist.entries))


_ALLOW_RANKED: Final = (
    "Only a server with the setting allow_ranked takes it, since the operator learns every score."
)


def rules(name: str) -> RevealRules | RankedRules:
    """The rules of the preset of this name."""
    return RankedRules(RANK_PRESETS[name]) if name in RANK_PRESETS else RevealRules(preset(name))


def check_allowed(found: RevealRules | RankedRules, *, insecure: bool, ranked: bool) -> None:
    """Refuse what this server is not set to do."""
    if isinstance(found, RankedRules):
        if not ranked:
            raise RankedNotAllowed(hint=_ALLOW_RANKED)
    elif found.preset.is_insecure and not insecure:
        raise WrongPreset(
            "The preset encrypts nothing, so this server refuses it.",
            hint="Choose a preset that is not called insecure.",
        )


def _check_count(watchlist: Watchlist, most: int, blocks: int) -> None:
    if watchlist.entries > most:
        raise TooLarge(f"The watchlist has more entries than {blocks} blocks hold.")


def _check_parts(watchlist: Watchlist, planned: list[int]) -> None:
    if [len(block) for block in watchlist.blocks] != planned:
        raise MalformedMessage("The watchlist has other blocks than the preset plans for its entries.")
