"""The custodian: how keys are kept, who can be enrolled, and what an upload holds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.custodian import ceremony, enrolment
from blindwatch.custodian.uploading import Upload
from blindwatch.errors import ConfigurationError, EmptyWatchlist, WrongKey
from blindwatch.he.presets import preset
from blindwatch.secret.keys import KeySet
from blindwatch.secret.wrapping import unwrap
from blindwatch.vision.pipeline import FacePipeline

from .conftest import NOOP, PASSPHRASE, SIMILARITY, Scene, command, only_error
from .forwarding import forwarding
from .photographs import PEOPLE, bad, small, write

if TYPE_CHECKING:
    from tests.serving import ServerProcess

COMMON = {"preset", "keyId", "modelDigest"}
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# The ceremony


def test_keys_are_for_their_owner_alone_and_the_secret_one_is_wrapped(keys: KeySet, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ceremony.write(keys, PASSPHRASE, tmp_path / "keys")
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys") == 0o700
    files = {path.name: path for path in (tmp_path / "keys").iterdir()}
    assert set(files) == {"encryption.key", "evaluation.keys", "secret.key", "keys.json"}
    assert {mode(path) for path in files.values()} == {0o600}
    assert unwrap(files["secret.key"].read_bytes(), PASSPHRASE) == keys.secret
    for path in files.values():
        assert keys.secret.material[64:128] not in path.read_bytes()
    described = {"preset": "reveal-128", "keyId": keys.secret.key_id}
    assert json.loads(files["keys.json"].read_text()) == described


@pytest.mark.parametrize("passphrase", ["", "short", "eleven char", " " * 40, "   padded   "])
def test_a_passphrase_that_can_be_guessed_is_refused(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(ConfigurationError, match="passphrase"):
        ceremony.hold(preset(NOOP), passphrase, tmp_path / "keys")
    assert not (tmp_path / "keys").exists()


def test_the_shortest_passphrase(tmp_path: Path) -> None:
    ceremony.hold(preset(NOOP), "x" * ceremony.SHORTEST, tmp_path / "keys")
    assert (tmp_path / "keys" / ceremony.SECRET).is_file()


@pytest.mark.parametrize("content", ["", "\n", "two\nlines of a passphrase", "short"])
def test_a_passphrase_file_without_a_passphrase(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "passphrase", content.encode())
    done = command(*("custodian", "ceremony"), out=tmp_path / "keys", preset=NOOP, passphrase_file=file)
    assert done == 1
    assert "passphrase" in only_error(capsys.readouterr().err)
    assert not (tmp_path / "keys").exists()


def test_nothing_is_written_over(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = write(tmp_path / "keys" / "of somebody.txt", b"something")
    with pytest.raises(ConfigurationError, match="not empty"):
        ceremony.hold(preset(NOOP), PASSPHRASE, tmp_path / "keys")
    held = (scene.keys / "secret.key").read_bytes()
    done = command(
        *("custodian", "ceremony"), out=scene.keys, preset=NOOP, passphrase_file=scene.passphrase_file
    )
    assert done == 1
    assert "not empty" in only_error(capsys.readouterr().err)
    assert (scene.keys / "secret.key").read_bytes() == held
    assert list((tmp_path / "keys").iterdir()) == [kept]


def test_an_unknown_preset(tmp_path: Path, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    done = command(
        *("custodian", "ceremony"),
        out=tmp_path / "k",
        preset="reveal-1",
        passphrase_file=scene.passphrase_file,
    )
    assert done == 1
    assert "preset is not known" in only_error(capsys.readouterr().err)


# Enrolment


def enrol(scene: Scene, faces: Path, watchlist: Path, **options: object) -> int:
    return command("custodian", "enrol", keys=scene.keys, faces=faces, watchlist=watchlist, **options)


def test_what_a_watchlist_holds(scene: Scene, pipeline: FacePipeline) -> None:
    manifest = json.loads((scene.watchlist / "manifest.json").read_text())
    entries = json.loads(scene.entries.read_text())
    assert set(manifest) == COMMON | {"threshold", "entries", "blocks"}
    assert set(entries) == COMMON | {"fineThreshold", "entries"}
    for name, value in (
        ("preset", NOOP),
        ("keyId", scene.key.key_id),
        ("modelDigest", pipeline.model_digest),
    ):
        assert manifest[name] == entries[name] == value
    # The gate is 8 of 200 below the similarity; the operator's threshold is the similarity itself, of 32,000.
    assert manifest["threshold"] == round(SIMILARITY * 200) - 8
    assert entries["fineThreshold"] == round(SIMILARITY * 32_000)
    assert manifest["entries"] == len(PEOPLE)
    assert entries["entries"] == list(PEOPLE)
    blobs = {path.name: path.read_bytes() for path in (scene.watchlist / "blobs").iterdir()}
    assert set(blobs) == {digest for block in manifest["blocks"] for digest in block}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in blobs.items())
    assert {mode(path) for path in scene.watchlist.rglob("*") if path.is_file()} == {0o600}
    assert {mode(path) for path in (scene.watchlist, scene.watchlist / "blobs")} == {0o700}


def test_the_threshold_is_the_operating_point_of_the_model_by_default(
    scene: Scene, tmp_path: Path, pipeline: FacePipeline
) -> None:
    assert enrol(scene, scene.folder / "list", tmp_path / "w") == 0
    entries = json.loads((tmp_path / "w" / "entries.json").read_text())
    assert entries["fineThreshold"] == preset(NOOP).thresholds(pipeline.operating_point).fine


@pytest.mark.parametrize("threshold", ["nan", "inf", "-inf", -0.5, 0, 1.01, 55, 130])
def test_a_threshold_that_is_no_similarity(
    scene: Scene, tmp_path: Path, threshold: float | str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enrol(scene, scene.folder / "list", tmp_path / "w", threshold=threshold) == 1
    assert "between 0 and 1" in only_error(capsys.readouterr().err)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("wall", "No face was found"),
        ("words", "The file is not an image"),
        ("nothing", "The file is not an image"),
        ("cut", "The image is cut short"),
        ("huge", "The image has more than 40 megapixels"),
    ],
)
def test_a_photograph_that_shows_nobody_is_reported_by_the_name_of_the_person(
    scene: Scene, tmp_path: Path, kind: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "list" / "Anna" / "1.png", small(0))
    write(tmp_path / "list" / "Zoltan Zsolt" / "1.jpg", bad(kind))
    assert enrol(scene, tmp_path / "list", tmp_path / "w") == 1
    said = only_error(capsys.readouterr().err)
    assert said.startswith(f"Error: Zoltan Zsolt: {reason}")
    assert "Hint: " in said
    assert not (tmp_path / "w").exists()


def test_a_person_without_a_photograph_is_not_left_out_silently(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "list" / "Anna" / "1.png", small(0))
    (tmp_path / "list" / ".hidden").mkdir()
    write(tmp_path / "list" / "Zoltan" / "1.heic", b"a format that is not read")
    assert enrol(scene, tmp_path / "list", tmp_path / "w") == 1
    assert "Zoltan: The folder has no photograph." in only_error(capsys.readouterr().err)
    assert not (tmp_path / "w").exists()
    shutil.rmtree(tmp_path / "list" / "Zoltan")
    assert [person.name for person in enrolment.people(tmp_path / "list")] == ["Anna"]


def test_a_list_without_anybody(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "list" / "a photograph without a folder.png", small(0))
    with pytest.raises(EmptyWatchlist):
        enrolment.people(tmp_path / "list")
    assert enrol(scene, tmp_path / "list", tmp_path / "w") == 1
    assert "No folder with photographs" in only_error(capsys.readouterr().err)


def test_a_name_that_is_not_text(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path / "list") + b"/\xff\xfe"))
    try:
        write(folder / "1.png", small(0))
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        enrolment.people(tmp_path / "list")


def test_a_watchlist_is_not_written_over(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    held = {path: path.read_bytes() for path in scene.watchlist.rglob("*") if path.is_file()}
    assert enrol(scene, scene.folder / "list", scene.watchlist) == 1
    assert "not empty" in only_error(capsys.readouterr().err)
    assert {path: path.read_bytes() for path in scene.watchlist.rglob("*") if path.is_file()} == held


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"preset": 5}', b"\xff"])
def test_keys_without_their_description(
    scene: Scene, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "keys" / "keys.json", content)
    done = command(
        *("custodian", "enrol"), keys=tmp_path / "keys", faces=scene.folder / "list", watchlist=tmp_path / "w"
    )
    assert done == 1
    assert "description of the keys" in only_error(capsys.readouterr().err)


# Upload


def upload(scene: Scene, address: str, deployment: str, **changes: Path) -> int:
    options = {"keys": scene.keys, "watchlist": scene.watchlist, "token_file": scene.token("custodian")}
    return command(*("custodian", "upload"), server=address, deployment=deployment, **options | changes)


@pytest.fixture
def copy(scene: Scene, tmp_path: Path) -> Path:
    """A watchlist to damage."""
    return shutil.copytree(scene.watchlist, tmp_path / "copy")


def test_an_upload_twice_is_an_upload_once(scene: Scene, server: ServerProcess) -> None:
    assert upload(scene, server.address, "twice") == 0
    once = server.client("operator").get_deployment("twice")
    assert upload(scene, server.address, "twice") == 0
    assert server.client("operator").get_deployment("twice") == once
    assert (once.ready, once.entries, once.use) == (True, len(PEOPLE), "reveal")


def test_an_upload_that_broke_off_is_finished_by_the_next(scene: Scene, server: ServerProcess) -> None:
    sending = Upload(server.client("custodian"), "broke-off", scene.keys, scene.watchlist).send()
    for _ in range(3):
        next(sending)
    sending.close()
    assert not server.client("operator").get_deployment("broke-off").ready
    assert upload(scene, server.address, "broke-off") == 0
    assert server.client("operator").get_deployment("broke-off").ready


def test_no_name_leaves_the_custodian(scene: Scene, server: ServerProcess) -> None:
    with forwarding(server.address) as forwarder:
        assert upload(scene, forwarder.address, "no-names") == 0
    sent = bytes(forwarder.sent)
    parts = {part for name in PEOPLE for part in (name, *name.split())}
    looked_for = {part.encode(encoding) for part in parts for encoding in ENCODINGS}
    assert len(sent) > sum(path.stat().st_size for path in (scene.watchlist / "blobs").iterdir())
    assert [each for each in looked_for if each in sent] == []
    # The same search finds them where they are.
    assert sum(each in scene.entries.read_bytes() for each in looked_for) == len(parts)
    secret = (scene.keys / "secret.key").read_bytes()
    assert secret not in sent
    assert b"fineThreshold" not in sent


def test_a_blob_that_was_changed_is_not_sent(
    scene: Scene, copy: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    blob = sorted((copy / "blobs").iterdir())[5]
    data = bytearray(blob.read_bytes())
    data[1000] ^= 1
    blob.write_bytes(data)
    with forwarding(server.address) as forwarder:
        assert upload(scene, forwarder.address, "changed", watchlist=copy) == 1
    assert "was changed after enrolment" in only_error(capsys.readouterr().err)
    assert bytes(data) not in forwarder.sent
    assert not server.client("operator").get_deployment("changed").ready


def test_a_blob_that_is_gone(
    scene: Scene, copy: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    next((copy / "blobs").iterdir()).unlink()
    assert upload(scene, server.address, "gone", watchlist=copy) == 1
    assert "watchlist cannot be read" in only_error(capsys.readouterr().err)
    assert not server.client("operator").get_deployment("gone").ready


@pytest.mark.parametrize(
    "changes",
    [
        {"blocks": [["../../keys/secret.key"]]},
        {"blocks": [[5]]},
        {"blocks": "none"},
        {"entries": -1},
        {"threshold": "high"},
        {"keyId": "short"},
        {"preset": None},
    ],
)
def test_a_manifest_that_was_damaged(
    scene: Scene,
    copy: Path,
    server: ServerProcess,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
) -> None:
    manifest = copy / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))
    with forwarding(server.address) as forwarder:
        assert upload(scene, forwarder.address, "damaged", watchlist=copy) == 1
    assert "manifest of the watchlist" in only_error(capsys.readouterr().err)
    assert not forwarder.sent


def test_keys_of_another_ceremony_are_refused(
    scene: Scene, server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ceremony.hold(preset(NOOP), PASSPHRASE, tmp_path / "keys")
    sending = Upload(server.client("custodian"), "other-keys", tmp_path / "keys", scene.watchlist).send()
    with pytest.raises(WrongKey):
        next(sending)
    assert upload(scene, server.address, "other-keys", keys=tmp_path / "keys") == 1
    only_error(capsys.readouterr().err)


def test_only_a_custodian_uploads(
    scene: Scene, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upload(scene, server.address, "by-camera", token_file=scene.token("camera")) == 1
    assert "not allowed" in only_error(capsys.readouterr().err)
