"""Exact arithmetic modulo primes below 2^48 on doubles.

A residue is a double that holds an integer. A product of two is computed as h + l, rounded product and rounding
error, which a fused multiply-add gives exactly; subtracting the nearest multiple q of the prime from h is exact
too, since the difference is an integer below 2^53 (the technique of Dekker 1971, as used by Hoeven, Lecerf and
Quintin, "Modular SIMD arithmetic in Mathemagix", 2016).

With |a| = x p and |b| <= p / 2 the result of `multiply` is below (0.5 + x / 20) p: half a prime for rounding, x / 32
for the error of the quotient's two roundings and x / 64 for what l adds. `reduce` gives at most p / 2 + 1. Doubles
hold all integers up to 2^53, which is 32 primes: sums of that many residues need no reduction on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

PRIME_LIMIT: Final = 2**48


def _fused(_context: Any, _a: Any, _b: Any, _c: Any) -> Any:

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


def _nearest(_context: Any, _a: Any) -> Any:

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        function = builder.module.declare_intrinsic("llvm.rint", [ir.DoubleType()])
        return builder.call(function, arguments)

    return types.float64(types.float64), generate


# Numba types an intrinsic by its builder, not by what compiled code calls.
fused = cast(Callable[[float, float, float], float], intrinsic(_fused))
"""The rounded value of a * b + c: one rounding, not two."""

nearest = cast(Callable[[float], float], intrinsic(_nearest))
"""The integer nearest to a."""


@njit(inline="always")
def multiply(a: float, b: float, prime: float, inverse: float) -> float:
    """A residue of a * b; `inverse` is 1 / prime rounded."""
    high = a * b
    low = fused(a, b, -high)
    return fused(-nearest(high * inverse), prime, high) + low


@njit(inline="always")
def reduce(a: float, prime: float, inverse: float) -> float:
    """The residue of a that is nearest to zero, or a neighbour of it."""
    return fused(-nearest(a * inverse), prime, a)
