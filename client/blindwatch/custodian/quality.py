"""How well a photograph suits a list: the quality of its face, and whether it is clear whose face is meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from blindwatch.vision.pipeline import Face
from blindwatch.vision.quality import SMALLEST_EYES, FaceQuality, measure_face

RIVAL: Final = 0.5
"""Another face counts from this share of the width of the most central one."""


@dataclass(frozen=True)
class Quality(FaceQuality):
    """The measures of the most central face of a photograph."""

    rivals: int
    """Further faces that could be meant."""

    def shortcomings(self, smallest: float = SMALLEST_EYES) -> Iterator[str]:
        """What is wrong with the photograph, in words."""
        if self.rivals:
            yield "It shows several faces."
        yield from super().shortcomings(smallest)


def measure(faces: Sequence[Face]) -> Quality:
    """The quality of a photograph with these faces, the most central first."""
    face, *others = faces
    rivals = sum(_width(other) >= RIVAL * _width(face) for other in others)
    return Quality(**asdict(measure_face(face.landmarks, face.crop)), rivals=rivals)


def _width(face: Face) -> float:
    return max(face.box[2:])
