"""How freed memory is kept for the next probe."""

from __future__ import annotations

import ctypes
from typing import Final

from blindwatch.wire import limits

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


def keep_freed() -> None:
    """Let this process keep what it frees, but for large pieces; does nothing where the C library is not glibc.

    Arrays of a few megabytes come and go with every probe. Given back to the system each time, they would come as new
    pages that it has to clear, which costs about as much as computing on them.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 32 * limits.MIB)
        mallopt(_TRIM_THRESHOLD, 512 * limits.MIB)
