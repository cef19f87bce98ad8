"""Damage to pictures that both nets must survive: light, colour, blur, low resolution, noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def degrade(image: NDArray, rng: np.random.Generator) -> NDArray:
    """A randomly worsened copy of a small BGR picture."""
    size = image.shape[0]
    if rng.random() < 0.35:  # as if the face had been only a few pixels wide
        small = int(rng.uniform(0.25, 0.8) * size)
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=int(rng.choice([1, 2])))
    elif rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.3:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    levels = np.arange(256, dtype=np.float32) / 255
    levels = levels ** np.exp(rng.normal(0, 0.2))
    levels = (levels - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.07)
    image = cv2.LUT(image, np.clip(levels * 255, 0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 8), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image
