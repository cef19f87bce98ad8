"""Face detectors: boxes with five landmarks, in pixels of the image that was handed in.

Large images are shrunk before the search, so a face whose side is under about a fiftieth of the longer
side of the image is not found: too small to be recognised, and slow to look for. A camera has no use for
small faces in any image, and says how large they have to be; what it gains and loses is in docs/camera.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import ModelCorrupt
from blindwatch.vision.align import Points
from blindwatch.vision.image import Image
from blindwatch.vision.runtime import Network, shrink_to, to_batch

SEARCH_SIDE = 1280
"""The longer side of the image that is searched, unless a network has a fixed size."""


@dataclass(frozen=True)
class Detection:
    """One face: box (x, y, width, height), landmarks in the order of `Points`, and the detector's score.

    Scores are for ranking within one detector; two detectors' scores have different units.
    """

    box: tuple[float, float, float, float]
    landmarks: Points
    score: float


class FaceDetector(Protocol):
    """Finds all faces in an image."""

    def detect(self, image: Image, smallest: float = 0.0) -> list[Detection]:
        """All faces, in no particular order; those under `smallest` pixels from eye to eye may be left out."""
        ...


class YuNetDetector:
    """YuNet: predictions for every cell at three strides, decoded and thinned out here."""

    _STRIDES = (8, 16, 32)
    _LEAST_SCORE = 0.7
    _MOST_OVERLAP = 0.3

    def __init__(self, model: bytes, side: int | None, threads: int) -> None:
        self._network = Network(model, threads)
        self._side = side

    def detect(self, image: Image, smallest: float = 0.0) -> list[Detection]:  # noqa: ARG002 - it finds them anyway
        """All faces, in no particular order, however small."""
        small, scale = shrink_to(image, self._side or SEARCH_SIDE)
        height, width = small.shape[:2]
        padded_height, padded_width = self._side or -(-height // 32) * 32, self._side or -(-width // 32) * 32
        padded = np.zeros((padded_height, padded_width, 3), np.uint8)
        padded[:height, :width] = small
        outputs = self._network.run(to_batch(padded))
        found = np.concatenate(
            [self._decode(outputs, stride, padded_width // stride) for stride in self._STRIDES]
        )
        return [
            Detection(
                box=(float(row[0]), float(row[1]), float(row[2]), float(row[3])),
                landmarks=row[4:14].reshape(5, 2),
                score=float(score),
            )
            for row, score in (
                (row[:14] / scale, row[14]) for row in found[_suppress(found, self._MOST_OVERLAP)]
            )
        ]

    def _decode(
        self, outputs: dict[str, NDArray[np.float32]], stride: int, columns: int
    ) -> NDArray[np.float64]:
        """Rows of x, y, width, height, ten landmark coordinates and score, of the cells with a face."""
        classes, objects, boxes, points = (
            outputs[f"{part}_{stride}"][0].astype(np.float64) for part in ("cls", "obj", "bbox", "kps")
        )
        scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
        chosen = np.flatnonzero(scores >= self._LEAST_SCORE)
        cells = np.stack([chosen % columns, chosen // columns], axis=1)
        sides = np.exp(np.minimum(boxes[chosen, 2:], 10.0)) * stride  # e^10 cells is more than any image
        corners = (cells + boxes[chosen, :2]) * stride - sides / 2
        landmarks = (np.tile(cells, 5) + points[chosen]) * stride
        return np.concatenate([corners, sides, landmarks, scores[chosen, np.newaxis]], axis=1)


def _suppress(found: NDArray[np.float64], most_overlap: float) -> list[int]:
    """The rows to keep: best scores first, without those that overlap a kept one too much."""
    left, top, width, height = found[:, :4].T
    area = width * height
    waiting = np.argsort(-found[:, 14])
    kept: list[int] = []
    while waiting.size:
        best, rest = waiting[0], waiting[1:]
        kept.append(int(best))
        across = np.minimum(left[best] + width[best], (left + width)[rest]) - np.maximum(
            left[best], left[rest]
        )
        down = np.minimum(top[best] + height[best], (top + height)[rest]) - np.maximum(top[best], top[rest])
        shared = np.clip(across, 0, None) * np.clip(down, 0, None)
        waiting = rest[shared <= most_overlap * (area[best] + area[rest] - shared)]
    return kept


@dataclass(frozen=True)
class _Search:
    """How finely a cascade looks."""

    step: float
    """From one size of faces to the next."""
    neighbours: int
    """A face must be found more often than that, in places and sizes next to each other."""


class CascadeDetector:
    """OpenCV's cascade for boxes, and a small network for the landmarks inside each."""

    _WINDOW = 24
    """The smallest box, in pixels of what is searched: that of the faces it was trained on."""
    _WINDOW_EYES = 1.85
    """The smallest box in distances between the eyes. Those of faces are larger, by a step of the search or more."""
    _ANY_SIZE = _Search(step=1.1, neighbours=5)
    # Coarser steps find each face less often, and asking for fewer findings makes up for that. Photographs are left
    # with the finer search, by which the models' figures were measured.
    _LARGE_ONES = _Search(step=1.2, neighbours=2)

    def __init__(self, cascade: bytes, landmarks: bytes, side: int, threads: int) -> None:
        storage = cv2.FileStorage(cascade.decode("utf-8"), cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        self._cascade = cv2.CascadeClassifier()
        if not self._cascade.read(storage.getFirstTopLevelNode()):
            raise ModelCorrupt("This version of OpenCV cannot read the registered cascade.")
        self._landmarks = Network(landmarks, threads)
        self._side = side

    def detect(self, image: Image, smallest: float = 0.0) -> list[Detection]:
        """Faces in no particular order; the score is the number of neighbouring detections."""
        small, scale = shrink_to(image, SEARCH_SIDE)
        search = self._LARGE_ONES if smallest else self._ANY_SIZE
        window = max(self._WINDOW, round(self._WINDOW_EYES * smallest * scale))
        boxes, neighbours = self._cascade.detectMultiScale2(
            cv2.cvtColor(small, cv2.COLOR_BGR2GRAY),
            scaleFactor=search.step,
            minNeighbors=search.neighbours,
            minSize=(window, window),
        )
        found = []
        for box, score in zip(boxes, neighbours, strict=True):
            x, y, width, height = (round(float(value) / scale) for value in box)
            landmarks = self._find_landmarks(image, x, y, width)
            found.append(Detection((x, y, width, height), landmarks, float(score)))
        return found

    def _find_landmarks(self, image: Image, x: int, y: int, width: int) -> Points:
        margin = width // 5
        left, top, side = x - margin, y - margin, width + 2 * margin
        square = _cut(image, left, top, side)
        crop = cv2.resize(square, (self._side, self._side), interpolation=cv2.INTER_AREA)
        fractions = self._landmarks.run_single(to_batch(crop.astype(np.uint8, copy=False)))[0]
        points: Points = fractions.astype(np.float64) * side + (left, top)
        return points


def _cut(image: Image, left: int, top: int, side: int) -> Image:
    """A square of the image, black where it reaches over the edge."""
    height, width = image.shape[:2]
    square = np.zeros((side, side, 3), np.uint8)
    x0, x1 = max(left, 0), min(left + side, width)
    y0, y1 = max(top, 0), min(top + side, height)
    square[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return square
