"""Five-point alignment: a face is turned, scaled and moved onto the template of its embedder."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from blindwatch.vision.image import Image

Points = NDArray[np.float64]
"""Rows of (x, y): eye on the image's left, other eye, nose tip, left and right corner of the mouth."""


def similarity(points: Points, template: Points) -> NDArray[np.float64]:
    """The 2 x 3 matrix of the least-squares similarity, without reflection, from points to template.

    In the plane this is Umeyama's solution in closed form: with points as complex numbers about their
    means, the factor that turns and scales is sum(conj(p) q) / sum(|p|^2). The points must not coincide.
    """
    source, target = (array[:, 0] + 1j * array[:, 1] for array in (points, template))
    centred = source - source.mean()
    factor = np.vdot(centred, target - target.mean()) / np.vdot(centred, centred).real
    shift = target.mean() - factor * source.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def align(image: Image, points: Points, template: Points, size: int) -> Image:
    """The face as a square of `size` pixels with its landmarks on the template; black outside the image."""
    matrix = similarity(points, template)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        # Linear sampling at less than half size would alias: average down to twice the size first.
        image = cv2.resize(image, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        # Pixel centres, not pixel corners, carry the coordinates.
        matrix = similarity((points + 0.5) * 2 * scale - 0.5, template)
    warped = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return warped.astype(np.uint8, copy=False)
