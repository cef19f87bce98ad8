"""Where pictures come from, all through OpenCV: a video file, a stream on the network or a device at this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final, Protocol
from urllib.parse import urlsplit

import cv2
import numpy as np

from blindwatch.camera.frames import Frame
from blindwatch.errors import ConfigurationError
from blindwatch.vision.image import Image
from blindwatch.wire.messages import now

# OpenCV and FFmpeg would print addresses, and with them passwords.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

SCHEMES: Final = frozenset({"rtsp", "rtsps", "http", "https"})
OPEN_SECONDS: Final = 10.0
READ_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 2.0
_JUMP_SECONDS: Final = 10.0
"""A source whose clock jumps further than this is timed by this machine."""
_OPEN: Final = [
    *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * OPEN_SECONDS)),
    *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * READ_SECONDS)),
]


class Source(Protocol):
    """Frames, one after the other. For one thread, but for `close`."""

    waits: bool
    """Whether frames wait until they are looked at. Those of a source that does not are lost when nobody does."""

    def read(self) -> Frame | None:
        """The next frame, when it is time for it; None if there is none and there will be none."""
        ...

    def close(self) -> None:
        """Let `read` come to an end soon."""
        ...


def opened(source: str) -> Source:
    """The source of this name: a number is a device, an address a stream, and everything else a file."""
    if source.isdecimal():
        return Live(lambda: cv2.VideoCapture(int(source)))
    if "://" in source:
        if urlsplit(source).scheme not in SCHEMES:
            raise ConfigurationError(
                "Streams of this kind are not supported.", f"Use one of: {', '.join(sorted(SCHEMES))}"
            )
        return Live(lambda: cv2.VideoCapture(source, cv2.CAP_FFMPEG, _OPEN))
    if not Path(source).is_file():
        raise ConfigurationError("There is no video or folder at the source's path.")
    return Clip(Path(source))


class _Clock:
    """Seconds of a source: what its frames say, or where that is no use, the time of this machine."""

    def __init__(self) -> None:
        self.at = 0.0
        self._position = 0.0
        self._taken = time.monotonic()

    def tick(self, position: float, taken: float) -> float:
        """The time of a frame, by its position in seconds and when it was taken."""
        step = position - self._position
        self.at += step if 0 < step <= _JUMP_SECONDS else max(taken - self._taken, 0.0)
        self._position, self._taken = position, taken
        return self.at


class Clip:
    """A video file, played at its own pace. A machine that is too slow plays it slower, and misses nothing."""

    waits = True

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise _unopened()
        self._clock = _Clock()
        self._closing = Event()
        self._started: float | None = None

    def read(self) -> Frame | None:
        """The next frame, when it is time for it."""
        image = None if self._closing.is_set() else _grab(self._capture)
        if image is None:
            self._capture.release()
            return None
        self._started = self._started or time.monotonic()
        position = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._closing.wait(max(0.0, self._started + position - time.monotonic()))
        taken = time.monotonic()
        return Frame(image, self._clock.tick(position, taken), taken, now())

    def close(self) -> None:
        """Play no further."""
        self._closing.set()


class Live:
    """A stream or a device. One that is lost is opened again and again, until it is closed."""

    waits = False

    def __init__(self, open_it: Callable[[], cv2.VideoCapture]) -> None:
        self._open = open_it
        self._capture = open_it()
        if not self._capture.isOpened():
            raise _unopened()
        self._clock = _Clock()
        self._closing = Event()

    def read(self) -> Frame | None:
        """The next frame, as soon as it is there."""
        while not self._closing.is_set():
            image = _grab(self._capture) if self._capture.isOpened() else None
            if image is not None:
                taken = time.monotonic()
                position = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                return Frame(image, self._clock.tick(position, taken), taken, now())
            self._capture.release()
            if not self._closing.wait(RETRY_SECONDS):
                self._capture = self._open()
        self._capture.release()
        return None

    def close(self) -> None:
        """Look no further."""
        self._closing.set()


def _grab(capture: cv2.VideoCapture) -> Image | None:
    found, image = capture.read()
    return image.astype(np.uint8, copy=False) if found else None


def _unopened() -> ConfigurationError:
    return ConfigurationError(
        "The source of pictures cannot be opened.",
        "Check its address, its password and that it is a video which FFmpeg reads, or that the device is free.",
    )
