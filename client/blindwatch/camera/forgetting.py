"""Leaves nothing of a face in memory that was freed: in a process that sees faces, free is not yet forgotten."""

from __future__ import annotations

import ctypes
from typing import Final

import numpy as np

_PERTURB: Final = -6
_PATTERN: Final = 0x55
_DEPTH: Final = 16
"""More small pieces than NumPy and the C library keep of one size, seven each."""


def wipe_freed() -> None:
    """Have this process overwrite what it frees; does nothing where the C library is not glibc.

    Pieces of up to a kilobyte are kept for the next one of the same size before they come so far: see `scrub`.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_PERTURB, _PATTERN)


def scrub(dimension: int) -> None:
    """Overwrite the small pieces that this thread has freed and may use again, of the sizes of one embedding."""
    for width in (4, 8):
        pieces = [np.empty(dimension * width, np.uint8) for _ in range(_DEPTH)]
        for piece in pieces:
            piece.fill(0)
