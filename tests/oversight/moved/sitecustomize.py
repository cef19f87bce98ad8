"""Loaded by every process of a server under test: a clock that the test moves, and deeds of a dishonest server.

TEST_CLOCK names a file with the seconds by which the clock is off, TEST_DEED a script that changes what it does.
"""

from __future__ import annotations

import datetime
import os
import runpy
import time
from pathlib import Path

_real = time.time
_clock = Path(os.environ["TEST_CLOCK"])


def _shifted() -> float:
    return _real() + float(_clock.read_text())


class _Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _Datetime:
        return cls.fromtimestamp(_shifted(), tz)


time.time = _shifted
datetime.datetime = _Datetime  # type: ignore[misc]
if "TEST_DEED" in os.environ:
    runpy.run_path(os.environ["TEST_DEED"])
