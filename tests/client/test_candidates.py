"""Faces of a list for the operator: encrypted from enrolment on, opened by the released key alone, one at a time."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from blindwatch.errors import MalformedMessage, OutsideWindow, StatementMismatch, WrongKey
from blindwatch.he.presets import preset
from blindwatch.secret import candidates
from blindwatch.secret.candidates import Album, Check, Portrait
from blindwatch.secret.keys import KeySet, SecretKey, generate
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Window
from blindwatch.vision.image import decode
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.wire import cbor
from blindwatch.wire.messages import stamp

from .conftest import Scene
from .photographs import PEOPLE, small, write
from .running import NOOP, SIMILARITY, command, only_error

PORTRAITS = [Portrait(b"\xff\xd8\xff one"), Portrait(b"\xff\xd8\xff two", ("The face is blurred.",))]
CHECKS = [Check(b"\xff\xd8\xff volunteer", 1)]
SOI = b"\xff\xd8\xff"


def written(folder: Path, data: bytes) -> tuple[Path, str]:
    path = folder / candidates.FILE
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def secret_of(scene: Scene) -> SecretKey:
    master = combine([path.read_text().strip() for path in scene.shares])
    return unwrap((scene.keys / FILE).read_bytes(), master)


@pytest.fixture
def sealed(keys: KeySet) -> bytes:
    return candidates.seal(candidates.recipient(keys.secret), PORTRAITS, CHECKS)


def test_faces_come_back_to_whoever_has_the_key(keys: KeySet, sealed: bytes, tmp_path: Path) -> None:
    album = Album.load(*written(tmp_path, sealed), keys.secret)
    assert [album.portrait(entry) for entry in range(2)] == PORTRAITS
    assert [album.check(number) for number in range(album.checks)] == CHECKS
    images = [portrait.image for portrait in PORTRAITS] + [check.image for check in CHECKS]
    assert not any(image in sealed for image in images)
    assert SOI not in sealed


def test_no_face_opens_with_the_key_of_another_deployment(
    keys: KeySet, sealed: bytes, tmp_path: Path
) -> None:
    album = Album.load(*written(tmp_path, sealed), generate(preset(NOOP)).secret)
    for number in range(2):
        with pytest.raises(WrongKey):
            album.portrait(number)
    with pytest.raises(WrongKey):
        album.check(0)


def test_no_face_opens_outside_the_time_of_the_release_or_once_it_is_forgotten(
    keys: KeySet, sealed: bytes, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    for start in (-2, 1):
        window = Window(
            not_before=stamp(now + timedelta(hours=start)), not_after=stamp(now + timedelta(hours=start + 1))
        )
        secret = SecretKey(keys.secret.preset, keys.secret.key_id, keys.secret.material, window)
        with pytest.raises(OutsideWindow):
            Album.load(*written(tmp_path, sealed), secret).portrait(0)
    album = Album.load(*written(tmp_path, sealed), keys.secret)
    album.forget()
    with pytest.raises(OutsideWindow):
        album.portrait(0)


@pytest.mark.parametrize("number", [-1, 2])
def test_there_is_no_face_of_another_number(keys: KeySet, sealed: bytes, tmp_path: Path, number: int) -> None:
    with pytest.raises(MalformedMessage):
        Album.load(*written(tmp_path, sealed), keys.secret).portrait(number)


def test_a_file_that_was_changed_is_refused(keys: KeySet, sealed: bytes, tmp_path: Path) -> None:
    _, digest = written(tmp_path, sealed)
    path, _ = written(tmp_path, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(StatementMismatch):
        Album.load(path, digest, keys.secret)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        cbor.encode([]),
        cbor.encode({"kind": "blindwatch candidates", "faces": ["text"], "checks": []}),
        cbor.encode({"kind": "something else", "faces": [], "checks": []}),
    ],
)
def test_a_file_that_is_something_else_is_refused(keys: KeySet, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MalformedMessage):
        Album.load(*written(tmp_path, content), keys.secret)


# Enrolment


def test_enrolment_writes_every_face_for_the_operator_and_none_in_clear(scene: Scene) -> None:
    package = OperatorPackage.load(scene.entries)
    assert package.candidates is not None
    album = Album.load(scene.watchlist / candidates.FILE, package.candidates, secret_of(scene))
    shapes = set()
    for entry in range(len(package.entries)):
        image = album.portrait(entry).image
        assert image not in (scene.watchlist / candidates.FILE).read_bytes()
        shapes.add(decode(image).shape)
    assert shapes == {(112, 112, 3)}
    assert album.checks == 0
    for path in scene.watchlist.rglob("*"):
        assert path.is_dir() or SOI not in path.read_bytes()


def test_every_face_is_that_of_its_entry(scene: Scene, pipeline: FacePipeline) -> None:
    """As the network sees them: each face is most like the photograph of the person whom the entry stands for."""
    package = OperatorPackage.load(scene.entries)
    assert package.candidates is not None
    album = Album.load(scene.watchlist / candidates.FILE, package.candidates, secret_of(scene))
    known = [pipeline.faces(small(number))[0].embedding for number in range(len(PEOPLE))]
    for entry, name in enumerate(scene.names):
        face = decode(album.portrait(entry).image)
        framed = cv2.copyMakeBorder(face, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
        seen = pipeline.faces(np.asarray(framed, np.uint8))[0].embedding
        assert PEOPLE[int(np.argmax([seen @ each for each in known]))] == name


def test_volunteers_stand_beside_the_entry_that_they_are_most_like(
    scene: Scene, tmp_path: Path, pipeline: FacePipeline
) -> None:
    for number in (50, 60):
        write(tmp_path / "volunteers" / f"{number}.png", small(number))
    assert enrol(scene, tmp_path) == 0
    package = OperatorPackage.load(tmp_path / "watchlist" / "operator.json")
    assert package.candidates is not None
    album = Album.load(tmp_path / "watchlist" / candidates.FILE, package.candidates, secret_of(scene))
    assert album.checks == 2
    for number, made in zip((50, 60), map(album.check, range(2)), strict=True):
        seen = pipeline.faces(small(number))[0].embedding
        likeness = [float(seen @ pipeline.faces(small(one))[0].embedding) for one in range(len(PEOPLE))]
        assert names(tmp_path / "watchlist")[made.entry] == PEOPLE[int(np.argmax(likeness))]


def test_a_volunteer_who_is_on_the_list_is_refused(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "volunteers" / "1.png", small(0))
    assert enrol(scene, tmp_path) == 1
    assert "looks like somebody on the list" in only_error(capsys.readouterr().err)
    assert not (tmp_path / "watchlist").exists()


def test_a_list_whose_faces_were_changed_is_not_signed(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "volunteers" / "1.png", small(50))
    assert enrol(scene, tmp_path) == 0
    with (tmp_path / "watchlist" / candidates.FILE).open("ab") as file:
        file.write(b"more")
    identity, register = scene.folder / "identity.pem", scene.folder / "register.toml"
    assert (
        command(
            *("custodian", "sign-watchlist"),
            watchlist=tmp_path / "watchlist",
            identity=identity,
            register=register,
        )
        == 1
    )
    assert "changed after it was built" in only_error(capsys.readouterr().err)


def enrol(scene: Scene, folder: Path) -> int:
    return command(
        *("custodian", "enrol"),
        keys=scene.keys,
        faces=scene.folder / "list",
        checks=folder / "volunteers",
        watchlist=folder / "watchlist",
        threshold=SIMILARITY,
        **scene.custodian,
    )


def names(watchlist: Path) -> list[str]:
    kept = json.loads((watchlist / "names.json").read_text())
    return [
        kept[entry.reference]["name"] for entry in OperatorPackage.load(watchlist / "operator.json").entries
    ]
