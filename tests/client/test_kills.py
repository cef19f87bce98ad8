"""kill -9 of a custodian's program at every step of a build, an upload or a removal: before or after, not between."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import RevokedCamera, UnknownDeployment
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Tombstone

from ..conftest import REPOSITORY
from ..people import CAMERA, Force
from ..serving import FORCE
from .ends import kill_at_every_step
from .forwarding import forwarding
from .running import command, named
from .test_building import FILES, set_up

if TYPE_CHECKING:
    from tests.serving import ServerProcess

    from .conftest import Scene

KILLED = -9


def killed_after(steps: int, folder: Path, *words: str, **options: object) -> int:
    """Run a command in a process that is killed after so many steps, if it takes as many; its exit code."""
    program = [sys.executable, "-m", "tests.client.requesting", str(steps), str(folder)]
    done = subprocess.run(
        [*program, *words, *named(**options)], cwd=REPOSITORY, capture_output=True, check=False
    )
    assert done.returncode in {KILLED, 0}, done.stderr
    return done.returncode


# Upload


def uploading(
    scene: Scene, server: ServerProcess, name: str, address: str | None = None
) -> dict[str, object]:
    return {
        "manifest": scene.manifest(name),
        "keys": scene.keys,
        "watchlist": scene.watchlist,
        "server": address or server.address,
        "token_file": scene.token("custodian"),
    }


def is_in_force(server: ServerProcess, name: str) -> bool:
    """Whether a deployment is in force; if not, every file of it that is there is whole and has its name."""
    blobs = server.store / "blobs" / name
    try:
        if server.client("custodian").get_deployment(name).ready:
            return True
    except UnknownDeployment:
        assert not blobs.exists()
        return False
    for path in blobs.iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    return False


def test_killed_after_every_answer_an_upload_is_in_force_or_is_not(
    scene: Scene, server: ServerProcess
) -> None:
    ready = []
    for steps in count():
        name = scene.approve()
        code = killed_after(steps, scene.folder, "custodian", "upload", **uploading(scene, server, name))
        ready.append(is_in_force(server, name))
        assert command("custodian", "upload", **uploading(scene, server, name)) == 0
        assert is_in_force(server, name)
        if code != KILLED:
            break
    assert ready == sorted(ready)
    assert ready.count(False) > len(list((scene.watchlist / "blobs").iterdir()))
    assert ready.count(True) >= 2  # killed after it was done, and not killed


@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.999])
def test_cut_off_within_a_request_an_upload_is_not_in_force(
    scene: Scene, server: ServerProcess, share: float
) -> None:
    name = scene.approve()
    blob = sorted((scene.watchlist / "blobs").iterdir())[3].read_bytes()
    at = int(share * (len(blob) - 64))
    with forwarding(server.address, breaks_at=blob[at : at + 64]) as broken:
        assert command("custodian", "upload", **uploading(scene, server, name, broken.address)) == 1
    assert not is_in_force(server, name)
    assert command("custodian", "upload", **uploading(scene, server, name)) == 0
    assert is_in_force(server, name)


# What is taken away


def taking(scene: Scene, server: ServerProcess, name: str, folder: Path) -> dict[str, object]:
    return {
        "manifest": scene.manifest(name),
        "reason": "Found",
        "identity": folder / "b.osei.pem",
        "out": folder / f"{name}-signed",
        "server": server.address,
        "token_file": scene.token("custodian"),
    }


def test_killed_at_any_step_a_removal_is_in_force_or_is_not_and_the_same_command_ends_it(
    scene: Scene, server: ServerProcess, tmp_path: Path
) -> None:
    FORCE.write_identity("b.osei", tmp_path / "b.osei.pem")
    sequences = []
    for steps in count():
        name = scene.open(server)
        listed = {
            "watchlist": shutil.copytree(scene.watchlist, tmp_path / name),
            "person": scene.names[2],
            "register": scene.folder / "register.toml",
        }
        options = {**taking(scene, server, name, tmp_path), **listed}
        code = killed_after(steps, tmp_path, "deployment", "remove", **options)
        sequences.append(server.client("custodian").get_deployment(name).tombstone)
        assert command("deployment", "remove", **options) == 0
        kept = Envelope.from_json((tmp_path / f"{name}-signed").read_bytes())
        assert Tombstone.read(kept).removed == (2,)
        # What the custodian has is what the server has, so the server can be held to it.
        assert Envelope.from_json(server.client("operator").get_tombstone(name) or b"") == kept
        if code != KILLED:
            break
    assert sequences == sorted(sequences)
    assert set(sequences) == {0, 1}


def test_killed_at_any_step_a_camera_is_revoked_or_is_not(
    scene: Scene, server: ServerProcess, tmp_path: Path
) -> None:
    FORCE.write_identity("b.osei", tmp_path / "b.osei.pem")
    revoked = []
    for steps in count():
        name = scene.open(server)
        options = {**taking(scene, server, name, tmp_path), "camera": CAMERA}
        code = killed_after(steps, tmp_path, "deployment", "revoke-camera", **options)
        revoked.append(is_revoked(server, name))
        assert command("deployment", "revoke-camera", **options) == 0
        assert is_revoked(server, name)
        if code != KILLED:
            break
    assert revoked == sorted(revoked)
    assert set(revoked) == {False, True}


def is_revoked(server: ServerProcess, name: str) -> bool:
    try:
        server.client("camera").get_deployment(name)
    except RevokedCamera:
        return True
    return False


# Build


def test_killed_at_any_step_a_build_leaves_a_whole_list_or_none(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    desk = set_up(tmp_path / "desk", Force("uk-met"))
    runs = kill_at_every_step(desk.folder, ("custodian", "enrol"), desk.options())
    assert [run["first"] for run in runs] == [KILLED] * (len(runs) - 1) + [0]
    assert len(runs) > 20
    for run in runs:
        whole = {f"watchlist/{name}" for name in FILES - {"blobs"}}
        there = {each for each in run["killed"] if each.startswith("watchlist/")}
        assert not there or whole <= there
        assert run["code"] == (
            1 if there and run["first"] == KILLED else 0
        )  # a list is not built over another
        assert whole <= set(run["end"])
        assert not [name for name in run["end"] if name.startswith(".")]


def test_killed_at_any_step_a_signature_is_under_the_list_or_is_not(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    desk = set_up(tmp_path / "desk", Force("uk-met"))
    assert desk.enrol() == 0
    words = ("custodian", "sign-watchlist", "--approve-sensitive")
    runs = kill_at_every_step(desk.folder, words, desk.signing("b.osei"))
    assert [run["first"] for run in runs] == [KILLED] * (len(runs) - 1) + [0]
    for run in runs:
        assert run["code"] == 0
        for moment in ("killed", "end"):  # a file that was being written may be left beside, hidden
            assert {name for name in run[moment] if "/." not in name} == set(runs[-1]["end"])
