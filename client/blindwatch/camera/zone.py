"""The zone of recognition: the part of a camera's picture in which faces are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.vision.detector import Detection
from blindwatch.vision.image import Image

_CORNERS: Final[TypeAdapter[list[tuple[float, float]]]] = TypeAdapter(list[tuple[float, float]])
_MOST: Final = 100
_SMALLEST: Final = 1e-4
"""The least area, as a share of the picture."""


class Zone:
    """A polygon. Its corners are shares of width and height, so that they fit every resolution of a camera."""

    def __init__(self, corners: list[tuple[float, float]]) -> None:
        self._corners: NDArray[np.float32] = np.array(corners, np.float32).reshape(-1, 2)
        usable = 3 <= len(corners) <= _MOST and bool(((self._corners >= 0) & (self._corners <= 1)).all())
        if not usable or cv2.contourArea(self._corners) < _SMALLEST:
            raise ConfigurationError(
                "The zone is not a polygon within the picture.",
                "Give three corners or more, each as [x, y] from [0, 0] at the top left to [1, 1].",
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file with a list of corners in JSON."""
        try:
            return cls(_CORNERS.validate_python(files.read_json(path, "zone")))
        except ValidationError:
            raise ConfigurationError(
                "The zone does not follow its form.", "Write it as a list of corners: [[0.2, 0.5], ...]"
            ) from None

    def holds(self, detection: Detection, image: Image) -> bool:
        """Whether the middle of a face is in the zone, or on its edge."""
        x, y, width, height = detection.box
        rows, columns = image.shape[:2]
        middle = ((x + width / 2) / columns, (y + height / 2) / rows)
        return cv2.pointPolygonTest(self._corners, middle, measureDist=False) >= 0
