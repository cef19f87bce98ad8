"""The release polynomial: zero exactly where a score reaches the threshold.

For a threshold T let V = {T, ..., T + width - 1}. It covers every score that can match, because no score is
above the squared norm of templates (Cauchy-Schwarz) and T + width - 1 is not below it; what V has beyond is
never reached. With A the sum of V's ends and z = s^2 - A s, the values v and A - v give the same z, so
P(z) = product over half of V of (z - v (v - A)) has degree width / 2 and is zero exactly when s is in V, as long
as |s| is far below the prime t. P is monic of degree 4 * 15, the shape that Paterson and Stockmeyer (SIAM J.
Comput. 2, 1973) evaluate in 3 products for z^2..z^4, 3 for z^8, z^16, z^32 and 7 to combine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blindwatch.he.presets import PLAIN_MODULUS, Preset

BASE: Final = 4
"""Powers of z up to this one are combined with plain coefficients."""

Coefficients = list[int]
"""Of a polynomial over the integers modulo t, lowest first."""


@dataclass(frozen=True)
class Low:
    """A polynomial of degree at most `BASE`: combined from powers, without a product."""

    coefficients: Coefficients


@dataclass(frozen=True)
class Split:
    """(z^power + shift) * left + right."""

    power: int
    shift: Low
    left: Low | Split
    right: Low | Split


def fold(preset: Preset, threshold: int) -> int:
    """The A of z = s^2 - A s."""
    return 2 * threshold + preset.width - 1


def coefficients(preset: Preset, threshold: int) -> Coefficients:
    """The release polynomial in z."""
    middle = fold(preset, threshold)
    product = [1]
    for value in range(threshold, threshold + preset.width // 2):
        root = value * (value - middle)
        product = [
            (above - root * here) % PLAIN_MODULUS
            for above, here in zip([0, *product], [*product, 0], strict=True)
        ]
    return product


def split(polynomial: Coefficients) -> Low | Split:
    """Arrange a monic polynomial of degree BASE * (2^m - 1) for evaluation."""
    degree = len(polynomial) - 1
    if degree <= BASE:
        return Low(polynomial)
    power = (degree + BASE) // 2
    left, low = polynomial[power:], polynomial[:power]
    top = power - BASE
    low[top] -= 1
    shift, rest = _divide(low, left)
    return Split(power, Low(shift), split(left), split([*rest, 1]))


def _divide(polynomial: Coefficients, monic: Coefficients) -> tuple[Coefficients, Coefficients]:
    """Quotient and remainder by a monic polynomial."""
    rest = [value % PLAIN_MODULUS for value in polynomial]
    degree = len(monic) - 1
    quotient = [0] * (len(rest) - degree)
    for at in reversed(range(len(quotient))):
        factor = quotient[at] = rest[at + degree]
        for offset, value in enumerate(monic):
            rest[at + offset] = (rest[at + offset] - factor * value) % PLAIN_MODULUS
    return quotient, rest[:degree]
