"""Clips of people who walk across a picture, made of photographs that come inside a package, in memory only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from blindwatch.vision.image import Image

from .photographs import blur, small

RATE = 4.0
SIZE = (384, 216)
LEAD = 3.0
"""Seconds without anybody at first: FFmpeg looks at some frames of a stream before it hands out any."""


@dataclass(frozen=True)
class Walk:
    """One person from one moment to another, from left to right or, with a negative speed, the other way."""

    who: int
    begins: float
    seconds: float = 1.5
    x: float = 20.0
    y: float = 40.0
    speed: float = 60.0
    """Pixels a second."""
    side: int = 140
    """Of the photograph, in the middle of which the face is."""
    spoil: Callable[[Image, float], Image] = lambda image, _: image
    """Changes the photograph at so many seconds from the beginning of the walk."""

    def draw(self, picture: Image, at: float) -> None:
        """Put the person into the picture."""
        elapsed = at - self.begins
        if not 0 <= elapsed < self.seconds:
            return
        scaled = np.asarray(cv2.resize(small(self.who), (self.side, self.side)), np.uint8)
        photograph = self.spoil(scaled, elapsed)
        left, top = round(self.x + self.speed * elapsed), round(self.y)
        height, width = picture.shape[:2]
        x0, x1 = max(left, 0), min(left + self.side, width)
        y0, y1 = max(top, 0), min(top + self.side, height)
        if x0 < x1 and y0 < y1:
            picture[y0:y1, x0:x1] = photograph[y0 - top : y1 - top, x0 - left : x1 - left]


def blurred(sigma: float) -> Callable[[Image, float], Image]:
    """Always out of focus."""
    return lambda image, _: blur(image, sigma)


def pictures(walks: Sequence[Walk], seconds: float, rate: float = RATE) -> Iterator[tuple[float, Image]]:
    """The frames of a scene, and their times."""
    for number in range(round(seconds * rate)):
        picture = np.full((SIZE[1], SIZE[0], 3), 96, np.uint8)
        for walk in walks:
            walk.draw(picture, number / rate)
        yield number / rate, picture


def write_clip(path: Path, walks: Sequence[Walk], seconds: float, rate: float = RATE) -> Path:
    """A video file of a scene."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), rate, SIZE)
    assert writer.isOpened()
    writer.set(cv2.VIDEOWRITER_PROP_QUALITY, 95)
    for _, picture in pictures(walks, seconds, rate):
        writer.write(picture)
    writer.release()
    return path


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder for clips that is not on a disk."""
    with TemporaryDirectory(dir="/dev/shm", prefix="clips-") as folder:
        yield Path(folder)
