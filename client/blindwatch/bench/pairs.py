"""One pair of templates at a time under CKKS, as CipherFace does it with TenSEAL."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import tenseal

from blindwatch.bench.timing import measure
from blindwatch.errors import InternalError

_DEGREE: Final = 8192
_PRIME_BITS: Final = (60, 40, 40, 60)
_TOLERANCE: Final = 1e-4
"""CKKS is approximate; cosines that differ by more are wrong and not just rounded."""


def seconds_per_pair(dimension: int, repeats: int) -> float:
    """Median time of the encrypted inner product of two encrypted unit vectors."""
    context = tenseal.context(
        tenseal.SCHEME_TYPE.CKKS, _DEGREE, coeff_mod_bit_sizes=list(_PRIME_BITS), n_threads=1
    )
    context.global_scale = 2 ** _PRIME_BITS[1]
    context.generate_galois_keys()
    vectors = np.random.default_rng(0).standard_normal((2, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    left, right = (tenseal.ckks_vector(context, vector.tolist()) for vector in vectors)
    timed = measure(partial(left.dot, right), repeats)
    opened = np.array([result.decrypt()[0] for result in timed.results])
    if np.abs(opened - vectors[0] @ vectors[1]).max() > _TOLERANCE:
        raise InternalError("TenSEAL's inner product of a pair is wrong.")
    return timed.median
