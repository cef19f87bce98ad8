"""One process at a time has a log, or the state of a witness, open."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from blindwatch.errors import LogInUse, LogMissing


def lock(folder: Path) -> int:
    """A descriptor that holds a folder for this process until it is closed; raises LogMissing or LogInUse."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        raise LogMissing("There is no such folder.", "A log is created by a call of its own.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise LogInUse("Another process has the folder open.") from None
    return descriptor
