"""Named parameter presets. There are no free-form parameters: a preset is chosen by name or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from math import ceil, prod
from struct import pack
from types import MappingProxyType
from typing import Final, Literal

from blindwatch.errors import BudgetExhausted, ConfigurationError, MalformedCiphertext, WrongPreset
from blindwatch.he.layout import SWAP, Layout

PLAIN_MODULUS: Final = 65537
_SEAL_BFV: Final = 1


@dataclass(frozen=True)
class Thresholds:
    """The lowest coarse score that is released, and the lowest fine score that is a match."""

    gate: int
    fine: int


@dataclass(frozen=True)
class Preset:
    """Parameters of one deployment: the ring, the templates it takes and what a release may cost.

    A probe is compared twice: its coarse template, of a squared norm of at most `squared_norm`, decides what is
    released; its fine one gives the score that is released. Rounding moves a coarse score by 6 at one standard
    deviation, so the gate is `gate_margin` below the threshold.

    `primes` are the ciphertext primes followed by the key-switching prime. `ladder[k]` is how many ciphertext
    primes a value keeps after k products of ciphertexts in a row: noise that has grown is divided out with the
    primes that are dropped, and what follows is cheaper. Fine templates of the list keep `fine_primes`.
    `release_noise_bits` bounds the noise of a masked value at the last step of the ladder.
    """

    name: str
    backend: Literal["seal", "noop"]
    poly_degree: int
    primes: tuple[int, ...]
    ladder: tuple[int, ...]
    release_noise_bits: int
    layouts: tuple[Layout, ...]
    flood_bits: int = 40
    dimension: int = 128
    squared_norm: int = 200
    width: int = 120
    fine_squared_norm: int = 32_000
    fine_primes: int = 3
    gate_margin: int = 8

    @property
    def is_insecure(self) -> bool:
        """True where nothing is encrypted, as in tests of the logic."""
        return self.backend == "noop"

    @property
    def data_primes(self) -> int:
        """Primes of a fresh ciphertext."""
        return self.ladder[0]

    @property
    def lowest_threshold(self) -> int:
        """The lowest threshold from which `width` values reach up to every score that is possible."""
        return self.squared_norm - self.width + 1

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Every rotation that comparing a probe takes, ascending."""
        return tuple(sorted(frozenset({SWAP}).union(*(layout.steps for layout in self.layouts))))

    @cached_property
    def baby_steps(self) -> frozenset[int]:
        """Those of the steps that rotate the probe."""
        return frozenset[int]().union(*(layout.baby_steps for layout in self.layouts))

    def plan(self, entries: int) -> list[Layout]:
        """The layouts of the blocks that hold this many entries, in order: roomy ones, then what fits the rest."""
        planned: list[Layout] = []
        by_room = sorted(self.layouts, key=lambda layout: layout.capacity)
        while entries > 0:
            chosen = next((layout for layout in by_room if layout.capacity >= entries), by_room[-1])
            planned.append(chosen)
            entries -= chosen.capacity
        return planned

    def layout_of(self, parts: int) -> Layout:
        """The layout of a block of this many ciphertexts, coarse and fine."""
        for layout in self.layouts:
            if 2 * layout.parts == parts:
                return layout
        raise MalformedCiphertext("A block does not have as many ciphertexts as any layout of the preset.")

    def thresholds(self, similarity: float) -> Thresholds:
        """What decides for a lowest similarity (cosine) that is a match."""
        if not 0 < similarity <= 1:  # nor where it is not a number
            raise ConfigurationError("The lowest similarity of a match must lie between 0 and 1.")
        gate = round(similarity * self.squared_norm) - self.gate_margin
        fine = ceil(similarity * self.fine_squared_norm)
        chosen = Thresholds(max(gate, self.lowest_threshold), fine)
        self.check_threshold(chosen.gate)
        return chosen

    def check_threshold(self, threshold: int) -> None:
        """Refuse a threshold whose match set {threshold..squared_norm} this preset cannot evaluate exactly."""
        lowest = self.lowest_threshold
        if not lowest <= threshold <= self.squared_norm:
            raise ConfigurationError(
                "The threshold is outside what the preset evaluates.",
                f"Choose between {lowest} and {self.squared_norm} for {self.name}.",
            )

    def check_flooding(self) -> None:
        """Refuse parameters under which a flooded release would not decrypt exactly."""
        if self.is_insecure:
            return
        room = prod(self.primes[: self.ladder[-1]]).bit_length() - 1
        if self.release_noise_bits + self.flood_bits + 1 + PLAIN_MODULUS.bit_length() + 1 > room:
            raise BudgetExhausted

    def parms_id(self, primes: int) -> bytes:
        """SEAL's identifier of the level with this many primes: BLAKE2b-256 of the parameters as 64-bit words."""
        words = (_SEAL_BFV, self.poly_degree, *self.primes[:primes], PLAIN_MODULUS)
        return blake2b(pack(f"<{len(words)}Q", *words), digest_size=32).digest()


# The largest primes below 2^48 that are 1 modulo 2N and modulo t, so that every product q of them is 1 modulo t:
# that keeps the rounding of the scaled plaintext small at every level. Residues below 2^48 take six bytes, and in
# double precision thirty of them add up exactly. In all 384 bits, of the 438 that the HomomorphicEncryption.org
# standard (and SEAL's table after it) allows at N = 16384 for 128-bit classical security.
_PRIMES_16384: Final = (
    281449206448129,
    281412698669057,
    281335388078081,
    281316060430337,
    281283847684097,
    281255929970689,
    281243044872193,
    281238749839361,
)

_LAYOUTS_16384: Final = (
    Layout(row=8192, babies=16, giants=8, groups=1),
    Layout(row=8192, babies=8, giants=1, groups=16),
)

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        each.name: each
        for each in (
            Preset(
                name="reveal-128",
                backend="seal",
                poly_degree=16384,
                primes=_PRIMES_16384,
                ladder=(7, 7, 6, 6, 5, 4, 4, 3, 2),
                release_noise_bits=36,
                layouts=_LAYOUTS_16384,
            ),
            Preset(
                name="insecure-noop-128",
                backend="noop",
                poly_degree=16384,
                primes=(),
                ladder=(1,) * 9,
                release_noise_bits=0,
                layouts=_LAYOUTS_16384,
                fine_primes=1,
            ),
        )
    }
)


def preset(name: str) -> Preset:
    """The preset of this name."""
    try:
        return PRESETS[name]
    except KeyError:
        raise WrongPreset("The preset is not known.", f"Known presets: {', '.join(PRESETS)}.") from None
