from __future__ import annotations

from pathlib import Path
from shutil import copy

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from blindwatch.errors import ImageTooLarge, ModelCorrupt, NoFace, UnreadableImage
from blindwatch.he.presets import preset
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import Face, FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry, embedded_directory

PRESET = preset("reveal-128")
WIDTH = 128


def cosine(first: Face, second: Face) -> float:
    return float(first.embedding @ second.embedding)


def jpeg(image: Image, quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def assert_complete(face: Face, side: int) -> None:
    assert (face.crop.shape, face.crop.dtype) == ((side, side, 3), np.dtype(np.uint8))
    assert (face.embedding.shape, face.embedding.dtype) == ((WIDTH,), np.dtype(np.float32))
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    assert face.landmarks.shape == (5, 2)
    made = templates([face.embedding], PRESET)
    assert 0 < np.square(made.coarse).sum() <= PRESET.squared_norm
    assert 0 < np.square(made.fine).sum() <= PRESET.fine_squared_norm


def test_the_built_in_pipeline_describes_a_face(builtin: FacePipeline, portrait: Image) -> None:
    (face,) = builtin.faces(portrait)
    assert_complete(face, 64)
    x, y, width, height = face.box
    assert (x < 220 < x + width, y < 120 < y + height) == (True, True)
    assert builtin.dimension == WIDTH
    assert len(bytes.fromhex(builtin.model_digest)) == 32
    assert 0 < builtin.operating_point < 1


def test_path_bytes_and_pixels_give_the_same_face(
    builtin: FacePipeline, portrait: Image, tmp_path: Path
) -> None:
    path = tmp_path / "portrait.png"
    path.write_bytes(cv2.imencode(".png", portrait)[1].tobytes())
    faces = [builtin.faces(source)[0] for source in (path, path.read_bytes(), portrait)]
    assert all((face.embedding == faces[0].embedding).all() for face in faces)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image: image[40:400, 60:380], id="cut out"),
        pytest.param(lambda image: cv2.resize(image, None, fx=0.7, fy=0.7), id="smaller"),
        pytest.param(lambda image: cv2.resize(image, None, fx=4, fy=4), id="larger"),
        pytest.param(lambda image: cv2.convertScaleAbs(image, alpha=0.7, beta=10), id="darker"),
        pytest.param(lambda image: cv2.GaussianBlur(image, (0, 0), 1.2), id="blurred"),
        pytest.param(
            lambda image: cv2.warpAffine(
                image, cv2.getRotationMatrix2D((220, 120), 8, 1), image.shape[1::-1]
            ),
            id="turned",
        ),
        pytest.param(lambda image: image[:, ::-1], id="mirrored"),
        pytest.param(
            lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), id="grey"
        ),
    ],
)
def test_a_person_is_recognised_in_a_changed_photograph(
    builtin: FacePipeline, portrait: Image, change: object
) -> None:
    assert callable(change)
    changed = np.ascontiguousarray(change(portrait))
    found = max(builtin.faces(changed), key=lambda face: face.box[2])
    assert cosine(builtin.faces(portrait)[0], found) > builtin.operating_point


def test_others_are_not_taken_for_the_person(
    builtin: FacePipeline, portrait: Image, others: list[Image]
) -> None:
    (person,) = builtin.faces(portrait)
    strangers = []
    for image in others:
        try:
            strangers.append(builtin.faces(image)[0])
        except NoFace:
            continue
    assert len(strangers) >= 45
    assert sum(cosine(person, face) > builtin.operating_point for face in strangers) <= 1


def test_a_grey_photograph(builtin: FacePipeline, portrait: Image) -> None:
    grey = np.asarray(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), np.uint8)
    assert_complete(builtin.faces(jpeg(grey))[0], 64)


def test_several_people_are_several_faces(builtin: FacePipeline, portrait: Image) -> None:
    """The first is the one whose face is nearest to the centre."""
    both = np.hstack([portrait[:300, 120:350], portrait[:300, 60:350]])
    faces = builtin.faces(both)
    assert len(faces) == 2
    assert [round(face.box[0] / 10) for face in faces] == [35, 6]
    assert cosine(*faces) > builtin.operating_point


def test_images_without_a_usable_face(builtin: FacePipeline, portrait: Image, nobody: Image) -> None:
    with pytest.raises(NoFace):
        builtin.faces(nobody)
    with pytest.raises(NoFace):
        builtin.faces(np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(UnreadableImage):
        builtin.faces(jpeg(portrait)[:-500])
    with pytest.raises(UnreadableImage):
        builtin.faces(b"no image")
    with pytest.raises(ImageTooLarge):
        builtin.faces(jpeg(np.zeros((5000, 10_000), np.uint8)))


def test_a_changed_model_is_not_loaded(tmp_path: Path) -> None:
    for name in ("blindwatch-embedder.onnx", "blindwatch-landmarks.onnx"):
        data = bytearray((embedded_directory() / name).read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelCorrupt):
            FacePipeline.named(Registry.load(tmp_path))
        copy(embedded_directory() / name, tmp_path / name)
    FacePipeline.named(Registry.load(tmp_path))


def compare(
    pipeline: FacePipeline, pairs: list[tuple[Path, Path, bool]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Cosines, what the two steps decide on templates, and who is one person; where both have a face."""
    rows = []
    thresholds = PRESET.thresholds(pipeline.operating_point)
    for first, second, same in pairs:
        try:
            a, b = (pipeline.faces(path)[0].embedding for path in (first, second))
        except NoFace:
            continue
        coarse, fine = templates([a], PRESET).scores(templates([b], PRESET))
        matched = coarse[0] >= thresholds.gate and fine[0] >= thresholds.fine
        rows.append((float(a @ b), bool(matched), same))
    cosines, matches, labels = zip(*rows, strict=True)
    return np.array(cosines), np.array(matches), np.array(labels)


@pytest.mark.photographs
@pytest.mark.parametrize("name", [("yunet-dynamic", "retail-0095"), ("yunet", "mobilefacenet")])
def test_models_of_others_tell_people_apart(
    complete: Registry, labelled_pairs: list[tuple[Path, Path, bool]], name: tuple[str, str]
) -> None:
    pipeline = FacePipeline.from_registry(complete, *name)
    cosines, matches, same = compare(pipeline, labelled_pairs)
    assert len(same) >= 58
    assert ((cosines >= pipeline.operating_point) == same).mean() >= 0.95
    assert (matches == same).mean() >= 0.9  # the lowest gate is stricter than these operating points
    (face, *_) = pipeline.faces(labelled_pairs[0][0])
    assert_complete(face, face.crop.shape[0])


@pytest.mark.photographs
def test_the_built_in_pipeline_tells_people_apart(
    builtin: FacePipeline, labelled_pairs: list[tuple[Path, Path, bool]]
) -> None:
    """Its threshold is one for few false matches, which costs it a part of the true ones."""
    cosines, matches, same = compare(builtin, labelled_pairs)
    assert len(same) >= 58
    assert (cosines[same][:, np.newaxis] > cosines[~same]).mean() >= 0.95
    for found in (cosines >= builtin.operating_point, matches):
        assert found[same].mean() >= 0.4
        assert found[~same].mean() <= 0.04


@pytest.mark.photographs
def test_templates_of_all_detectors_can_be_compared(
    complete: Registry, labelled_pairs: list[tuple[Path, Path, bool]]
) -> None:
    """So the detector is no part of the model digest."""
    pipelines = [
        FacePipeline.from_registry(complete, detector, "retail-0095")
        for detector in ("yunet", "yunet-dynamic", "cascade")
    ]
    assert len({pipeline.model_digest for pipeline in pipelines}) == 1
    for path, _, _ in labelled_pairs[:6]:
        network, dynamic, cascade = (pipeline.faces(path)[0] for pipeline in pipelines)
        assert min(cosine(network, dynamic), cosine(network, cascade)) > 0.9
