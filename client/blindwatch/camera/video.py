"""Pictures of a video, by FFmpeg, and of a device at this machine, by OpenCV. What a decoder made up is none."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Final, NamedTuple, Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import ConfigurationError
from blindwatch.vision.image import Image

OPEN_SECONDS: Final = 10.0
READ_SECONDS: Final = 5.0
_TURNS: Final = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
"""By degrees, counter-clockwise, as a file says how it is to be shown."""
_WISHED_SIZE: Final = (1280, 720)
"""Of a device. It gives the nearest one that it has; OpenCV would ask for 640 x 480."""
_MOTION_JPEG: Final = int.from_bytes(b"MJPG", "little")
_UNKNOWN: Final = -(2**63)
"""The time of what has none: before all others."""

# OpenCV would print what it cannot open. PyAV prints nothing unless it is told to.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class Picture(NamedTuple):
    """One picture in BGR, and its time in seconds from the beginning, by the clock of what it comes from."""

    image: Image
    position: float


class Pictures(Protocol):
    """Pictures of something that is open."""

    damaged: int
    """How many could not be used, since a part of them had not arrived."""

    def next(self) -> Picture | None:
        """The next one; None when there are no more, or what they come from is lost."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Video:
    """A file or a stream. A decoder fills in what is missing, and builds on that until the next key frame.

    So after a damage no picture is handed out until a key frame has come whole. Where that takes longer than
    `patience` seconds, the pictures are over.
    """

    def __init__(
        self, address: str, options: dict[str, str] | None = None, patience: float = float("inf")
    ) -> None:
        """Raises ConfigurationError, which never has the address in it."""
        self.damaged = 0
        self._patience = patience
        self._spoilt_at: int | None = None
        self._whole_until = time.monotonic()
        self._first: float | None = None
        try:
            self._container = av.open(
                address, "r", options=options or {}, timeout=(OPEN_SECONDS, READ_SECONDS)
            )
        except (av.FFmpegError, UnicodeError):
            raise unopened() from None
        if not self._container.streams.video:
            self._container.close()
            raise unopened()
        self._stream = self._container.streams.video[0]
        # With threads by slice FFmpeg marks no damage; those by frame would each hold back a picture.
        self._stream.thread_type = "NONE"
        self._frames = self._decoded()

    def next(self) -> Picture | None:
        """The next whole picture."""
        try:
            for frame in self._frames:
                if self._is_whole(frame):
                    self._whole_until = time.monotonic()
                    return self._picture(frame)
                self.damaged += 1
                if time.monotonic() - self._whole_until > self._patience:
                    break
        except av.FFmpegError:
            pass  # It is lost. The error would say of what address.
        return None

    def close(self) -> None:
        """Close the file or the connection."""
        self._frames.close()
        self._container.close()

    def _decoded(self) -> Generator[av.VideoFrame, None, None]:
        """All pictures, in the order in which they are shown."""
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self._spoilt_at = _UNKNOWN if packet.pts is None else packet.pts
                self.damaged += 1
            else:
                yield from frames

    def _is_whole(self, frame: av.VideoFrame) -> bool:
        at = frame.pts
        if frame.is_corrupt:
            self._spoilt_at = _UNKNOWN if at is None else at
        elif self._spoilt_at is not None and frame.key_frame and (at is None or at > self._spoilt_at):
            self._spoilt_at = None
        return self._spoilt_at is None

    def _picture(self, frame: av.VideoFrame) -> Picture:
        image: Image = frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
        if (turn := _TURNS.get(frame.rotation % 360)) is not None:
            upright = cv2.rotate(image, turn).astype(np.uint8, copy=False)
            image.fill(0)
            image = upright
        at = 0.0 if frame.pts is None else frame.time
        self._first = at if self._first is None else self._first
        return Picture(image, at - self._first)


class Device:
    """A camera at this machine, by its number.

    Of a JPEG that is cut off OpenCV hands out the rest in black, and of one that it cannot read the picture before.
    So JPEG is taken as it comes from a V4L2 device, and decoded here if it is whole.
    """

    def __init__(self, number: int) -> None:
        """Raises ConfigurationError."""
        self.damaged = 0
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise unopened()
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, _WISHED_SIZE[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, _WISHED_SIZE[1])
        self._is_jpeg = (
            self._capture.getBackendName() == "V4L2"
            and int(self._capture.get(cv2.CAP_PROP_FOURCC)) == _MOTION_JPEG
            and self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        )

    def next(self) -> Picture | None:
        """The next whole picture."""
        while True:
            found, content = self._capture.read()
            if not found:
                return None
            taken = content.astype(np.uint8, copy=False)
            image = from_jpeg(taken.reshape(-1)) if self._is_jpeg else taken
            if image is not None:
                return Picture(image, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            self.damaged += 1

    def close(self) -> None:
        """Let others have it."""
        self._capture.release()


def from_jpeg(content: NDArray[np.uint8]) -> Image | None:
    """The picture in the bytes of a JPEG, which are overwritten; None if it is not whole, or is no JPEG."""
    # Some cameras fill up with zeros behind the end.
    is_whole = content.tobytes().rstrip(b"\0").endswith(b"\xff\xd9")
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if is_whole else None
    content.fill(0)
    return None if image is None else image.astype(np.uint8, copy=False)


def unopened() -> ConfigurationError:
    """That there are no pictures, without a word of where."""
    return ConfigurationError(
        "The source of pictures cannot be opened.",
        "Check its address, its password and that it is a video which FFmpeg reads, or that the device is free.",
    )
