"""The one photograph of a check: given, or taken at this machine. It is in memory only, and for as short as can be.

What is left of it here is overwritten before this module hands out the face; `Camera.send` overwrites that.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from blindwatch.camera.camera import View
from blindwatch.camera.sources import Source, opened
from blindwatch.errors import ConfigurationError, ImageError, NoFace
from blindwatch.vision import image
from blindwatch.vision.detector import Detection
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import SIDE
from blindwatch.vision.quality import measure_face
from blindwatch.wire.messages import now

STANDARD_INPUT: Final = "-"
TAKE_SECONDS: Final = 15.0
"""How long a device is looked at until there is a picture that is good enough."""
RIVAL: Final = 0.5
"""Another face could be meant from this share of the width of the largest one."""


@dataclass(frozen=True)
class Taken:
    """One face that is to be checked, and when the photograph came."""

    view: View
    captured_at: str
    shortcomings: tuple[str, ...]
    """What is wrong with it, in words, for whoever weighs the answer."""


def check_source(source: str, *, remove: bool) -> None:
    """Refuse a file, which stays on the disk, unless it may be removed; raises ConfigurationError."""
    if _is_file(source) and not remove:
        raise ConfigurationError(
            "A photograph in a file would stay where it is.",
            "Give it on standard input, with -, or give --remove to have the file removed.",
        )


def check_device(source: str | None) -> None:
    """Refuse what is neither the number of a device nor an address, if it is given; raises ConfigurationError."""
    if source is not None and (source == STANDARD_INPUT or _is_file(source)):
        raise ConfigurationError(
            "Photographs come from a device or a stream.", "Give a number such as 0, or rtsp://..."
        )


def take(source: str, pipeline: FacePipeline) -> Taken:
    """The face in a photograph: `-` is standard input, a number a device, an address a stream, the rest a file.

    A file is removed before it is looked at. Raises ImageError, NoFace or ConfigurationError.
    """
    if source == STANDARD_INPUT:
        return _given(sys.stdin.fileno(), pipeline)
    if _is_file(source):
        return _removed(Path(source), pipeline)
    return watched(opened(source), pipeline)


def given(photograph: bytearray, pipeline: FacePipeline) -> Taken:
    """The face in the bytes of an image, which are overwritten; raises ImageError or NoFace."""
    try:
        pixels = image.decode(photograph)
    finally:
        photograph[:] = bytes(len(photograph))
    return _shown(pixels, pipeline)


def _is_file(source: str) -> bool:
    return not (source == STANDARD_INPUT or source.isdecimal() or "://" in source)


def watched(source: Source, pipeline: FacePipeline, seconds: float = TAKE_SECONDS) -> Taken:
    """The first picture of a source, in so many seconds, that shows one face well."""
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until and (frame := source.read()) is not None:
            try:
                found = _face(frame.image, pipeline)
            except ImageError:
                continue
            finally:
                frame.wipe()
            if not found.shortcomings:
                return found
            found.view.wipe()
    finally:
        source.close()
        source.read()  # after which the source has let go of its pictures
    raise NoFace(
        "The camera has not seen one face well.", "Come close to one person, from the front, in good light."
    )


def _removed(path: Path, pipeline: FacePipeline) -> Taken:
    try:
        with path.open("rb", buffering=0) as file:
            path.unlink()
            return _given(file.fileno(), pipeline)
    except OSError as error:
        raise ConfigurationError(f"The photograph cannot be read and removed ({error.strerror}).") from None


def _given(descriptor: int, pipeline: FacePipeline) -> Taken:
    """The face in the encoded image behind a descriptor, which is read without a buffer that would keep a part."""
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        return _shown(image.decode(file.readall()), pipeline)


def _shown(pixels: Image, pipeline: FacePipeline) -> Taken:
    """The face in a picture, which is overwritten."""
    try:
        return _face(pixels, pipeline)
    finally:
        pixels.fill(0)


def _face(pixels: Image, pipeline: FacePipeline) -> Taken:
    captured_at = now()
    detection = the_one(pipeline.detect(pixels))
    face = pipeline.describe(pixels, detection)
    # Whoever sees the answer has the person before them: no face of theirs goes anywhere, but one of the same size.
    nobody = np.zeros((SIDE, SIDE, 3), np.uint8)
    wrong = tuple(measure_face(face.landmarks, face.crop).shortcomings())
    return Taken(View(face.crop, nobody, face.embedding), captured_at, wrong)


def the_one(found: Sequence[Detection]) -> Detection:
    """The largest face, if no other could be meant; raises NoFace or ImageError."""
    if not found:
        raise NoFace("No face was found in the photograph.", "Take it from the front, and closer.")
    largest = max(found, key=_width)
    if sum(_width(each) >= RIVAL * _width(largest) for each in found) > 1:
        raise ImageError("The photograph shows several faces.", "Take one that shows this person alone.")
    return largest


def _width(detection: Detection) -> float:
    return max(detection.box[2:])
