"""Sixteen rows of the ranked scan at once, as vector code: their sums stay in registers meanwhile.

Left to LLVM they are kept in memory, which takes longer than the products. Residues are loaded two to a word, so sums
of even and of odd coefficients are apart: in `sums` (CHUNK / 16, 3, 2, 8) coefficient 16 i + 2 l + o of the three
polynomials is at [i, :, o, l].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from blindwatch.he.butterflies import LANES, Vector, splat
from blindwatch.he.ranked.forms import Residues, Words
from blindwatch.he.ranked.presets import CHUNK, FOLD_ROWS

ROWS: Final = 2 * FOLD_ROWS
STRIPS: Final = CHUNK // (2 * LANES)

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)
_HALF = ir.Constant(_VECTOR, [32] * LANES)
_LOW = ir.Constant(_VECTOR, [2**32 - 1] * LANES)


def _add_rows(_typing: Any, block: Any, query: Any, _at: Any, sums: Any, _factor: Any) -> Any:

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        left, right, base = (
            context.make_array(signature.args[at])(context, builder, arguments[at]).data for at in (0, 1, 3)
        )
        places = [_place(builder, base, _WORD(LANES * at)) for at in range(6 * STRIPS)]
        totals = [builder.load(place, align=8) for place in places]
        factor = splat(builder, arguments[4])
        for row in range(ROWS):
            for strip in range(STRIPS):
                first = builder.add(arguments[2], _WORD(2 * CHUNK * row + 2 * LANES * strip))
                a, b = (_pair(builder, each, first) for each in (left, right))
                part = slice(6 * strip, 6 * strip + 6)
                totals[part] = _add_products(builder, totals[part], a, b)
            if row % FOLD_ROWS == FOLD_ROWS - 1:
                totals = [_folded(builder, each, factor) for each in totals]
        for total, place in zip(totals, places, strict=True):
            builder.store(total, place, align=8)
        return context.get_dummy_value()

    return types.void(block, query, types.int64, sums, types.uint64), emit


def _add_products(builder: Any, totals: list[Vector], a: list[Vector], b: list[Vector]) -> list[Vector]:
    """The tensor product of a strip of two ciphertexts, added: even and odd outer, cross and inner products."""
    outer, cross, inner = totals[0:2], totals[2:4], totals[4:6]
    add, multiply = builder.add, builder.mul
    for odd, half in enumerate((_lower, _upper)):
        (a0, a1), (b0, b1) = ([half(builder, each) for each in pair] for pair in (a, b))
        outer[odd] = add(outer[odd], multiply(a0, b0))
        cross[odd] = add(add(cross[odd], multiply(a0, b1)), multiply(a1, b0))
        inner[odd] = add(inner[odd], multiply(a1, b1))
    return [*outer, *cross, *inner]


def _folded(builder: Any, total: Vector, factor: Vector) -> Vector:
    return builder.add(_lower(builder, total), builder.mul(_upper(builder, total), factor))


def _lower(builder: Any, words: Vector) -> Vector:
    return builder.and_(words, _LOW)


def _upper(builder: Any, words: Vector) -> Vector:
    return builder.lshr(words, _HALF)


def _pair(builder: Any, residues: Any, first: Any) -> list[Vector]:
    """The strips of both polynomials."""
    places = (first, builder.add(first, _WORD(CHUNK)))
    return [builder.load(_place(builder, residues, place), align=4) for place in places]


def _place(builder: Any, base: Any, place: Any) -> Any:
    return builder.bitcast(builder.gep(base, [place]), _VECTOR.as_pointer())


# Numba types an intrinsic by its builder, not by what compiled code calls.
add_rows = cast(Callable[[Residues, Residues, int, Words, np.uint64], None], intrinsic(_add_rows))
"""Adds the products of ROWS rows from a place of `block` and `query` on, which are flat, to `sums`, folded twice.

`factor`, 2^32 modulo the prime, is below 2^32.
"""
