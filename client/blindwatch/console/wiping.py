"""Freed memory is overwritten at once, so that faces and results do not lie about in it.

Neither Python nor the libraries below it wipe what they free, and Python keeps small objects in pools of its own. The
allocator of the GNU C library can overwrite whatever is freed, if it is told so before a program begins and if Python
leaves everything to it. Elsewhere than there nothing changes.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_SETTINGS: Final = {
    "PYTHONMALLOC": "malloc",
    # The byte is arbitrary; without caches for each thread, which are not overwritten.
    "GLIBC_TUNABLES": "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0",
}


def begin_again(word: str) -> None:
    """Start this program again with these settings, unless it has them, or was not started by this word."""
    if word in sys.orig_argv and any(os.environ.get(name) != value for name, value in _SETTINGS.items()):
        os.execve(  # noqa: S606 - the very program that runs already
            sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **_SETTINGS}
        )
