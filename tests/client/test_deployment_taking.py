"""People taken off a list, and cameras revoked, by the commands for it and at a real server."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import RevokedCamera
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Tombstone

from ..people import CAMERA
from ..serving import FORCE
from .conftest import Scene
from .running import command, only_error

if TYPE_CHECKING:
    from tests.serving import ServerProcess


@dataclass(frozen=True)
class Running:
    """A deployment in force, and a copy of its list."""

    folder: Path
    scene: Scene
    server: ServerProcess
    name: str

    @property
    def watchlist(self) -> Path:
        return self.folder / "watchlist"

    def options(self, signer: str, **changes: object) -> dict[str, object]:
        identity = self.folder / f"{signer}.pem"
        if not identity.exists():
            FORCE.write_identity(signer, identity)
        return {
            "manifest": self.scene.manifest(self.name),
            "reason": "Found",
            "identity": identity,
            "server": self.server.address,
            "token_file": self.scene.token("custodian"),
            **changes,
        }

    def remove(self, *people: str, signer: str = "b.osei", out: str = "removal", **changes: object) -> int:
        options = self.options(signer, out=self.folder / out, person=list(people))
        given = {"watchlist": self.watchlist, "register": self.scene.folder / "register.toml", **changes}
        return command("deployment", "remove", **options, **given)

    def revoke(self, camera: str = CAMERA, signer: str = "d.silva") -> int:
        options = self.options(signer, out=self.folder / "revocation", camera=camera)
        return command("deployment", "revoke-camera", **options)

    @property
    def tombstone(self) -> Tombstone | None:
        held = self.server.client("custodian").get_tombstone(self.name)
        return None if held is None else Tombstone.read(Envelope.from_json(held))

    @property
    def references(self) -> list[str]:
        return [
            each["reference"]
            for each in json.loads((self.watchlist / "operator.json").read_text())["entries"]
        ]


@pytest.fixture
def running(scene: Scene, server: ServerProcess, tmp_path: Path) -> Running:
    name = scene.open(server)
    shutil.copytree(scene.watchlist, tmp_path / "watchlist")
    return Running(tmp_path, scene, server, name)


def test_one_custodian_removes_by_name_and_by_reference(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert running.remove(running.scene.names[2]) == 0
    assert running.tombstone is not None
    assert (running.tombstone.sequence, running.tombstone.removed) == (1, (2,))
    assert running.remove(running.references[0], running.references[3], signer="c.ruiz", out="second") == 0
    assert (running.tombstone.sequence, running.tombstone.removed) == (2, (0, 2, 3))
    assert "3 entries of the list match no more" in capsys.readouterr().out
    kept = Envelope.from_json((running.folder / "second").read_bytes())
    assert Tombstone.read(kept) == running.tombstone


def test_the_same_command_sends_the_same_removal_and_no_other_takes_its_file(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert running.remove(running.references[0]) == 0
    assert running.remove(running.references[0]) == 0
    assert running.tombstone is not None
    assert (running.tombstone.sequence, running.tombstone.removed) == (1, (0,))
    assert running.remove(running.references[1]) == 1
    assert "file already" in only_error(capsys.readouterr().err)
    assert running.tombstone.removed == (0,)


@pytest.mark.parametrize("signer", ["d.silva", "e.novak", "server-1"])
def test_nobody_else_removes(running: Running, capsys: pytest.CaptureFixture[str], signer: str) -> None:
    assert running.remove(running.references[0], signer=signer) == 1
    assert "not the keys of a custodian" in only_error(capsys.readouterr().err)
    assert running.tombstone is None


def test_somebody_who_is_not_listed(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert running.remove(running.references[0], "Nobody") == 1
    assert "Nobody on the list" in only_error(capsys.readouterr().err)
    assert running.tombstone is None
    assert not (running.folder / "removal").exists()


def test_two_people_of_one_name_are_not_taken_for_one(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    names = json.loads((running.watchlist / "names.json").read_text())
    for reference in running.references[:2]:
        names[reference]["name"] = "J. Doe"
    (running.watchlist / "names.json").write_text(json.dumps(names))
    assert running.remove("J. Doe") == 1
    assert "More than one person" in only_error(capsys.readouterr().err)
    assert running.remove(names[running.references[1]]["nominalRef"]) == 0
    assert running.tombstone is not None
    assert running.tombstone.removed == (1,)


def test_the_folder_of_another_list_numbers_other_people(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    running.scene.approve()
    assert running.remove(running.references[0], watchlist=running.scene.watchlist) == 1
    assert "another list than the manifest names" in only_error(capsys.readouterr().err)
    assert running.tombstone is None


def test_nobody_signs_again_what_no_custodian_has_signed(
    running: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that invents a removal of everybody does not get a custodian's signature under it."""
    listed = Envelope.from_json((running.watchlist / "watchlist.dsse.json").read_bytes())
    invented = Tombstone(
        deployment=running.name,
        watchlist_digest=listed.digest,
        sequence=7,
        removed=(0, 1, 2, 3),
        reason="Invented",
        issued_at="2026-11-25T12:00:00Z",
    )
    forged = FORCE.sign(invented.envelope(), "server-1").to_json()
    monkeypatch.setattr("blindwatch.wire.client.ServerClient.get_tombstone", lambda *_: forged)
    assert running.remove(running.references[0]) == 1
    assert "needs the signature of a custodian" in only_error(capsys.readouterr().err)
    assert not (running.folder / "removal").exists()


@pytest.mark.parametrize("signer", ["b.osei", "d.silva"])
def test_a_camera_is_revoked_from_its_next_request_on(running: Running, signer: str) -> None:
    camera = running.server.client("camera")
    camera.get_deployment(running.name)
    assert running.revoke(signer=signer) == 0
    with pytest.raises(RevokedCamera):
        camera.get_deployment(running.name)


def test_who_and_what_cannot_be_revoked(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert running.revoke("nowhere") == 1
    assert "no camera of this name" in only_error(capsys.readouterr().err)
    assert running.revoke(signer="e.novak") == 1
    assert "needs the signature of a custodian or an authorising officer" in only_error(
        capsys.readouterr().err
    )
    running.server.client("camera").get_deployment(running.name)
