"""Making photographs worse, step by step: to see from where on recognition fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from blindwatch.vision.image import Image

_READ_NOISE: Final = 2.0
"""Grey levels of noise that a sensor adds, which counts when there is little light."""
_DISTANCE: Final = 3.0
"""Of the camera from a turned face, in widths of the photograph."""


def blur(image: Image, sigma: float) -> Image:
    """Out of focus: a Gaussian of this deviation, in pixels."""
    return image if sigma == 0 else _pixels(cv2.GaussianBlur(image, (0, 0), sigma))


def shrink(image: Image, width: float) -> Image:
    """Farther away: the photograph at this width, in pixels."""
    scale = width / image.shape[1]
    return (
        image
        if scale >= 1
        else _pixels(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    )


def darken(image: Image, light: float) -> Image:
    """Less light, as a share of what there was, with the noise of a sensor."""
    if light == 1:
        return image
    noise = np.random.default_rng(0).normal(scale=_READ_NOISE, size=image.shape)
    return _pixels(np.clip(np.rint(image * light + noise), 0, 255))


def turn(image: Image, degrees: float) -> Image:
    """To the side: the photograph as a plane turned about its vertical axis, which is less than a head does."""
    if degrees == 0:
        return image
    height, width = image.shape[:2]
    angle = np.radians(degrees)
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * (1, height / width)
    depth = _DISTANCE + corners[:, 0] * np.sin(angle)
    seen = np.stack([corners[:, 0] * np.cos(angle), corners[:, 1]], axis=1) * _DISTANCE / depth[:, np.newaxis]
    centre = np.array([width, height]) / 2
    matrix = cv2.getPerspectiveTransform(
        (corners * width + centre).astype(np.float32), (seen * width + centre).astype(np.float32)
    )
    return _pixels(cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))


def _pixels(image: object) -> Image:
    return np.ascontiguousarray(image, dtype=np.uint8)


@dataclass(frozen=True)
class Worse:
    """One step of one way: what processes apply to each photograph."""

    way: Callable[[Image, float], Image]
    amount: float

    def __call__(self, image: Image) -> Image:
        """The worse photograph."""
        return self.way(image, self.amount)


@dataclass(frozen=True)
class Degradation:
    """A way in which photographs get worse, in what unit, and its steps from good to bad."""

    name: str
    unit: str
    way: Callable[[Image, float], Image]
    amounts: tuple[float, ...]


DEGRADATIONS: Final = (
    Degradation("blur", "deviation of the blur, pixels", blur, (0, 1, 2, 3, 4, 6)),
    Degradation("size", "width of the photograph, pixels", shrink, (250, 125, 90, 64, 45, 32)),
    Degradation("light", "light, share of the original", darken, (1, 0.5, 0.25, 0.12, 0.06, 0.03)),
    Degradation("pose", "turn to the side, degrees", turn, (0, 15, 30, 45, 55, 65)),
)
