from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.he.polynomial import Low, Split, coefficients, fold, split
from blindwatch.he.presets import PLAIN_MODULUS, preset

PRESET = preset("reveal-128")
THRESHOLDS = st.integers(PRESET.lowest_threshold, PRESET.squared_norm)


def direct(polynomial: list[int], z: np.ndarray) -> np.ndarray:
    result = np.zeros_like(z)
    for coefficient in reversed(polynomial):
        result = (result * z + coefficient) % PLAIN_MODULUS
    return result


def as_arranged(shape: Low | Split, z: np.ndarray) -> np.ndarray:
    if isinstance(shape, Low):
        return direct(shape.coefficients, z)
    power = np.array([pow(int(value), shape.power, PLAIN_MODULUS) for value in z])
    left = (power + as_arranged(shape.shift, z)) * as_arranged(shape.left, z)
    return np.asarray((left + as_arranged(shape.right, z)) % PLAIN_MODULUS)


@given(THRESHOLDS)
def test_zero_exactly_where_a_score_reaches_the_threshold(threshold: int) -> None:
    score = np.arange(-PRESET.squared_norm, PRESET.squared_norm + 1)
    z = (score * score - fold(PRESET, threshold) * score) % PLAIN_MODULUS
    assert np.array_equal(direct(coefficients(PRESET, threshold), z) == 0, score >= threshold)


@given(THRESHOLDS, st.lists(st.integers(0, PLAIN_MODULUS - 1), min_size=1, max_size=50))
def test_the_arrangement_is_the_same_polynomial(threshold: int, points: list[int]) -> None:
    polynomial, z = coefficients(PRESET, threshold), np.array(points)
    assert np.array_equal(as_arranged(split(polynomial), z), direct(polynomial, z))


@pytest.mark.parametrize("degree", [4, 12, 28, 60])
def test_any_monic_polynomial_of_the_shape_can_be_arranged(degree: int, rng: np.random.Generator) -> None:
    polynomial = [*rng.integers(0, PLAIN_MODULUS, degree).tolist(), 1]
    z = rng.integers(0, PLAIN_MODULUS, 100)
    assert np.array_equal(as_arranged(split(polynomial), z), direct(polynomial, z))
