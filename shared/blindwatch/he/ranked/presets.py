"""Presets of ranked search, apart from those of reveal on match: the scheme, the ring and the blocks all differ.

One coordinate of a template is one ciphertext: coefficient j of the i-th ciphertext of a block is coordinate i of
its entry j, and the i-th ciphertext of a query is the constant polynomial of the query's coordinate i. So the sum
of d plain products holds the scores of a block in its coefficients, with no rotation and no slot.

Noise. A fresh ciphertext (c0, c1) of SEAL is rounded down from one more prime, which leaves the noise r0 + r1 s
with r uniform in +-1/2 and a ternary secret s: standard deviation sqrt((1 + 2 N / 3) / 12) = 15.1 = 2^3.9 for each
coefficient. A product's noise is t times the products of two of these, N of them for each of d coordinates; s^2
in them doubles the variance. So the sum has 2^7.8 sqrt(2 d N) t = 2^30.8 for d = 128 and 2^31.8 for d = 512, and
decryption is exact up to q / (2 t) = 2^46. Switching to one prime divides that by 2^30 and adds the rounding
r0 + r1 s + r2 s^2 of three polynomials, sqrt((1 + 2 N / 3 + 2 (2 N / 3)^2) / 12) = 1115 = 2^10.1, where 2^16 is
the limit: 58 standard deviations of a sum of independent bounded terms, so that the chance of a wrong score is
below 2 exp(-58^2 / 2), or 2^-2000. SEAL shows a budget of about 3 bits for the largest of a block's coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from struct import pack
from types import MappingProxyType
from typing import Final

from blindwatch.errors import WrongPreset

CHUNK: Final = 64
"""Neighbouring coefficients that the scan takes at a time, and the side of the transform's square: sqrt(N)."""

FOLD_ROWS: Final = 8
"""Pairs of products that 64 bits hold between two folds; see `kernels`."""

_SEAL_BFV: Final = 1


@dataclass(frozen=True)
class RankPreset:
    """Parameters of ranked search over templates of one dimension.

    `primes` are the two ciphertext primes followed by the one that SEAL drops from a fresh encryption. All are
    just under 2^30 and 1 modulo 2 N, hence modulo t = 2 N as well: then q is 1 modulo t with both primes and with
    one, and the product of two BFV ciphertexts times -t is a BFV ciphertext of the product (`scanning`).
    """

    name: str
    dimension: int
    poly_degree: int = 4096
    # In all 90 bits, of the 109 that the HomomorphicEncryption.org standard (and SEAL's table after it) allows at
    # N = 4096 for 128-bit classical security.
    primes: tuple[int, ...] = (1073692673, 1073668097, 1073651713)
    plain_modulus: int = 8192
    squared_norm: int = 4095

    @property
    def data_primes(self) -> int:
        """Primes of a fresh ciphertext."""
        return len(self.primes) - 1

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Of the residues of a block or a query: primes, chunks, dimension, polynomials, coefficients of a chunk."""
        return self.data_primes, self.poly_degree // CHUNK, self.dimension, 2, CHUNK

    def blocks(self, entries: int) -> int:
        """How many blocks hold this many entries."""
        return -(-entries // self.poly_degree)

    def parms_id(self, primes: int) -> bytes:
        """SEAL's identifier of the level with this many primes: BLAKE2b-256 of the parameters as 64-bit words."""
        words = (_SEAL_BFV, self.poly_degree, *self.primes[:primes], self.plain_modulus)
        return blake2b(pack(f"<{len(words)}Q", *words), digest_size=32).digest()


RANK_PRESETS: Final[Mapping[str, RankPreset]] = MappingProxyType(
    {f"rank-{dimension}": RankPreset(f"rank-{dimension}", dimension) for dimension in (128, 256, 512)}
)


def rank_preset(name: str) -> RankPreset:
    """The preset of this name."""
    try:
        return RANK_PRESETS[name]
    except KeyError:
        raise WrongPreset(
            "The preset is not one of ranked search.", f"Known presets: {', '.join(RANK_PRESETS)}."
        ) from None
