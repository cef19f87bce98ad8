"""Reads a source in a thread of its own, so that a stream is never read late."""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread
from types import TracebackType
from typing import Final, Self

from blindwatch.camera.frames import Frame
from blindwatch.camera.sources import Source

_ROOM: Final = 4
"""Frames that wait to be looked at: enough to bridge a pause, few enough to stay close to the present."""


class Grabber:
    """The frames of a source as they come. Where one is not looked at in time, it is wiped and counted."""

    def __init__(self, source: Source) -> None:
        self.missed = 0
        self._source = source
        self._waiting: deque[Frame] = deque()
        self._changed = Condition()
        self._is_over = self._is_closed = False
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, name="grabber", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()
        self._drop(0)

    @property
    def is_over(self) -> bool:
        """Whether there are no frames any more."""
        with self._changed:
            return self._is_over and not self._waiting

    def next(self, seconds: float) -> Frame | None:
        """The oldest frame that waits, or None if there is none in so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_over, seconds)
            if self._waiting:
                frame = self._waiting.popleft()
                self._changed.notify_all()
                return frame
            if self._failure is not None:
                raise self._failure
            return None

    def _run(self) -> None:
        try:
            while (frame := self._source.read()) is not None and self._put(frame):
                pass
        except BaseException as failure:  # noqa: BLE001 - whoever waits for frames gets to see it
            self._failure = failure
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _put(self, frame: Frame) -> bool:
        """Let a frame wait; false if nobody will look at it."""
        with self._changed:
            if self._source.waits:
                self._changed.wait_for(lambda: len(self._waiting) < _ROOM or self._is_closed)
            if not self._is_closed:
                self.missed += self._drop(_ROOM - 1)
            self._waiting.append(frame)
            self._changed.notify_all()
            return not self._is_closed

    def _drop(self, left: int) -> int:
        dropped = 0
        while len(self._waiting) > left:
            self._waiting.popleft().wipe()
            dropped += 1
        return dropped
