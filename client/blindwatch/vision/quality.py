"""How well a face suits recognition, in numbers that need no further model, and the limits they must keep.

The kinds of measure are those of ISO/IEC 29794-5 for portraits; formulas and limits are the project's own. They were
chosen on Labeled Faces in the Wild, of whose photographs they refuse one in ten to six, nearly all for a second face.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from blindwatch.vision.align import Points
from blindwatch.vision.image import Image

SMALLEST_EYES: Final = 24.0
"""Pixels from eye to eye; below it, faces are enlarged before the embedded network sees them."""
LOWEST_SHARPNESS: Final = 0.08
HIGHEST_ASYMMETRY: Final = 0.7
BRIGHTNESS: Final = (40.0, 215.0)
LOWEST_CONTRAST: Final = 12.0

_AMPLE_EYES: Final = 60.0
_AMPLE_SHARPNESS: Final = 0.5
_SIDE: Final = 64
_MARGIN: Final = _SIDE // 6


@dataclass(frozen=True)
class FaceQuality:
    """The measures of one face."""

    eyes: float
    """Pixels from eye to eye, in the photograph as it is."""
    sharpness: float
    """Variance of the Laplacian over the variance of the grey levels, of the aligned face at 64 pixels."""
    asymmetry: float
    """How far the nose is from midway between the eyes, along their line: 0 from the front, 1 above an eye."""
    brightness: float
    """Mean grey level, 0 to 255."""
    contrast: float
    """Standard deviation of the grey levels."""

    def shortcomings(self, smallest: float = SMALLEST_EYES) -> Iterator[str]:
        """What is wrong with the face, in words; `smallest` is in pixels from eye to eye."""
        if self.eyes < smallest:
            yield "The face is too small."
        if self.sharpness < LOWEST_SHARPNESS:
            yield "The face is blurred."
        if self.asymmetry > HIGHEST_ASYMMETRY:
            yield "The face is turned away."
        if not BRIGHTNESS[0] <= self.brightness <= BRIGHTNESS[1] or self.contrast < LOWEST_CONTRAST:
            yield "The face is too dark, too bright or without contrast."

    @property
    def rank(self) -> float:
        """What orders several shots of one face, 0 to 1: large, sharp and from the front is best."""
        size = min(self.eyes / _AMPLE_EYES, 1.0)
        return size * min(self.sharpness / _AMPLE_SHARPNESS, 1.0) * max(1.0 - self.asymmetry, 0.0)


def measure_face(landmarks: Points, crop: Image) -> FaceQuality:
    """The quality of one face, by its landmarks in the photograph and its aligned crop."""
    left, right, nose = (point.astype(np.float64) for point in landmarks[:3])
    across = right - left
    along = float(np.dot(nose - left, across) / np.dot(across, across))
    grey = _inner(crop)
    return FaceQuality(
        eyes=float(np.hypot(*across)),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).var() / max(grey.var(), 1.0)),
        asymmetry=abs(2 * along - 1),
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
    )


def _inner(crop: Image) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Grey levels of the middle of an aligned face, at one size for all networks."""
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    if len(grey) > _SIDE:
        grey = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return grey[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].astype(np.float64)
