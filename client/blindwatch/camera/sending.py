"""Sends shots in a thread of its own. They wait in memory for less than a second, and for nothing else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from types import TracebackType
from typing import Final, Self

from blindwatch.camera.camera import Camera, Sent, View
from blindwatch.camera.counting import DROPPED
from blindwatch.camera.frames import Shot
from blindwatch.errors import OutsideWindow, Problem

LIFE_SECONDS: Final = 0.85
"""A shot that is not being encrypted at this age is dropped, whatever the server does meanwhile."""
ROOM: Final = 16
"""Shots that may wait. Where faces come faster than they can be sent, the oldest is dropped."""
SEND_SECONDS: Final = 3.0
"""How long the server may take to answer."""
_LOOK_SECONDS: Final = 0.05
_REPORT_SECONDS: Final = 5.0
"""From one try to tell the server the counts to the next."""


class Sender:
    """The way of shots to the server. The only thread that embeds, encrypts and talks to the server."""

    def __init__(self, camera: Camera, clock: Callable[[], float] = time.monotonic) -> None:
        self.longest = 0.0
        """Seconds from the moment a face was seen until nothing of it was left in clear, at most."""
        self.sent = 0
        self.problem: Problem | None = None
        """Why the last shot was not sent, or the counts could not be told."""
        self._camera = camera
        self._clock = clock
        self._waiting: deque[Shot] = deque()
        self._changed = Condition()
        self._is_closing = False
        self._failure: BaseException | None = None
        self._next_report = 0.0
        self._thread = Thread(target=self._run, name="sender", daemon=True)
        self._aging = Thread(target=self._age, name="aging", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._aging.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_closing = True
            if kind is not None:
                self._drop_to(0)
            self._changed.notify_all()
        self._thread.join()
        self._aging.join()

    def put(self, shot: Shot) -> None:
        """Have a shot sent, if that is possible soon."""
        with self._changed:
            self._waiting.append(shot)
            self._drop_to(ROOM if self._failure is None else 0)
            self._changed.notify_all()

    def check(self) -> None:
        """Raise what makes it pointless to go on."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while (shot := self._next()) is not None or not self._is_closing:
                if shot is not None:
                    self._send(shot)
                self._report()
            self._camera.report(everything=True)
        except BaseException as failure:  # noqa: BLE001 - whoever watches gets to see it
            with self._changed:
                self._failure = failure
                self._is_closing = True
                self._drop_to(0)

    def _next(self) -> Shot | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing, _REPORT_SECONDS / 5)
            self._drop_old()
            return self._waiting.popleft() if self._waiting else None

    def _age(self) -> None:
        """Drop what waits too long, also while the server keeps the other thread waiting."""
        while self._waiting or not self._is_closing:
            with self._changed:
                self._drop_old()
            time.sleep(_LOOK_SECONDS)

    def _send(self, shot: Shot) -> None:
        try:
            view = View(shot.crop, shot.portrait, self._camera.pipeline.embed(shot.crop))
            outcome = self._camera.send(view, shot.captured_at, lambda: self._wiped(shot))
        except OutsideWindow:
            self._drop(shot)
            return
        except BaseException:
            self._drop(shot)
            raise
        self.sent += isinstance(outcome, Sent)
        self.problem = None if isinstance(outcome, Sent) else outcome

    def _report(self) -> None:
        if (now := time.monotonic()) >= self._next_report and self._camera.counts.waiting():
            self._next_report = now + _REPORT_SECONDS
            self.problem = self._camera.report()

    def _drop_old(self) -> None:
        while self._waiting and self._clock() - self._waiting[0].taken > LIFE_SECONDS:
            self._drop(self._waiting.popleft())

    def _drop_to(self, left: int) -> None:
        while len(self._waiting) > left:
            self._drop(self._waiting.popleft())

    def _drop(self, shot: Shot) -> None:
        shot.wipe()
        self._wiped(shot)
        self._camera.counts.add(DROPPED)

    def _wiped(self, shot: Shot) -> None:
        self.longest = max(self.longest, self._clock() - shot.taken)
