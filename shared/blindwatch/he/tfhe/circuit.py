"""The circuit of a verdict, in Concrete's own API: Concrete ML has no expression for an exact comparison of two
encrypted vectors.

Probe q and entry w are encrypted, each with the sum of its own triangular numbers; the threshold is in clear. With
t(x) = x (x + 1) / 2, q w = t(q + w) - t(q) - t(w): one lookup of four bits for each coordinate, on a sum of two, is
all that the product takes; sums cost nothing in TFHE. For the sign of q w - T the six lower of its ten bits are
cleared one after the other, by lookups of one bit. The four bits that are left go through one more lookup, of the
same size as those of the product, which leaves a fresh ciphertext of the verdict: what is decrypted carries no noise
of the sum.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from concrete import fhe

from blindwatch.he.verdicts import DIMENSION, LARGEST, SQUARED_NORM

P_ERROR: Final = 2.0**-40
"""Of a whole comparison, all of its lookups together; what is compiled is better still and says how much."""

SUM_BITS: Final = 10
"""q w - T lies in [-400, 200]; with 2^9 added it is positive, and its top bit is the verdict."""

CLEARED_BITS: Final = 6
"""What is left fits the lookups of the product; with fewer cleared all lookups would have to be larger."""

_ENCRYPTED: Final = ("probe", "probe_triangles", "entry", "entry_triangles")


def triangular(values: Any) -> Any:
    """t(x) = x (x + 1) / 2 of every value."""
    return (values * values + values) // 2


def verdict(probe: Any, probe_triangles: Any, entry: Any, entry_triangles: Any, threshold: Any) -> Any:
    """1 where the inner product reaches the threshold, else 0; in clear as under encryption."""
    whole = np.sum(fhe.univariate(triangular)(probe + entry))
    middle = 2 ** (SUM_BITS - 1)
    total = whole - probe_triangles - entry_triangles - threshold + middle
    return fhe.truncate_bit_pattern(total, lsbs_to_remove=CLEARED_BITS) >= middle


def compile_circuit() -> Any:
    """The compiled circuit, some seconds; the same every time for the same version of Concrete."""
    compiler = fhe.Compiler(
        verdict,
        dict.fromkeys(_ENCRYPTED, "encrypted") | {"threshold": "clear"},
    )
    return compiler.compile(
        _extremes(),
        fhe.Configuration(
            p_error=None,
            global_p_error=P_ERROR,
            compress_input_ciphertexts=True,
            compress_evaluation_keys=True,
            # One set of parameters, so one pair of keys: half of the bytes, and less to prepare for a comparison.
            parameter_selection_strategy=fhe.ParameterSelectionStrategy.MONO,
        ),
    )


def _extremes() -> list[tuple[Any, ...]]:
    """Inputs at the ends of every range, from which Concrete takes the widths of all values."""
    longest = np.zeros(DIMENSION, dtype=np.int64)
    whole, rest = divmod(SQUARED_NORM, LARGEST**2)
    longest[:whole] = LARGEST
    longest[whole : whole + rest] = 1
    # As many small coordinates as the norm allows: the largest triangular numbers.
    widest = np.ones_like(longest)
    widest[: (SQUARED_NORM - DIMENSION) // 3] = 2
    pairs = [
        (sign * each, other * each) for each in (longest, widest) for sign in (1, -1) for other in (1, -1)
    ]
    pairs.append((np.zeros_like(longest), np.zeros_like(longest)))
    return [
        (probe, int(triangular(probe).sum()), entry, int(triangular(entry).sum()), threshold)
        for probe, entry in pairs
        for threshold in (0, SQUARED_NORM)
    ]
