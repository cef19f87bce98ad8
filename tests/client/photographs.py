"""Photographs that come inside a package, good and bad, as files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from blindwatch.vision.image import Image

PEOPLE = ("Aino Aalto", "Bela Bartos", "Carla Castellane", "Dov Dagan")


def portrait() -> Image:
    """One person, in colour."""
    return np.ascontiguousarray(data.astronaut()[..., ::-1])


@cache
def small(number: int) -> Image:
    """One of a hundred small grey faces, enlarged, with room around it."""
    face = cv2.resize(
        (data.lfw_subset()[number] * 255).astype(np.uint8), (100, 100), interpolation=cv2.INTER_CUBIC
    )
    return cv2.cvtColor(cv2.copyMakeBorder(face, 40, 40, 40, 40, cv2.BORDER_REPLICATE), cv2.COLOR_GRAY2BGR)


def group(*numbers: int) -> Image:
    """Several of them side by side."""
    return np.hstack([small(number) for number in numbers])


def wall() -> Image:
    """Nobody."""
    return cv2.cvtColor(data.brick(), cv2.COLOR_GRAY2BGR)


def encoded(image: Image, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


@cache
def huge() -> bytes:
    """Fifty megapixels that take a few kilobytes."""
    return encoded(np.zeros((5000, 10_000), np.uint8))


def bad(kind: str) -> bytes:
    """What a file holds that nobody can be recognised in."""
    return {
        "wall": lambda: encoded(wall()),
        "words": lambda: b"this is not an image",
        "nothing": lambda: b"",
        "cut": lambda: encoded(portrait(), ".jpg")[:9000],
        "huge": huge,
    }[kind]()


def write(path: Path, content: Image | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return path
