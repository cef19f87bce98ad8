"""A hint to the processor that memory will be read: the scan computes on it a little slower than memory delivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

_READ, _KEEP, _DATA = 0, 3, 1  # the operands of LLVM's prefetch


def _prefetch(_context: Any, array: Any, _index: Any) -> Any:

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = cgutils.create_struct_proxy(signature.args[0])  # type: ignore[no-untyped-call]
        data = view(context, builder, value=arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, word, word, word])
        hint = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
        builder.call(hint, [address, word(_READ), word(_KEEP), word(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


# Numba types an intrinsic by its builder, not by what compiled code calls.
prefetch = cast(Callable[[NDArray[np.uint32], int], None], intrinsic(_prefetch))
"""Ask for the cache line of an element of a flat array; one beyond its end does nothing."""
