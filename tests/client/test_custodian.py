"""The custodian: how keys are kept, who can be enrolled, and what an upload holds."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.custodian import ceremony
from blindwatch.custodian.importing import read_folder
from blindwatch.custodian.uploading import STATEMENT, Upload
from blindwatch.errors import ConfigurationError, InvalidList
from blindwatch.he.presets import preset
from blindwatch.secret import candidates, crops
from blindwatch.secret.keys import KeySet, generate
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Watchlist
from blindwatch.vision.pipeline import FacePipeline

from ..serving import FORCE
from .approved import approve
from .conftest import Scene
from .forwarding import forwarding
from .lists import rules
from .photographs import PEOPLE, bad, small, write
from .running import MASTER, NOOP, SIMILARITY, command, only_error

if TYPE_CHECKING:
    from tests.serving import ServerProcess

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# The ceremony


def test_keys_are_for_their_owner_alone_and_the_secret_one_is_wrapped(keys: KeySet, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ceremony.write(keys, MASTER, tmp_path / "keys")
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys") == 0o700
    files = {path.name: path for path in (tmp_path / "keys").iterdir()}
    assert set(files) == {"encryption.key", "evaluation.keys", FILE, "keys.json"}
    assert {mode(path) for path in files.values()} == {0o600}
    assert unwrap(files[FILE].read_bytes(), MASTER) == keys.secret
    for path in files.values():
        assert keys.secret.material[64:128] not in path.read_bytes()
    described = {
        "preset": "reveal-128",
        "keyId": keys.secret.key_id,
        "recipient": candidates.recipient(keys.secret),
        "cropKey": crops.recipient(keys.secret),
    }
    assert json.loads(files["keys.json"].read_text()) == described


def test_nothing_is_written_over(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = write(tmp_path / "keys" / "of somebody.txt", b"something")
    with pytest.raises(ConfigurationError, match="not empty"):
        ceremony.write(generate(preset(NOOP)), MASTER, tmp_path / "keys")
    held = (scene.keys / FILE).read_bytes()
    done = command(
        *("custodian", "ceremony"),
        profile="demo",
        out=scene.keys,
        preset=NOOP,
        share_files=tmp_path / "shares",
    )
    assert done == 1
    assert "not empty" in only_error(capsys.readouterr().err)
    assert (scene.keys / FILE).read_bytes() == held
    assert list((tmp_path / "keys").iterdir()) == [kept]


def test_an_unknown_preset(tmp_path: Path, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    done = command(
        *("custodian", "ceremony"),
        out=tmp_path / "k",
        preset="reveal-1",
        profile="demo",
        share_files=tmp_path / "shares",
    )
    assert done == 1
    assert "preset is not known" in only_error(capsys.readouterr().err)


# Enrolment of a plain folder; lists have tests of their own


def enrol(scene: Scene, faces: Path, watchlist: Path, **options: object) -> int:
    given = {"keys": scene.keys, "faces": faces, "watchlist": watchlist, **scene.custodian}
    return command("custodian", "enrol", **{**given, **options})


def test_the_people_of_a_folder(scene: Scene, pipeline: FacePipeline) -> None:
    package = OperatorPackage.load(scene.entries)
    names = json.loads((scene.watchlist / "names.json").read_text())
    assert (package.preset, package.key_id) == (NOOP, scene.key.key_id)
    assert package.model_digest == pipeline.model_digest
    # The gate is 8 of 200 below the similarity; the operator's threshold is the similarity itself, of 32,000.
    assert package.gate == round(SIMILARITY * 200) - 8
    assert package.fine_threshold == round(SIMILARITY * 32_000)
    assert sorted(names[entry.reference]["name"] for entry in package.entries) == sorted(PEOPLE)
    assert {entry.category for entry in package.entries} == {"test-subject"}


def test_the_threshold_is_the_operating_point_of_the_model_by_default(
    scene: Scene, tmp_path: Path, pipeline: FacePipeline
) -> None:
    assert enrol(scene, scene.folder / "list", tmp_path / "w") == 0
    package = OperatorPackage.load(tmp_path / "w" / "operator.json")
    assert package.fine_threshold == preset(NOOP).thresholds(pipeline.operating_point).fine


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
    printed = capsys.readouterr().err
    assert "one fault" in only_error(printed)
    (line,) = [line for line in printed.splitlines() if "Zoltan Zsolt" in line]
    assert reason in line
    assert not (tmp_path / "w").exists()


def test_a_person_without_a_photograph_is_not_left_out_silently(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "list" / "Anna" / "1.png", small(0))
    (tmp_path / "list" / ".hidden").mkdir()
    write(tmp_path / "list" / "Zoltan" / "1.heic", b"a format that is not read")
    assert enrol(scene, tmp_path / "list", tmp_path / "w") == 1
    printed = capsys.readouterr().err
    only_error(printed)
    (line,) = [line for line in printed.splitlines() if "Zoltan" in line]
    assert "The folder has no photograph." in line
    assert not (tmp_path / "w").exists()
    shutil.rmtree(tmp_path / "list" / "Zoltan")
    assert [entry.name for entry in read_folder(tmp_path / "list", rules("demo"))] == ["Anna"]


def test_a_list_without_anybody(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "list" / "a photograph without a folder.png", small(0))
    assert enrol(scene, tmp_path / "list", tmp_path / "w") == 1
    assert "No folder with photographs" in only_error(capsys.readouterr().err)


def test_a_name_that_is_not_text(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path / "list") + b"/\xff\xfe"))
    try:
        write(folder / "1.png", small(0))
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    with pytest.raises(InvalidList) as refused:
        read_folder(tmp_path / "list", rules("demo"))
    (fault,) = refused.value.faults
    assert "UTF-8" in fault.wrong


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
    assert enrol(scene, scene.folder / "list", tmp_path / "w", keys=tmp_path / "keys") == 1
    assert "description of the keys" in only_error(capsys.readouterr().err)


# Upload


def upload(scene: Scene, address: str, deployment: str, **changes: Path) -> int:
    """Have a deployment of this name approved, and upload it; the approval is for the list as it was enrolled."""
    manifest = approve(scene.keys, scene.watchlist, deployment)
    if "watchlist" in changes:
        shutil.copy(scene.watchlist / STATEMENT, changes["watchlist"] / STATEMENT)
    return send(scene, address, manifest, **changes)


def send(scene: Scene, address: str, manifest: Path, **changes: Path) -> int:
    options = {"keys": scene.keys, "watchlist": scene.watchlist, "token_file": scene.token("custodian")}
    return command(*("custodian", "upload"), server=address, manifest=manifest, **options | changes)


@pytest.fixture
def copy(scene: Scene, tmp_path: Path) -> Path:
    """A watchlist to damage."""
    return shutil.copytree(scene.watchlist, tmp_path / "copy")


def test_an_upload_twice_is_an_upload_once(scene: Scene, server: ServerProcess) -> None:
    manifest = approve(scene.keys, scene.watchlist, "twice")
    assert send(scene, server.address, manifest) == 0
    once = server.client("operator").get_deployment("twice")
    assert send(scene, server.address, manifest) == 0
    assert server.client("operator").get_deployment("twice") == once
    assert (once.ready, once.entries, once.use) == (True, len(PEOPLE), "reveal")


def test_an_upload_that_broke_off_is_finished_by_the_next(scene: Scene, server: ServerProcess) -> None:
    manifest = approve(scene.keys, scene.watchlist, "broke-off")
    sending = Upload(server.client("custodian"), manifest, scene.keys, scene.watchlist).send()
    for _ in range(3):
        next(sending)
    sending.close()
    assert not server.client("operator").get_deployment("broke-off").ready
    assert send(scene, server.address, manifest) == 0
    assert server.client("operator").get_deployment("broke-off").ready


def test_no_name_leaves_the_custodian(scene: Scene, server: ServerProcess) -> None:
    with forwarding(server.address) as forwarder:
        assert upload(scene, forwarder.address, "no-names") == 0
    sent = bytes(forwarder.sent)
    parts = {part for name in PEOPLE for part in (name, *name.split())}
    looked_for = {part.encode(encoding) for part in parts for encoding in ENCODINGS}
    assert len(sent) > sum(path.stat().st_size for path in (scene.watchlist / "blobs").iterdir())
    assert [each for each in looked_for if each in sent] == []
    # The same search finds them where they are, and not in what goes to the operator.
    kept = (scene.watchlist / "names.json").read_bytes()
    assert sum(each in kept for each in looked_for) == len(parts)
    assert not any(each in scene.entries.read_bytes() for each in looked_for)
    for entry in OperatorPackage.load(scene.entries).entries:
        assert entry.reference.encode() not in sent
    secret = (scene.keys / FILE).read_bytes()
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


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"payload": ""}'])
def test_a_statement_that_was_damaged(
    scene: Scene, copy: Path, server: ServerProcess, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = approve(scene.keys, scene.watchlist, "damaged")
    (copy / STATEMENT).write_bytes(content)
    with forwarding(server.address) as forwarder:
        assert send(scene, forwarder.address, manifest, watchlist=copy) == 1
    assert "signed statement" in only_error(capsys.readouterr().err)
    assert not forwarder.sent


def test_a_list_that_was_not_approved_is_not_sent(
    scene: Scene, copy: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = approve(scene.keys, scene.watchlist, "another-list")
    changed = Watchlist.read(Envelope.from_json((copy / STATEMENT).read_bytes()))
    statement = FORCE.watchlist(changed.model_copy(update={"under_age": 1}))
    (copy / STATEMENT).write_bytes(statement.to_json())
    with forwarding(server.address) as forwarder:
        assert send(scene, forwarder.address, manifest, watchlist=copy) == 1
    assert "approved for another watchlist" in only_error(capsys.readouterr().err)
    assert not forwarder.sent


def test_keys_of_another_ceremony_are_refused(
    scene: Scene, server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ceremony.write(generate(preset(NOOP)), MASTER, tmp_path / "keys")
    assert upload(scene, server.address, "other-keys", keys=tmp_path / "keys") == 1
    only_error(capsys.readouterr().err)


def test_only_a_custodian_uploads(
    scene: Scene, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upload(scene, server.address, "by-operator", token_file=scene.token("operator")) == 1
    assert "not allowed" in only_error(capsys.readouterr().err)
