"""Faces as people compare them: turned upright and in one framing, with more around them than networks look at."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from blindwatch.vision.align import Points, align
from blindwatch.vision.image import Image

SIDE: Final = 112
"""Pixels."""
_QUALITY: Final = 90
_LANDMARKS: Final = np.array([[42.0, 52.0], [70.0, 52.0], [56.0, 68.0], [45.5, 84.0], [66.5, 84.0]])
"""Where eyes, nose and corners of the mouth come to lie, so that forehead and chin are in the picture."""


def portrait(image: Image, landmarks: Points) -> bytes:
    """The face of these landmarks as JPEG, without any metadata."""
    face = align(image, landmarks, _LANDMARKS, SIDE)
    return bytes(cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
