"""Photographs that come inside a package, good and bad, as files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage import data

from blindwatch.vision.image import Image

DATA: Any = data  # its functions carry no types

PEOPLE = ("Aurora Aalto", "Balint Bartos", "Carla Castellane", "Dovrat Dagan")


def portrait() -> Image:
    """One person, in colour."""
    return np.ascontiguousarray(DATA.astronaut()[..., ::-1])


@cache
def small(number: int) -> Image:
    """One of a hundred small grey faces, enlarged, with room around it."""
    face = cv2.resize(
        (DATA.lfw_subset()[number] * 255).astype(np.uint8), (100, 100), interpolation=cv2.INTER_CUBIC
    )
    framed = cv2.copyMakeBorder(face, 40, 40, 40, 40, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8)


def group(*numbers: int) -> Image:
    """Several of them side by side."""
    return np.hstack([small(number) for number in numbers])


def wall() -> Image:
    """Nobody."""
    return np.asarray(cv2.cvtColor(DATA.brick(), cv2.COLOR_GRAY2BGR), np.uint8)


def blur(image: Image, sigma: float) -> Image:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def scaled(image: Image, factor: float) -> Image:
    """Smaller or larger."""
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def encoded(image: Image, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


@cache
def huge() -> bytes:
    """Fifty megapixels that take a few kilobytes."""
    return encoded(np.zeros((5000, 10_000), np.uint8))


def bad(kind: str) -> bytes:
    """What a file holds that nobody can be recognised in."""
    made: dict[str, Callable[[], bytes]] = {
        "wall": lambda: encoded(wall()),
        "words": lambda: b"this is not an image",
        "nothing": lambda: b"",
        "cut": lambda: encoded(portrait(), ".jpg")[:9000],
        "huge": huge,
    }
    return made[kind]()


def write(path: Path, content: Image | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return path
