"""The whole way from a photograph to unit embeddings, as one object."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import hypot
from pathlib import Path
from typing import Self

import numpy as np

from blindwatch.errors import NoFace
from blindwatch.vision import catalogue
from blindwatch.vision.align import Points, align
from blindwatch.vision.detector import CascadeDetector, Detection, FaceDetector, YuNetDetector
from blindwatch.vision.embedder import Embedding, FaceEmbedder
from blindwatch.vision.image import Image, load
from blindwatch.vision.registry import Registry

DEFAULT = "default"


@dataclass(frozen=True)
class Face:
    """One face of an image; nothing of it may be written to a disk in clear."""

    box: tuple[float, float, float, float]
    landmarks: Points
    score: float
    crop: Image
    embedding: Embedding


class FacePipeline:
    """Detect, align and embed with one detector and one embedder; for one thread at a time."""

    def __init__(
        self, detector: FaceDetector, embedder: FaceEmbedder, entry: catalogue.Embedder, model_digest: str
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._template = np.array(entry.template, np.float64)
        self._side = entry.input.size
        self.dimension = entry.dimension
        self.operating_point = entry.operating_point.cosine
        self.model_digest = model_digest

    @classmethod
    def from_registry(cls, registry: Registry, detector: str, embedder: str, *, threads: int = 1) -> Self:
        """Load and verify the named models; raises `ModelMissing` or `ModelCorrupt`."""
        entry = registry.find_as(embedder, catalogue.Embedder)
        projection = (
            None if entry.projection is None else registry.find_as(entry.projection, catalogue.Projection)
        )
        return cls(
            _load_detector(registry, registry.find_as(detector, catalogue.Detector), threads),
            FaceEmbedder(
                entry,
                registry.read(entry),
                None if projection is None else registry.read(projection),
                threads,
            ),
            entry,
            model_digest(entry, projection),
        )

    @classmethod
    def named(cls, registry: Registry, name: str = DEFAULT, *, threads: int = 1) -> Self:
        """Load a pipeline that the registry names."""
        pipeline = registry.pipeline(name)
        return cls.from_registry(registry, pipeline.detector, pipeline.embedder, threads=threads)

    def faces(self, source: Path | bytes | Image) -> list[Face]:
        """All faces of an image file, its bytes or decoded pixels; raises `ImageError` subclasses.

        They are sorted by the distance of the face from the centre of the image, counted in widths of
        the face: what is large and central comes first.
        """
        image = load(source)
        found = self.detect(image)
        if not found:
            raise NoFace(
                "No face was found in the image.", "Use a photograph that shows a face from the front."
            )
        return [self.describe(image, detection) for detection in found]

    def detect(self, image: Image, smallest: float = 0.0) -> list[Detection]:
        """Where the faces of an image are, in the same order; none is embedded.

        With `smallest`, in pixels from eye to eye, only those of that size are looked for, which is quicker.
        """
        found = [detection for detection in self._detector.detect(image, smallest) if _usable(detection)]
        return sorted(found, key=lambda detection: _eccentricity(detection, image))

    def crop(self, image: Image, detection: Detection) -> Image:
        """The aligned face, as it is embedded."""
        return align(image, detection.landmarks, self._template, self._side)

    def embed(self, crop: Image) -> Embedding:
        """The unit embedding of an aligned face."""
        return self._embedder.embed(crop)

    def describe(self, image: Image, detection: Detection) -> Face:
        """Align and embed one face."""
        crop = self.crop(image, detection)
        return Face(
            box=detection.box,
            landmarks=detection.landmarks,
            score=detection.score,
            crop=crop,
            embedding=self.embed(crop),
        )


def model_digest(entry: catalogue.Embedder, projection: catalogue.Projection | None) -> str:
    """What two templates must have in common to be comparable: the embedder and how faces are brought to it.

    The detector is left out: any detector's landmarks lead to comparable templates.
    """
    layout = entry.input
    lines = [
        "blindwatch embedding v1",
        f"embedder {entry.sha256}",
        f"projection {'none' if projection is None else projection.sha256}",
        f"input {layout.layout} {layout.size} {layout.colour}",
        f"mean {layout.mean!r}",
        f"deviation {layout.deviation!r}",
        f"template {entry.template!r}",
        "align similarity linear black",
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _load_detector(registry: Registry, entry: catalogue.Detector, threads: int) -> FaceDetector:
    if entry.landmarks is None:
        side = None if entry.input is None else entry.input.size
        return YuNetDetector(registry.read(entry), side, threads)
    landmarks = registry.find_as(entry.landmarks, catalogue.Landmarks)
    return CascadeDetector(registry.read(entry), registry.read(landmarks), landmarks.input.size, threads)


def _usable(detection: Detection) -> bool:
    """Whether the landmarks are apart enough for an alignment to mean something."""
    return bool(np.isfinite(detection.landmarks).all() and np.ptp(detection.landmarks, axis=0).min() >= 1)


def _eccentricity(detection: Detection, image: Image) -> float:
    x, y, width, height = detection.box
    rows, columns = image.shape[:2]
    return hypot(x + width / 2 - columns / 2, y + height / 2 - rows / 2) / max(width, height, 1.0)
