"""The same comparison in clear, which the demonstration makes beside the encrypted one to check it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blindwatch.demo.outcome import Integers
from blindwatch.demo.pictures import portrait
from blindwatch.errors import ImageError
from blindwatch.he.presets import Preset
from blindwatch.he.templates import Templates
from blindwatch.vision import image
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import templates


@dataclass(frozen=True)
class ClearFace:
    """One face as only a demonstration may hold it."""

    template: Templates
    picture: Image


class ClearView:
    """Finds and templates faces as camera and custodian do."""

    def __init__(self, pipeline: FacePipeline, preset: Preset) -> None:
        self._pipeline = pipeline
        self._preset = preset
        self._seen: dict[bytes, list[ClearFace]] = {}

    def faces(self, photograph: bytes) -> list[ClearFace]:
        """All faces of a photograph in the pipeline's order; none if it has none or cannot be read."""
        if photograph not in self._seen:
            self._seen[photograph] = self._find(photograph)
        return self._seen[photograph]

    def usable(self, photograph: bytes) -> bool:
        """Whether a face is found."""
        return bool(self.faces(photograph))

    def scores(self, gallery: list[ClearFace], probe: ClearFace) -> tuple[Integers, Integers]:
        """The coarse and the fine score of a probe against every entry."""
        coarse = np.concatenate([entry.template.coarse for entry in gallery])
        fine = np.concatenate([entry.template.fine for entry in gallery])
        return Templates(coarse, fine).scores(probe.template)

    def _find(self, photograph: bytes) -> list[ClearFace]:
        try:
            pixels = image.load(photograph)
            found = self._pipeline.faces(pixels)
        except ImageError:
            return []
        return [
            ClearFace(templates([face.embedding], self._preset), portrait(pixels, face.box)) for face in found
        ]
