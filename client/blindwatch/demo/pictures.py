"""Pictures for the report, each inside the page as a data address."""

from __future__ import annotations

import base64
from math import isqrt
from typing import Final

import cv2
import numpy as np

from blindwatch.demo.outcome import Integers
from blindwatch.he.presets import PLAIN_MODULUS
from blindwatch.vision.image import Image

_SIDE: Final = 224
_MARGIN: Final = 0.18


def portrait(image: Image, box: tuple[float, float, float, float]) -> Image:
    """The face with a margin around it, in a square of fixed size."""
    x, y, width, height = box
    side = max(width, height) * (1 + 2 * _MARGIN)
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    scale = _SIDE / side
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    square = cv2.warpAffine(
        image, move, (_SIDE, _SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(square, np.uint8)


def noise(scores: Integers) -> Image:
    """What was decrypted for every slot of a result, one grey pixel for each."""
    side = isqrt(len(scores))
    grey = scores[: side * side].reshape(side, side) % PLAIN_MODULUS * 255 // (PLAIN_MODULUS - 1)
    return np.asarray(cv2.cvtColor(grey.astype(np.uint8), cv2.COLOR_GRAY2BGR), np.uint8)


def as_photograph(image: Image) -> str:
    """A data address with the image as a JPEG."""
    return _address("jpeg", cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())


def as_pixels(image: Image) -> str:
    """A data address with the image as it is, grey."""
    return _address("png", cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))[1].tobytes())


def _address(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
