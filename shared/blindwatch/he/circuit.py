"""Scores and the release polynomial over any scheme: the encrypted computation as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

from blindwatch.he.layout import Layout
from blindwatch.he.polynomial import BASE, Low, Split, coefficients, fold, split
from blindwatch.he.presets import Preset
from blindwatch.he.scheme import Scheme, V


@dataclass(frozen=True)
class Node(Generic[V]):
    """A value and how many products in a row led to it."""

    value: V
    depth: int


Pair: TypeAlias = tuple[Node[V], Node[V]]


class Circuit(Generic[V]):
    """Evaluates the circuit of one threshold, dropping primes as the preset's ladder says."""

    def __init__(self, scheme: Scheme[V, Any], preset: Preset, threshold: int) -> None:
        self._scheme = scheme
        self._ladder = preset.ladder
        self._fold = fold(preset, threshold)
        self._shape = split(coefficients(preset, threshold))

    def scores(self, layout: Layout, babies: Sequence[V], parts: Any) -> V:
        """The inner product of the probe with each entry, in the entries' slots.

        `babies` are rotations of the probe, at least as many as the layout's; `parts` are a block's.
        """
        scheme = self._scheme
        total = scheme.dots(babies[: layout.babies], parts, layout.babies)
        for step in layout.group_steps:
            total = scheme.add(total, scheme.rotate(total, step))
        return total

    def release_polynomial(self, score: V) -> V:
        """P of the score: zero exactly where the score reaches the threshold."""
        s = Node(self._scheme.lower(score, self._ladder[1]), 1)
        z = self._combine([self._product(s, s), s], [1, -self._fold], 0)
        powers = {1: z}
        for low, high in ((1, 1), (1, 2), (2, 2)):
            powers[low + high] = self._product(powers[low], powers[high])
        power = BASE
        while isinstance(self._shape, Split) and power < self._shape.power:
            powers[2 * power] = self._product(powers[power], powers[power])
            power *= 2
        return self._scheme.lower(self._evaluate(self._shape, powers).value, self._ladder[-1])

    def _evaluate(self, shape: Low | Split, powers: dict[int, Node[V]]) -> Node[V]:
        pairs, rest = self._terms(shape, powers)
        return self._combine([self._products(pairs), rest], [1, 1], 0) if pairs else rest

    def _terms(self, shape: Low | Split, powers: dict[int, Node[V]]) -> tuple[list[Pair[V]], Node[V]]:
        """Pairs whose products add up to the value with what rests: so they become one ciphertext at once."""
        if isinstance(shape, Low):
            return [], self._low(shape, powers)
        # Coefficients multiply noise, so sums are formed before primes are dropped, not after.
        shift = self._combine([self._low(shape.shift, powers), powers[shape.power]], [1, 1], 0)
        pairs, rest = self._terms(shape.right, powers)
        return [(shift, self._evaluate(shape.left, powers)), *pairs], rest

    def _low(self, low: Low, powers: dict[int, Node[V]]) -> Node[V]:
        constant, *factors = low.coefficients
        return self._combine([powers[power] for power in range(1, len(factors) + 1)], factors, constant)

    def _product(self, left: Node[V], right: Node[V]) -> Node[V]:
        return self._products([(left, right)])

    def _products(self, pairs: Sequence[Pair[V]]) -> Node[V]:
        """The sum of the products of pairs."""
        factors = [factor for pair in pairs for factor in pair]
        depth = max(factor.depth for factor in factors) + 1
        aligned = self._align(factors)
        total = self._scheme.products(list(zip(aligned[::2], aligned[1::2], strict=True)))
        return Node(self._scheme.lower(total, self._ladder[depth]), depth)

    def _combine(self, nodes: Sequence[Node[V]], factors: Sequence[int], constant: int) -> Node[V]:
        combined = self._scheme.combine(self._align(nodes), factors, constant)
        return Node(combined, max(node.depth for node in nodes))

    def _align(self, nodes: Sequence[Node[V]]) -> list[V]:
        primes = min(self._scheme.primes(node.value) for node in nodes)
        return [self._scheme.lower(node.value, primes) for node in nodes]
