"""Canaries from photographs: what is made of them, who may read it, and that it is found afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from blindwatch.demo.photographs import built_in
from blindwatch.he.presets import preset
from blindwatch.oversight.canary.folder import Canary, read_canaries, sought
from blindwatch.oversight.scan.hits import Kind
from blindwatch.oversight.scan.scanning import Scan
from blindwatch.vision.image import decode
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry

from ..client.running import command
from .planting import Found, noise

PRESET = preset("reveal-128")


@pytest.fixture(scope="module")
def pipeline() -> FacePipeline:
    return FacePipeline.named(Registry.load())


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("volunteers")
    for number, each in enumerate(built_in(4, lambda _: True).enrolled[:3]):
        (folder / f"volunteer-{number}.png").write_bytes(each.data)
    (folder / "consent.txt").write_text("They agreed.")
    return folder


@pytest.fixture(scope="module")
def folder(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "canaries"
    assert command("oversight", "canary", "make", photographs=photographs, out=out) == 0
    return out


@pytest.fixture(scope="module")
def canaries(folder: Path) -> list[Canary]:
    return read_canaries(folder)


class Eye:
    """A scan that goes on, and what it finds each time."""

    def __init__(self, canaries: list[Canary]) -> None:
        self._scan = Scan(sought(canaries))
        self._looks = 0

    def __call__(self, data: bytes) -> Found:
        self._looks += 1
        self._scan.data(f"look {self._looks}", noise(777) + data + noise(778))
        things: Found = {}
        for each in self._scan.findings.of(is_wrong=True):
            if each.place.name == f"look {self._looks}":
                things.setdefault(each.kind, set()).add(each.what)
        return things


@pytest.fixture(scope="module")
def scan_for(canaries: list[Canary]) -> Eye:
    return Eye(canaries)


def of_canary(things: Found, number: int, what: str) -> bool:
    return any(each.startswith(f"{what} of canary {number}") for each in things.get(Kind.CANARY, ()))


def test_canaries_are_for_their_owner_alone(folder: Path, canaries: list[Canary]) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert [each.name for each in canaries] == ["canary 1", "canary 2", "canary 3"]
    assert [each.file for each in canaries] == [f"volunteer-{number}.png" for number in range(3)]


def test_reports_do_not_say_who_they_are(canaries: list[Canary]) -> None:
    scan = Scan(sought(canaries))
    scan.data("bytes", canaries[0].embedding)
    assert b"volunteer" not in scan.result().to_json()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_everything_a_camera_makes_of_a_photograph_is_found(
    number: int, scan_for: Eye, photographs: Path, pipeline: FacePipeline
) -> None:
    photograph = (photographs / f"volunteer-{number - 1}.png").read_bytes()
    image = decode(photograph)
    (face, *_) = pipeline.faces(photograph)
    made = templates([face.embedding], PRESET)
    for what, data in {
        "photograph": photograph,
        "pixels": image.tobytes(),
        "face crop": face.crop.tobytes(),
        "embedding": face.embedding.tobytes(),
        "template": made.fine.tobytes(),
    }.items():
        assert of_canary(scan_for(data), number, what), what
    for data in (image[..., ::-1].tobytes(), face.crop.astype(np.float32).transpose(2, 0, 1).tobytes()):
        assert Kind.CANARY in scan_for(data)
    for data in (made.coarse.astype(np.int8).tobytes(), json.dumps(face.embedding.tolist()).encode()):
        things = scan_for(data)
        assert of_canary(things, number, "embedding") or of_canary(things, number, "template")
        assert any(each.endswith(f"canary {number}") for each in things[Kind.TEMPLATE])


def test_a_page_of_a_face_is_enough(scan_for: Eye, photographs: Path, pipeline: FacePipeline) -> None:
    crop = pipeline.faces(photographs / "volunteer-1.png")[0].crop.tobytes()
    pages = [crop[at : at + 2048] for at in range(1024, len(crop) - 2048, 2048)]
    assert len(pages) > 4
    assert all(of_canary(scan_for(page), 2, "face crop") for page in pages)


def test_what_is_made_of_others_is_no_canary(scan_for: Eye, pipeline: FacePipeline) -> None:
    other = built_in(4, lambda _: True).enrolled[3]
    face = pipeline.faces(other.data)[0]
    things = scan_for(other.data + face.crop.tobytes())
    assert set(things) <= {Kind.IMAGE}
    assert set(scan_for(face.embedding.tobytes())) == {Kind.VECTOR}


def test_a_walk_past_the_camera_is_found(
    faces_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], pipeline: FacePipeline
) -> None:
    """Canaries from one photograph, templates from another one of the same person."""
    people = [sorted(each.glob("*.jpg")) for each in sorted((faces_dir / "lfw").iterdir())]
    several = [photos for photos in people if len(photos) > 3][:12]
    (volunteers := tmp_path / "volunteers").mkdir()
    for photos in several:
        (volunteers / photos[0].name).symlink_to(photos[0])
    out = tmp_path / "canaries"
    assert command("oversight", "canary", "make", photographs=volunteers, out=out) == 0
    scan_for = Eye(read_canaries(out))
    seen = right = 0
    for number, photos in enumerate(several, 1):
        for photo in photos[1:4]:
            made = templates([pipeline.faces(photo)[0].embedding], PRESET)
            things = scan_for(made.fine.astype(np.int16).tobytes())
            seen += 1
            right += any(each.endswith(f"canary {number}") for each in things.get(Kind.TEMPLATE, ()))
            assert things.keys() & {Kind.TEMPLATE, Kind.VECTOR}
    assert seen == 36
    assert right >= 0.7 * seen, f"{right} templates were recognised as those of a canary"
    assert command("oversight", "canary", "destroy", str(out)) == 0


def test_the_steps_are_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("oversight", "canary", "show", str(folder)) == 0
    said = capsys.readouterr().out
    assert "volunteer-2" in said
    assert "Scan every place before the walk" in said
    assert "Destroy the canaries" in said


def test_canaries_are_destroyed(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "canaries"
    assert command("oversight", "canary", "make", photographs=photographs, out=out) == 0
    assert command("oversight", "canary", "destroy", str(out)) == 0
    assert not out.exists()
    assert command("oversight", "canary", "destroy", str(out)) == 1
    assert "no canaries" in capsys.readouterr().err


def test_other_files_in_the_folder_stay(photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "canaries"
    assert command("oversight", "canary", "make", photographs=photographs, out=out) == 0
    (out / "notes.txt").write_text("of somebody")
    assert command("oversight", "canary", "destroy", str(out)) == 0
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no photographs"),
        (b"not an image", "Photograph 1, in the order of names, cannot be read"),
        ("blank", "Photograph 1, in the order of names, shows no face"),
    ],
)
def test_photographs_that_are_of_no_use_are_an_error(
    content: bytes | str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder := tmp_path / "volunteers").mkdir()
    if content == "blank":
        content = cv2.imencode(".png", np.full((200, 200, 3), 128, np.uint8))[1].tobytes()
    if isinstance(content, bytes):
        (folder / "j.smith.png").write_bytes(content)
    assert command("oversight", "canary", "make", photographs=folder, out=tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert said in error
    assert "smith" not in error
    assert not (tmp_path / "out").exists()
