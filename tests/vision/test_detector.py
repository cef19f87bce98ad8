from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from blindwatch.errors import NoFace
from blindwatch.vision import catalogue
from blindwatch.vision.detector import CascadeDetector, Detection, FaceDetector, YuNetDetector
from blindwatch.vision.image import Image, load
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry

EYES_NOSE_MOUTH = np.array([[202, 101], [246, 103], [221, 126], [202, 144], [240, 146]])
"""Where they are in the portrait."""


def resized(image: Image, scale: float) -> Image:
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def cascade(shipped: Registry) -> CascadeDetector:
    model = shipped.find_as("cascade", catalogue.Detector)
    landmarks = shipped.find_as("blindwatch-landmarks", catalogue.Landmarks)
    return CascadeDetector(shipped.read(model), shipped.read(landmarks), landmarks.input.size, threads=1)


def yunet(registry: Registry, name: str) -> YuNetDetector:
    model = registry.find_as(name, catalogue.Detector)
    assert model.input is not None
    return YuNetDetector(registry.read(model), model.input.size, threads=1)


@pytest.fixture(scope="module")
def crowd(labelled_pairs: list[tuple[Path, Path, bool]]) -> Image:
    """Twelve photographs side by side."""
    images = [load(first) for first, _, _ in labelled_pairs[:12]]
    return np.vstack([np.hstack(images[start : start + 4]) for start in (0, 4, 8)])


def test_the_cascade_finds_the_landmarks(cascade: CascadeDetector, portrait: Image) -> None:
    (found,) = cascade.detect(portrait)
    assert np.abs(found.landmarks - EYES_NOSE_MOUTH).max() < 6
    x, y, width, height = found.box
    assert x < 202 < 246 < x + width
    assert y < 101 < 146 < y + height


@pytest.mark.parametrize("scale", [0.5, 2.0, 5.0])
def test_the_cascade_finds_the_same_at_other_sizes(
    cascade: CascadeDetector, portrait: Image, scale: float
) -> None:
    """At five times the size the search runs on a smaller copy, and is told in pixels of the original."""
    found = cascade.detect(resized(portrait, scale))
    largest = max(found, key=lambda detection: detection.box[2])
    assert np.abs(largest.landmarks / scale - EYES_NOSE_MOUTH).max() < 6


@pytest.mark.parametrize("smallest", [8.0, 24.0, 40.0])
def test_the_cascade_finds_the_same_when_small_faces_may_be_left_out(
    cascade: CascadeDetector, portrait: Image, smallest: float
) -> None:
    found = cascade.detect(portrait, smallest)
    largest = max(found, key=lambda detection: detection.box[2])
    assert np.abs(largest.landmarks - EYES_NOSE_MOUTH).max() < 6


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_the_smallest_face_is_in_pixels_of_the_original(
    cascade: CascadeDetector, portrait: Image, scale: float
) -> None:
    """The eyes are 44 pixels apart; of the cascade's mistakes, one more or less is nothing."""
    image = resized(portrait, scale)

    def has_found(smallest: float) -> bool:
        landmarks = (each.landmarks for each in cascade.detect(image, smallest * scale))
        return any(np.abs(each / scale - EYES_NOSE_MOUTH).max() < 6 for each in landmarks)

    assert has_found(44)
    assert not has_found(66)


@pytest.mark.photographs
def test_faces_that_are_large_enough_are_found_by_either_search(
    cascade: CascadeDetector, labelled_pairs: list[tuple[Path, Path, bool]]
) -> None:
    """Some are found by one of them only; as many either way."""
    images = [load(path) for path, _, _ in labelled_pairs[:40]]
    every, large = (sum(bool(cascade.detect(image, smallest)) for image in images) for smallest in (0, 24))
    assert every >= 39
    assert large >= 39


def test_a_face_at_the_edge(cascade: CascadeDetector, portrait: Image) -> None:
    """The square that the landmark network sees reaches over the edge of the image here."""
    (found,) = cascade.detect(np.ascontiguousarray(portrait[60:, 172:]))
    assert np.abs(found.landmarks - (EYES_NOSE_MOUTH - (172, 60))).max() < 6


def test_the_cascade_finds_nobody_on_a_wall(cascade: CascadeDetector, nobody: Image) -> None:
    assert cascade.detect(nobody) == []
    assert cascade.detect(np.zeros((1, 1, 3), np.uint8)) == []


def reference(faces_dir: Path, image: Image, side: int | None) -> list[Detection]:
    """What OpenCV's own code around the same network finds."""
    if side is not None:
        canvas = np.zeros((side, side, 3), np.uint8)
        canvas[: image.shape[0], : image.shape[1]] = image
        image = canvas
    model = faces_dir / "models" / "face_detection_yunet_2023mar.onnx"
    detector = cv2.FaceDetectorYN.create(str(model), "", image.shape[1::-1], 0.7, 0.3)
    rows = detector.detect(image)[1]
    return (
        [] if rows is None else [Detection(tuple(row[:4]), row[4:14].reshape(5, 2), row[14]) for row in rows]
    )


def assert_same(found: list[Detection], expected: list[Detection]) -> None:
    assert len(found) == len(expected) > 0
    for one, other in zip(
        *(sorted(detections, key=lambda item: item.box[:2]) for detections in (found, expected)), strict=True
    ):
        assert one.box == pytest.approx(other.box, abs=0.01)
        assert one.landmarks == pytest.approx(other.landmarks, abs=0.01)
        assert one.score == pytest.approx(other.score, abs=1e-4)


@pytest.mark.photographs
@pytest.mark.parametrize(("name", "side"), [("yunet", 640), ("yunet-dynamic", None)])
def test_yunet_agrees_with_opencv(
    complete: Registry,
    faces_dir: Path,
    labelled_pairs: list[tuple[Path, Path, bool]],
    portrait: Image,
    name: str,
    side: int | None,
) -> None:
    detector = yunet(complete, name)
    for image in (portrait, *(load(path) for path, _, _ in labelled_pairs[:10])):
        assert_same(detector.detect(image), reference(faces_dir, image, side))


@pytest.mark.photographs
def test_yunet_finds_a_crowd_as_opencv_does(complete: Registry, faces_dir: Path, crowd: Image) -> None:
    detector = yunet(complete, "yunet-dynamic")
    found = detector.detect(crowd)
    assert len(found) >= 12
    assert_same(found, reference(faces_dir, crowd, None))


@pytest.mark.photographs
@pytest.mark.parametrize("name", ["yunet", "yunet-dynamic"])
def test_yunet_finds_the_same_in_a_large_image(complete: Registry, portrait: Image, name: str) -> None:
    enlarged = np.asarray(cv2.resize(portrait, None, fx=6, fy=6), np.uint8)
    (found,) = yunet(complete, name).detect(enlarged)
    assert np.abs(found.landmarks / 6 - EYES_NOSE_MOUTH).max() < 6


@pytest.mark.photographs
@pytest.mark.parametrize("name", ["yunet", "yunet-dynamic"])
def test_yunet_finds_nobody_on_a_wall(complete: Registry, nobody: Image, name: str) -> None:
    detector = yunet(complete, name)
    assert detector.detect(nobody) == []
    assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == []


@pytest.mark.photographs
def test_both_detectors_agree_on_the_landmarks(
    complete: Registry, cascade: FaceDetector, labelled_pairs: list[tuple[Path, Path, bool]]
) -> None:
    """The error of a landmark is counted in distances between the eyes."""
    network = yunet(complete, "yunet-dynamic")
    errors = []
    for path, _, _ in labelled_pairs[:40]:
        image = load(path)
        middle = np.array(image.shape[1::-1]) / 2
        both = [detector.detect(image) for detector in (cascade, network)]
        if all(both):
            first, second = (
                min(found, key=lambda one: float(np.linalg.norm(one.landmarks.mean(0) - middle))).landmarks
                for found in both
            )
            eyes = np.linalg.norm(second[0] - second[1])
            errors.append(np.linalg.norm(first - second, axis=1).mean() / eyes)
    assert len(errors) >= 36
    assert np.median(errors) < 0.08


def test_landmarks_in_one_spot_are_no_face(builtin: FacePipeline, portrait: Image) -> None:
    class Confused:
        def detect(self, _image: Image, _smallest: float = 0.0) -> list[Detection]:
            points = [np.full((5, 2), 100.0), np.full((5, 2), np.nan)]
            return [Detection((90, 90, 20, 20), landmarks, 1.0) for landmarks in points]

    entry = Registry.load().find_as("blindwatch-embedder", catalogue.Embedder)
    with pytest.raises(NoFace):
        FacePipeline(Confused(), builtin._embedder, entry, builtin.model_digest).faces(portrait)
