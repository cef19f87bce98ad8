"""Photographs to templates and thresholds as verdicts are given on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from blindwatch.errors import ModelMismatch
from blindwatch.he import presets
from blindwatch.he.verdicts import DIMENSION, SQUARED_NORM, Integers, clip
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import quantise

PRESET: Final = "reveal-128"


class Templater:
    """Reads the most central face of a photograph."""

    def __init__(self, models: FacePipeline) -> None:
        if models.dimension != DIMENSION:
            raise ModelMismatch(f"Verdicts are given on templates of {DIMENSION} coordinates.")
        self._models = models

    def template(self, photograph: Path) -> Integers:
        """Shape (d,); raises `ImageError` subclasses."""
        return self.of(self._models.faces(photograph)[0].embedding)

    def of(self, embedding: Embedding) -> Integers:
        """The template (d,) of an embedding."""
        return clip(quantise(embedding, SQUARED_NORM))

    def templates(self, photographs: Sequence[Path]) -> Integers:
        """Shape (n, d)."""
        return np.stack([self.template(each) for each in photographs])

    def threshold(self, similarity: float | None) -> int:
        """The lowest inner product that matches; the model's operating point if no similarity is given.

        It is no lower than the main engine can evaluate, so that both engines decide the same question.
        """
        chosen = presets.preset(PRESET)
        wanted = self._models.operating_point if similarity is None else similarity
        threshold = max(round(wanted * SQUARED_NORM), chosen.lowest_threshold)
        chosen.check_threshold(threshold)
        return threshold
