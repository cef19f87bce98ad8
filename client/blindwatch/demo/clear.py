"""The same comparison in clear, which the demonstration makes beside the encrypted one to check it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blindwatch.demo.outcome import Integers
from blindwatch.demo.pictures import portrait
from blindwatch.errors import ImageError
from blindwatch.vision import image
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import quantise


@dataclass(frozen=True)
class ClearFace:
    """One face as only a demonstration may hold it."""

    template: Integers
    picture: Image


class ClearView:
    """Finds and templates faces as camera and custodian do."""

    def __init__(self, pipeline: FacePipeline, squared_norm: int) -> None:
        self._pipeline = pipeline
        self._squared_norm = squared_norm
        self._seen: dict[bytes, list[ClearFace]] = {}

    def faces(self, photograph: bytes) -> list[ClearFace]:
        """All faces of a photograph in the pipeline's order; none if it has none or cannot be read."""
        if photograph not in self._seen:
            self._seen[photograph] = self._find(photograph)
        return self._seen[photograph]

    def usable(self, photograph: bytes) -> bool:
        """Whether a face is found."""
        return bool(self.faces(photograph))

    def scores(self, gallery: list[ClearFace], probe: ClearFace) -> Integers:
        """The score of a probe against every entry."""
        scores: Integers = np.stack([entry.template for entry in gallery]) @ probe.template
        return scores

    def _find(self, photograph: bytes) -> list[ClearFace]:
        try:
            pixels = image.load(photograph)
            found = self._pipeline.faces(pixels)
        except ImageError:
            return []
        return [
            ClearFace(quantise(face.embedding, self._squared_norm), portrait(pixels, face.box))
            for face in found
        ]
