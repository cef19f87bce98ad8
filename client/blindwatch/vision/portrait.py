"""Faces as people compare them: turned upright and in one framing, with more around them than networks look at."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from blindwatch.vision.align import Points, align
from blindwatch.vision.detector import Detection
from blindwatch.vision.image import Image

SIDE: Final = 112
"""Pixels."""
_QUALITIES: Final = (90, 75, 60, 45, 30, 15)
"""The best that fits is taken, and the last in any case."""
_LANDMARKS: Final = np.array([[42.0, 52.0], [70.0, 52.0], [56.0, 68.0], [45.5, 84.0], [66.5, 84.0]])
"""Where eyes, nose and corners of the mouth come to lie, so that forehead and chin are in the picture."""


def portrait(image: Image, landmarks: Points) -> bytes:
    """The face of these landmarks as JPEG, without any metadata."""
    return encoded(framed(image, landmarks)).tobytes()


def framed(image: Image, landmarks: Points) -> Image:
    """The face of these landmarks in the framing, as pixels."""
    return align(image, landmarks, _LANDMARKS, SIDE)


def detection() -> Detection:
    """Where the face is in a picture that has this framing, so that nothing has to look for it there."""
    return Detection((0.0, 0.0, float(SIDE), float(SIDE)), _LANDMARKS, 1.0)


def encoded(face: Image, longest: int | None = None) -> NDArray[np.uint8]:
    """A framed face as JPEG, one byte to a number; where `longest` bytes are given, as good as fits into them."""
    for quality in _QUALITIES:
        data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if longest is None or len(data) <= longest:
            break
        data.fill(0)
    return data.astype(np.uint8, copy=False)
