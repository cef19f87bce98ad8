"""The key of a camera: made once, private, and of a name that a manifest can list."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from blindwatch.camera import identity
from blindwatch.statements.predicates import CameraKey
from blindwatch.wire.signatures import key_id

from .running import command, only_error


def test_an_identity_is_made_once_and_is_the_owner_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "camera.pem"
    assert command("camera", "identity", name="gate-9", out=file) == 0
    listed = CameraKey.model_validate_json(capsys.readouterr().out, by_alias=True)
    assert listed.name == "gate-9"
    assert listed.key_id == key_id(identity.load(file).public_key())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert command("camera", "identity", name="gate-9", out=file) == 1
    assert file.read_bytes() == before
    assert "cannot be written" in only_error(capsys.readouterr().err)


@pytest.mark.parametrize("name", ["", "north gate", "gate\n", "g" * 65, "gäte"])
def test_a_name_that_no_manifest_can_list_makes_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert command("camera", "identity", name=name, out=tmp_path / "camera.pem") == 1
    assert "name of the camera is not valid" in only_error(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []
