"""Two stages of a transform at once, on eight neighbours at once, as vector code.

LLVM does not vectorise these loops of short trip count by itself, so the vectors are spelled out. Every function but
`transpose` reads eight doubles at each of four places of `source`, `source_step` apart, and writes eight at each of
four places of `target`. Places and steps are counted in doubles; `roots` holds the factors at `first`, and from
`second` on, `step` apart, those of the stage after it (Longa and Naehrig, "Speeding up the number theoretic
transform", 2016), and those of a scale.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, Final, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES: Final = 8
"""Neighbours that are worked on at once: two registers of AVX2, one of AVX-512."""

_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, LANES)
_PLACES = (types.int64,) * 3

Vector = Any
Fours = tuple[Vector, Vector, Vector, Vector]


def splat(builder: Any, value: Any) -> Vector:
    """A vector of LANES times the same number."""
    undefined = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, zeros)


class _Lanes:
    """Emits the arithmetic of `arithmetic` on vectors."""

    def __init__(self, builder: Any, prime: Any, inverse: Any) -> None:
        self.builder = builder
        self._fused = self._function("llvm.fma", 3)
        self._nearest = self._function("llvm.rint", 1)
        self._prime, self._inverse = splat(builder, prime), splat(builder, inverse)

    def multiply(self, a: Vector, b: Vector) -> Vector:
        high = self.builder.fmul(a, b)
        low = self.builder.call(self._fused, [a, b, self.builder.fneg(high)])
        return self.builder.fadd(self.reduce(high), low)

    def reduce(self, a: Vector) -> Vector:
        quotient = self.builder.call(self._nearest, [self.builder.fmul(a, self._inverse)])
        return self.builder.call(self._fused, [self.builder.fneg(quotient), self._prime, a])

    def load(self, address: Any) -> Vector:
        value = self.builder.load(self.builder.bitcast(address, _VECTOR.as_pointer()))
        value.align = 8
        return value

    def store(self, value: Vector, address: Any) -> None:
        self.builder.store(value, self.builder.bitcast(address, _VECTOR.as_pointer())).align = 8

    def _function(self, name: str, arguments: int) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * arguments)
        return cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            self.builder.module, kind, f"{name}.v{LANES}f64"
        )


def _descend(lanes: _Lanes, values: Fours, factors: tuple[Vector, ...]) -> Fours:
    """(x, y) to (x + w y, x - w y), twice. Values below x p leave below (1.1 x + 1.03) p."""
    a, b, c, d = values
    add, subtract = lanes.builder.fadd, lanes.builder.fsub
    c, d = lanes.multiply(c, factors[0]), lanes.multiply(d, factors[0])
    e, f = add(a, c), subtract(a, c)
    g, h = lanes.multiply(add(b, d), factors[1]), lanes.multiply(subtract(b, d), factors[2])
    return add(e, g), subtract(e, g), add(f, h), subtract(f, h)


def _ascend(lanes: _Lanes, values: Fours, factors: tuple[Vector, ...]) -> Fours:
    """(x, y) to (x + y, w (x - y)), twice. The sum of all four is reduced, and values below 5 p leave below 2 p."""
    a, b, c, d = values
    add, subtract = lanes.builder.fadd, lanes.builder.fsub
    e, f = add(a, b), lanes.multiply(subtract(a, b), factors[1])
    g, h = add(c, d), lanes.multiply(subtract(c, d), factors[2])
    return (
        lanes.reduce(add(e, g)),
        add(f, h),
        lanes.multiply(subtract(e, g), factors[0]),
        lanes.multiply(subtract(f, h), factors[0]),
    )


def _ascend_scaled(lanes: _Lanes, values: Fours, factors: tuple[Vector, ...]) -> Fours:
    """As `_ascend`, times a scale that is in the first three factors; it is the fourth, and the first without it is
    the fifth."""
    a, b, c, d = values
    add, subtract = lanes.builder.fadd, lanes.builder.fsub
    e, f = add(a, b), lanes.multiply(subtract(a, b), factors[1])
    g, h = add(c, d), lanes.multiply(subtract(c, d), factors[2])
    return (
        lanes.multiply(add(e, g), factors[3]),
        add(f, h),
        lanes.multiply(subtract(e, g), factors[0]),
        lanes.multiply(subtract(f, h), factors[4]),
    )


def _compiled(
    step: Callable[[_Lanes, Fours, tuple[Vector, ...]], Fours],
    *,
    by_column: bool,
    reduced: bool,
    factors_count: int = 3,
) -> Callable[..., None]:
    """`by_column`: each neighbour has a factor of its own. `reduced`: results leave below p / 2 + 1."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = _Lanes(builder, *arguments[10:])
        source, target, roots = (
            context.make_array(signature.args[at])(context, builder, arguments[at]).data for at in (0, 3, 6)
        )
        firsts = [arguments[7], arguments[8]]
        while len(firsts) < factors_count:
            firsts.append(builder.add(firsts[-1], arguments[9]))
        addresses = [builder.gep(roots, [first]) for first in firsts]
        factors = [lanes.load(at) if by_column else splat(builder, builder.load(at)) for at in addresses]
        values = [lanes.load(at) for at in _four(builder, source, *arguments[1:3])]
        results = step(lanes, tuple(values), tuple(factors))
        for result, address in zip(results, _four(builder, target, *arguments[4:6]), strict=True):
            lanes.store(lanes.reduce(result) if reduced else result, address)
        return context.get_dummy_value()

    def build(
        _typing: Any,
        source: Any,
        _start: Any,
        _step: Any,
        target: Any,
        _to: Any,
        _to_step: Any,
        roots: Any,
        _first: Any,
        _second: Any,
        _root_step: Any,
        _prime: Any,
        _inverse: Any,
    ) -> Any:
        integers, doubles = (types.int64, types.int64), (types.float64, types.float64)
        return types.void(source, *integers, target, *integers, roots, *integers, types.int64, *doubles), emit

    return intrinsic(build)


def _four(builder: Any, base: Any, start: Any, step: Any) -> list[Any]:
    places = [start]
    while len(places) < 4:
        places.append(builder.add(places[-1], step))
    return [builder.gep(base, [place]) for place in places]


def _transpose(_typing: Any, source: Any, _start: Any, target: Any, _to: Any) -> Any:

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        base, goal = (
            context.make_array(signature.args[at])(context, builder, arguments[at]).data for at in (0, 2)
        )
        for across, down in product(range(0, LANES, 4), repeat=2):
            offsets = [LANES * (across + row) + down for row in range(4)]
            rows = [_quarter(builder, base, arguments[1], offset) for offset in offsets]
            values = [builder.load(row) for row in rows]
            for value in values:
                value.align = 8
            for row, value in enumerate(_turned(builder, values)):
                place = _quarter(builder, goal, arguments[3], LANES * (down + row) + across)
                builder.store(value, place).align = 8
        return context.get_dummy_value()

    return types.void(source, types.int64, target, types.int64), emit


def _quarter(builder: Any, base: Any, start: Any, offset: int) -> Any:
    """The address of four doubles."""
    place = builder.gep(base, [builder.add(start, ir.Constant(ir.IntType(64), offset))])
    return builder.bitcast(place, ir.VectorType(_DOUBLE, 4).as_pointer())


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """The columns of four by four doubles."""

    def pick(a: Any, b: Any, *places: int) -> Any:
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), 4), list(places)))

    a, b, c, d = rows
    low, more = pick(a, b, 0, 4, 2, 6), pick(c, d, 0, 4, 2, 6)
    high, most = pick(a, b, 1, 5, 3, 7), pick(c, d, 1, 5, 3, 7)
    pairs = ((low, more), (high, most))
    return [pick(*pair, *places) for places in ((0, 1, 4, 5), (2, 3, 6, 7)) for pair in pairs]


# Numba types an intrinsic by its builder, not by what compiled code calls.
transpose = cast(Callable[..., None], intrinsic(_transpose))
"""Copies eight rows of eight neighbours, one after the other from a place of `source`, to `target` as columns."""

descend = _compiled(_descend, by_column=False, reduced=False)
descend_by_column = _compiled(_descend, by_column=True, reduced=False)
descend_last = _compiled(_descend, by_column=True, reduced=True)
ascend = _compiled(_ascend, by_column=False, reduced=False)
ascend_by_column = _compiled(_ascend, by_column=True, reduced=False)
ascend_last = _compiled(_ascend_scaled, by_column=False, reduced=True, factors_count=5)
