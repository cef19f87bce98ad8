"""A camera at work on a video: frames are looked at as they come, one shot of each face is sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final

from blindwatch.camera.camera import Camera
from blindwatch.camera.counting import UNUSABLE, Minute
from blindwatch.camera.grabbing import Grabber
from blindwatch.camera.sending import Sender
from blindwatch.camera.sources import Source
from blindwatch.camera.watching import Due, Watcher
from blindwatch.errors import OutsideWindow, Problem

_WAIT_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Status:
    """What a camera has done so far: numbers, and nothing about anybody."""

    frames: int
    """Those that were looked at."""
    missed: int
    """Frames that came faster than they could be looked at."""
    damaged: int
    """Pictures that could not be used, since a part of them had not arrived."""
    losses: int
    """How often the source was lost."""
    is_lost: bool
    """Whether it is lost now."""
    seen: Minute
    sent: int
    problem: Problem | None
    longest_ms: float
    """From the moment a face was seen until nothing of it was left in clear, at most."""


@dataclass
class Watch:
    """One run over a source: until that is over, the deployment is, or somebody stops it."""

    camera: Camera
    source: Source
    watcher: Watcher
    frames: int = 0
    has_ended: bool = False
    """Whether the window of the deployment was over."""

    def run(self, stop: Event, show: Callable[[Status], None]) -> Status:
        """Watch, and show how it goes; what was held in the end is sent. Raises what makes it pointless to go on."""
        with Grabber(self.source) as grabber, Sender(self.camera) as sender:
            try:
                while not (stop.is_set() or grabber.is_over or self._is_over()):
                    self._step(grabber, sender)
                    show(self._status(grabber, sender))
            finally:
                # Whatever happened, nothing may stay that is in clear; the sender knows whether it may be sent.
                self._settle(self.watcher.finish(), sender)
        sender.check()
        return self._status(grabber, sender)

    def _step(self, grabber: Grabber, sender: Sender) -> None:
        sender.check()
        self.camera.counts.add(Minute())
        frame = grabber.next(_WAIT_SECONDS)
        if frame is not None:
            try:
                self._settle(self.watcher.see(frame), sender)
            finally:
                frame.wipe()
            self.frames += 1
        self._settle(self.watcher.late(time.monotonic()), sender)

    def _settle(self, due: Due, sender: Sender) -> None:
        for shot in due.shots:
            sender.put(shot)
        for _ in range(due.unusable):
            self.camera.counts.add(UNUSABLE)

    def _is_over(self) -> bool:
        try:
            self.camera.check_time()
        except OutsideWindow:
            self.has_ended = True
        return self.has_ended

    def _status(self, grabber: Grabber, sender: Sender) -> Status:
        return Status(
            self.frames,
            grabber.missed,
            self.source.damaged,
            self.source.losses,
            self.source.is_lost,
            self.camera.counts.total,
            sender.sent,
            sender.problem,
            1000 * sender.longest,
        )
