"""Volunteers who are not on a list: beside the entry that they are most alike, they test whether operators look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from blindwatch.cli import files
from blindwatch.custodian.viewing import View
from blindwatch.errors import ConfigurationError
from blindwatch.secret.candidates import Check
from blindwatch.vision import image
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import portrait


@dataclass(frozen=True)
class Volunteers:
    """The faces of volunteers, and from where on two faces count as those of one person."""

    faces: Sequence[tuple[bytes, Embedding]]
    same_person: float

    @classmethod
    def look(cls, folder: Path | None, pipeline: FacePipeline) -> Self:
        """Look at every photograph of a folder; nobody if there is none. Raises ImageError."""
        faces = [] if folder is None else [_look(path, pipeline) for path in _photographs(folder)]
        return cls(faces, pipeline.operating_point)

    def beside(self, views: Sequence[View]) -> list[Check]:
        """Each of them beside the view that is most alike; refused if that looks like the same person."""
        if not self.faces:
            return []
        gallery = np.stack([view.embedding for view in views])
        return [Check(jpeg, self._nearest(gallery @ embedding)) for jpeg, embedding in self.faces]

    def _nearest(self, similarities: np.ndarray[tuple[int], np.dtype[np.float32]]) -> int:
        nearest = int(np.argmax(similarities))
        if similarities[nearest] >= self.same_person:
            raise ConfigurationError(
                "A volunteer looks like somebody on the list.",
                "Choose other volunteers: operators must be able to tell them apart.",
            )
        return nearest


def _photographs(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in image.SUFFIXES)
    if not found:
        raise ConfigurationError("The folder of volunteers has no photograph.")
    return found


def _look(path: Path, pipeline: FacePipeline) -> tuple[bytes, Embedding]:
    pixels = image.load(files.read_at_most(path, image.MAX_BYTES, "photograph of a volunteer"))
    face = pipeline.faces(pixels)[0]
    return portrait(pixels, face.landmarks), face.embedding
