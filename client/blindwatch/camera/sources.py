"""Where pictures come from: a video file, a stream on the network or a device at this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final, Protocol

from blindwatch.camera.frames import Frame
from blindwatch.camera.video import Device, Picture, Pictures, Video
from blindwatch.errors import ConfigurationError
from blindwatch.wire.messages import now

_SOON: Final = {"fpsprobesize": "0"}
"""Without a look at twenty pictures, to count those of a second, before the first is handed out."""
_WHOLE: Final = {**_SOON, "rtsp_transport": "tcp"}
"""Within the connection. Datagrams get lost, and decoders do not always notice."""
_STREAMS: Final = {"rtsp": _WHOLE, "rtsps": _WHOLE, "http": _SOON, "https": _SOON}
"""The schemes of streams, with options of FFmpeg for each."""
RETRY_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 10.0
"""A stream that has had no whole picture for so long after a damage is opened again."""
_JUMP_SECONDS: Final = 10.0
"""A source whose clock jumps further than this is timed by this machine."""


class Source(Protocol):
    """Frames, one after the other. For one thread, but for `close`."""

    waits: bool
    """Whether frames wait until they are looked at. Those of a source that does not are lost when nobody does."""

    @property
    def damaged(self) -> int:
        """How many pictures could not be used, since a part of them had not arrived."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether there are no pictures now, since a plug was pulled or a connection has ended."""
        ...

    @property
    def losses(self) -> int:
        """How often it was lost."""
        ...

    def read(self) -> Frame | None:
        """The next frame, when it is time for it; None if there is none and there will be none."""
        ...

    def close(self) -> None:
        """Let `read` come to an end soon."""
        ...


def opened(source: str) -> Source:
    """The source of this name: a number is a device, an address a stream, and everything else a file."""
    if source.isdecimal():
        return Live(lambda: Device(int(source)))
    if "://" in source:
        options = _STREAMS.get(source.partition("://")[0].lower())
        if options is None:
            raise ConfigurationError(
                "Streams of this kind are not supported.", f"Use one of: {', '.join(sorted(_STREAMS))}"
            )
        return Live(lambda: Video(source, options, PATIENCE_SECONDS))
    if not Path(source).is_file():
        raise ConfigurationError("There is no video or folder at the source's path.")
    return Clip(Path(source))


class _Clock:
    """Seconds of a source: what its frames say, or where that is no use, the time of this machine."""

    def __init__(self) -> None:
        self.at = 0.0
        self._position = 0.0
        self._taken = time.monotonic()

    def frame(self, picture: Picture) -> Frame:
        """A picture that was taken now, with its time."""
        taken = time.monotonic()
        return Frame(picture.image, self._tick(picture.position, taken), taken, now())

    def _tick(self, position: float, taken: float) -> float:
        step = position - self._position
        self.at += step if 0 < step <= _JUMP_SECONDS else max(taken - self._taken, 0.0)
        self._position, self._taken = position, taken
        return self.at


class Clip:
    """A video file, played at its own pace. A machine that is too slow plays it slower, and misses nothing."""

    waits = True
    is_lost = False
    losses = 0

    def __init__(self, path: Path) -> None:
        self._pictures = Video(f"file:{path}")
        self._clock = _Clock()
        self._closing = Event()
        self._started: float | None = None

    @property
    def damaged(self) -> int:
        """How many pictures could not be used."""
        return self._pictures.damaged

    def read(self) -> Frame | None:
        """The next frame, when it is time for it."""
        picture = None if self._closing.is_set() else self._pictures.next()
        if picture is None:
            self._pictures.close()
            return None
        self._started = self._started or time.monotonic()
        self._closing.wait(max(0.0, self._started + picture.position - time.monotonic()))
        return self._clock.frame(picture)

    def close(self) -> None:
        """Play no further."""
        self._closing.set()


class Live:
    """A stream or a device. One that is lost is opened again and again, until it is closed."""

    waits = False

    def __init__(self, open_it: Callable[[], Pictures]) -> None:
        self.losses = 0
        self._open = open_it
        self._pictures: Pictures | None = open_it()
        self._damaged = 0
        self._clock = _Clock()
        self._closing = Event()

    @property
    def damaged(self) -> int:
        """How many pictures could not be used."""
        pictures = self._pictures
        return self._damaged + (0 if pictures is None else pictures.damaged)

    @property
    def is_lost(self) -> bool:
        """Whether it has to be opened again."""
        return self._pictures is None

    def read(self) -> Frame | None:
        """The next frame, as soon as it is there."""
        while not self._closing.is_set():
            picture = None if self._pictures is None else self._pictures.next()
            if picture is not None:
                return self._clock.frame(picture)
            self.losses += not self.is_lost
            self._let_go()
            if not self._closing.wait(RETRY_SECONDS):
                with suppress(ConfigurationError):  # it is not back yet
                    self._pictures = self._open()
        self._let_go()
        return None

    def close(self) -> None:
        """Look no further."""
        self._closing.set()

    def _let_go(self) -> None:
        if (pictures := self._pictures) is not None:
            self._pictures = None
            self._damaged += pictures.damaged
            pictures.close()
