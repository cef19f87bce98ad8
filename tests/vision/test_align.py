from __future__ import annotations

from math import hypot

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.transform import SimilarityTransform

from blindwatch.vision.align import Points, align, similarity
from blindwatch.vision.image import Image

TEMPLATE = np.array([[20.195, 29.54], [43.69, 29.54], [32.015, 40.99], [22.365, 52.78], [41.82, 52.78]])
SIZE = 64

points = hnp.arrays(np.float64, (5, 2), elements=st.floats(0, 1000, width=32))


@given(points)
def test_the_matrix_is_the_least_squares_similarity(source: Points) -> None:
    assume(np.linalg.svd(source - source.mean(0), compute_uv=False)[1] > 1)
    expected = SimilarityTransform.from_estimate(source, TEMPLATE).params[:2]
    assume(np.linalg.det(expected[:, :2]) > 1e-6)  # it returns nonsense where all scales fit equally badly
    assert similarity(source, TEMPLATE) == pytest.approx(expected, abs=1e-8)


@given(st.floats(0.05, 20), st.floats(-3.1, 3.1), st.floats(-500, 500), st.floats(-500, 500))
def test_a_moved_template_is_moved_back(scale: float, angle: float, x: float, y: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = scale * TEMPLATE @ turn.T + (x, y)
    matrix = similarity(source, TEMPLATE)
    assert source @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(TEMPLATE, abs=1e-6)
    assert hypot(matrix[0, 0], matrix[1, 0]) == pytest.approx(1 / scale)


def test_opencv_estimates_the_same_without_outliers(portrait: Image) -> None:
    source = 3.7 * TEMPLATE + (31, 17)
    estimated, _ = cv2.estimateAffinePartial2D(source, TEMPLATE)
    assert similarity(source, TEMPLATE) == pytest.approx(estimated, abs=1e-4)


@pytest.mark.parametrize("scale", [0.8, 2.5, 7.3, 20.0])
@pytest.mark.parametrize("angle", [0.0, 0.6, -2.0])
def test_marks_land_on_the_template(scale: float, angle: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (TEMPLATE - 32) @ turn.T * scale + 900
    for landmark, expected in zip(landmarks, TEMPLATE, strict=True):
        rows, columns = np.mgrid[:1800, :1800]
        distance = (columns - landmark[0]) ** 2 + (rows - landmark[1]) ** 2
        blob = (255 * np.exp(-distance / (2 * (1.5 * scale) ** 2))).astype(np.uint8)
        weights = align(cv2.cvtColor(blob, cv2.COLOR_GRAY2BGR), landmarks, TEMPLATE, SIZE)[..., 0].astype(
            float
        )
        found = [(weights * axis).sum() / weights.sum() for axis in np.mgrid[:SIZE, :SIZE][::-1]]
        assert found == pytest.approx(expected, abs=0.1)


def test_outside_of_the_image_is_black() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    crop = align(white, TEMPLATE - (32, 0), TEMPLATE, SIZE)
    assert (crop.shape, crop.dtype) == ((SIZE, SIZE, 3), np.dtype(np.uint8))
    assert (crop[:, :31] == 0).all()
    assert (crop[:, 33:] == 255).all()


def test_a_large_face_is_averaged_down() -> None:
    """Stripes one pixel wide become even grey, where plain sampling would leave a pattern."""
    stripes = np.zeros((1280, 1280, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = align(stripes, TEMPLATE * 19.3, TEMPLATE, SIZE)
    assert crop[2:-2, 2:-2].std() < 10
