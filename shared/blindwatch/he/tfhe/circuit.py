"""The circuit of a verdict, in Concrete's own API: Concrete ML has no expression for an exact comparison of two
encrypted vectors.

Probe q and entry w are encrypted, with their squared norms; twice the threshold is in clear. As
2 q w = |q|^2 + |w|^2 - |q - w|^2, one lookup of four bits for each coordinate, on the difference, is all that the
product takes; sums cost nothing in TFHE. The sign of 2 (q w - T) is taken by clearing its ten lower bits one after
the other, which are lookups of one bit, instead of one lookup of eleven bits. A last lookup leaves a fresh
ciphertext of the verdict, so that what is decrypted carries no noise of the sum.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from concrete import fhe

from blindwatch.he.verdicts import DIMENSION, LARGEST, SQUARED_NORM

P_ERROR: Final = 2.0**-40
"""Of a whole comparison, all of its lookups together; what is compiled is better still and says how much."""

SUM_BITS: Final = 11
"""2 (q w - T) lies in [-800, 400]; with 2^10 added it is positive, and its top bit is the verdict."""

_ENCRYPTED: Final = ("probe", "probe_norm", "entry", "entry_norm")


def verdict(probe: Any, probe_norm: Any, entry: Any, entry_norm: Any, doubled: Any) -> Any:
    """1 where the inner product reaches half of `doubled`, else 0; in clear as under encryption."""
    distance = np.sum((probe - entry) ** 2)
    total = probe_norm + entry_norm - distance - doubled
    top = fhe.truncate_bit_pattern(total + 2 ** (SUM_BITS - 1), lsbs_to_remove=SUM_BITS - 1)
    return top > 0


def compile_circuit() -> Any:
    """The compiled circuit, some seconds; the same every time for the same version of Concrete."""
    compiler = fhe.Compiler(
        verdict,
        dict.fromkeys(_ENCRYPTED, "encrypted") | {"doubled": "clear"},
    )
    return compiler.compile(
        _extremes(),
        fhe.Configuration(
            p_error=None,
            global_p_error=P_ERROR,
            compress_input_ciphertexts=True,
            compress_evaluation_keys=True,
        ),
    )


def _extremes() -> list[tuple[Any, ...]]:
    """Inputs at the ends of every range, from which Concrete takes the widths of all values."""
    longest = np.zeros(DIMENSION, dtype=np.int64)
    whole, rest = divmod(SQUARED_NORM, LARGEST**2)
    longest[:whole] = LARGEST
    longest[whole : whole + rest] = 1
    zero, norm = np.zeros_like(longest), SQUARED_NORM
    return [
        (longest, norm, longest, norm, 0),
        (longest, norm, -longest, norm, 2 * norm),
        (-longest, norm, longest, norm, 2 * norm),
        (zero, 0, zero, 0, 2 * norm),
    ]
