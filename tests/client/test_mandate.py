"""When a camera sends nothing at all: without a manifest that holds, lists it, and is of this time, key and model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from blindwatch.camera.camera import Camera, Tally
from blindwatch.camera.mandate import Mandate
from blindwatch.custodian.uploading import Upload
from blindwatch.errors import (
    BlindwatchError,
    DeploymentNotReady,
    OutsideWindow,
    RevokedCamera,
    WrongUse,
)
from blindwatch.he.presets import preset
from blindwatch.secret.keys import generate
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Revocation, Window
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.wire.messages import now
from blindwatch.wire.signatures import key_id

from ..people import CAMERA, CREATOR, Force, a_manifest, a_watchlist, camera_key, stamp
from ..serving import FORCE
from .conftest import Scene
from .forwarding import forwarding
from .photographs import group, small, write
from .running import NOOP, command, only_error

if TYPE_CHECKING:
    from tests.serving import ServerProcess

OTHER = camera_key("gate-2", Ed25519PrivateKey.generate())
SECOND = timedelta(seconds=1)


def window(begins: timedelta, length: timedelta = timedelta(hours=1)) -> Window:
    start = datetime.now(UTC) + begins
    return Window(not_before=stamp(start), not_after=stamp(start + length))


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    write(tmp_path / "crowd" / "1.png", small(0))
    return tmp_path / "crowd"


Run = Callable[..., list[str]]


@pytest.fixture
def run(scene: Scene, server: ServerProcess, photographs: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the camera, which has to refuse; the requests that it made, after a word about why."""

    def run(name: str, said: str, **changes: object) -> list[str]:
        with forwarding(server.address) as forwarder:
            options = {**scene.camera(name), "server": forwarder.address, "source": photographs, **changes}
            assert command("camera", "run", "--json", **options) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert said in only_error(printed.err)
        return forwarder.requests

    return run


MANIFESTS = [
    pytest.param({"model_digest": "cd" * 32}, "another model", id="another model"),
    pytest.param({"preset": "reveal-128"}, "another preset", id="another preset"),
    pytest.param({"key_id": "cd" * 32}, "another key", id="another key"),
    pytest.param({"cameras": ()}, "does not list this camera", id="no camera"),
    pytest.param({"cameras": (OTHER,)}, "does not list this camera", id="another camera"),
    pytest.param({"cameras": (OTHER.model_copy(update={"name": CAMERA}),)}, "does not list", id="its name"),
    pytest.param({"use": "ranked", "crop_key": None}, "another use", id="another use"),
    pytest.param({"window": window(timedelta(hours=5))}, "has not begun", id="too early"),
    pytest.param({"window": window(-timedelta(hours=2))}, "has ended", id="too late"),
]


@pytest.mark.parametrize(("changes", "said"), MANIFESTS)
def test_what_the_manifest_does_not_allow(
    run: Run, scene: Scene, changes: dict[str, object], said: str
) -> None:
    assert run(scene.approve(**changes), said) == []


def test_a_key_that_is_not_of_the_deployment(run: Run, scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "other.key").write_bytes(generate(preset(NOOP)).encryption.to_bytes())
    assert run(scene.approve(), "another key", keys=tmp_path / "other.key") == []


@pytest.mark.parametrize(
    "signers", [(), (CREATOR,), ("d.silva",), ("b.osei", "d.silva"), (CREATOR, "e.novak")]
)
def test_a_manifest_that_is_not_approved(run: Run, scene: Scene, signers: tuple[str, ...]) -> None:
    name = scene.approve()
    file = scene.manifest(name)
    bare = Envelope(Envelope.from_json(file.read_bytes()).payload)
    file.write_bytes(FORCE.sign(bare, *signers).to_json())
    said = "authorising officers" if CREATOR in signers else "drew up"
    assert run(name, said) == []


def test_a_manifest_of_strangers(run: Run, scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "register.toml").touch()
    Force().write_register(tmp_path / "register.toml")
    assert run(scene.approve(), "drew up", register=tmp_path / "register.toml") == []


LISTED = a_watchlist(FORCE)
MANIFEST = a_manifest(FORCE, LISTED, FORCE.watchlist(LISTED))
APPROVED = FORCE.manifest(MANIFEST)
TEXT = APPROVED.to_json()


def verified(envelope: Envelope) -> Mandate:
    return Mandate.verified(envelope, FORCE.register, FORCE.camera.public_key())


@given(st.integers(0, len(APPROVED.payload) - 1), st.integers(1, 255))
@settings(deadline=None)
def test_one_byte_of_the_manifest(at: int, change: int) -> None:
    assert verified(APPROVED).camera == CAMERA
    payload = bytearray(APPROVED.payload)
    payload[at] ^= change
    with pytest.raises(BlindwatchError):
        verified(Envelope(bytes(payload), APPROVED.signatures))


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 255))
@settings(deadline=None)
def test_one_byte_of_its_file(at: int, change: int) -> None:
    text = bytearray(TEXT)
    text[at] ^= change
    try:
        found = Envelope.from_json(bytes(text))
    except BlindwatchError:
        return
    assume(found != APPROVED)  # the space between two members is not part of what they say
    with pytest.raises(BlindwatchError):
        verified(found)


def test_a_deployment_that_has_no_cameras() -> None:
    force = Force("rfr", same_as=FORCE)
    listed = a_watchlist(force)
    manifest = a_manifest(force, listed, force.watchlist(listed), use="ranked")
    with pytest.raises(WrongUse, match="ranked search"):
        verified(force.manifest(manifest))


# The clock


def camera_at(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess, name: str, *times: datetime
) -> Camera:
    """A camera whose clock shows these times one after the other, and then the last one."""
    shown = list(times)
    clock = lambda: shown.pop(0) if len(shown) > 1 else shown[0]  # noqa: E731
    return Camera(scene.mandate(name), scene.key, pipeline, server.client("camera"), clock)


@pytest.mark.parametrize(
    ("offset", "from_end", "refused"),
    [
        pytest.param(-SECOND, False, "not begun", id="one second early"),
        pytest.param(-SECOND / 1000, False, "not begun", id="a millisecond early"),
        pytest.param(0 * SECOND, False, None, id="at the beginning"),
        pytest.param(-SECOND, True, None, id="one second before the end"),
        pytest.param(0 * SECOND, True, "has ended", id="at the end"),
        pytest.param(SECOND, True, "has ended", id="one second late"),
    ],
)
def test_the_window_is_kept_to_the_second(
    scene: Scene,
    pipeline: FacePipeline,
    server: ServerProcess,
    offset: timedelta,
    from_end: bool,
    refused: str | None,
) -> None:
    opens = window(-timedelta(minutes=1))
    name = scene.open(server, window=opens)
    edge = datetime.fromisoformat(opens.not_after if from_end else opens.not_before)
    camera = camera_at(scene, pipeline, server, name, edge + offset)
    if refused is None:
        camera.check_deployment()
        assert len(camera.look(small(0)).sent) == 1
        return
    with forwarding(server.address) as forwarder:
        for attempt in (camera.check_deployment, lambda: camera.look(small(0))):
            with pytest.raises(OutsideWindow, match=refused):
                attempt()
    assert forwarder.requests == []
    assert camera.tally == Tally()
    assert server.client("operator").fetch_results(name).results == ()


def test_it_stops_between_two_faces_when_the_end_comes(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess
) -> None:
    opens = window(-timedelta(minutes=1))
    name = scene.open(server, window=opens)
    end = datetime.fromisoformat(opens.not_after)
    # One look at the clock for the image, one to count its faces in their minute, and one for each face.
    camera = camera_at(scene, pipeline, server, name, *(end - SECOND,) * 4, end)
    with pytest.raises(OutsideWindow):
        camera.look(group(0, 1, 2))
    assert camera.tally == Tally(images=1, faces=3, sent=2)
    assert len(server.results(name, 2).results) == 2


def test_a_run_ends_with_the_deployment_and_says_what_it_did(
    scene: Scene, server: ServerProcess, photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2, 900):
        (photographs / f"{number}.png").hardlink_to(photographs / "1.png")
    name = scene.open(server, window=window(-timedelta(minutes=1), timedelta(seconds=64)))
    options = {**scene.camera(name), "server": server.address, "source": photographs}
    assert command("camera", "run", **options) == 1
    printed = capsys.readouterr()
    assert "has ended" in only_error(printed.err)
    counts = {
        row[0]: int(row[-1])
        for row in (line.strip("│┃ ").split() for line in printed.out.splitlines())
        if len(row) == 3 and row[-1].isdigit()
    }
    assert 1 < counts["images"] < 899
    assert counts["images"] - counts["sent"] in (0, 1)  # the end comes before an image, or before its face
    assert len(server.results(name, 1).results) > 0


# What the server has


def test_a_deployment_that_was_not_uploaded(run: Run, scene: Scene) -> None:
    name = scene.approve()
    assert run(name, "no such deployment") == [f"GET /v1/deployments/{name}"]


def test_a_list_that_is_not_in_force(scene: Scene, pipeline: FacePipeline, server: ServerProcess) -> None:
    name = scene.approve()
    upload = Upload(server.client("custodian"), scene.manifest(name), scene.keys, scene.watchlist)
    next(upload.send())
    camera = Camera(scene.mandate(name), scene.key, pipeline, server.client("camera"))
    with pytest.raises(DeploymentNotReady):
        camera.check_deployment()


def test_another_version_of_the_manifest(run: Run, scene: Scene, server: ServerProcess) -> None:
    name = scene.open(server)
    file = scene.manifest(name)
    older = DeploymentManifest.read(Envelope.from_json(file.read_bytes()))
    newer = older.model_copy(update={"version": 2, "change_reason": "Another officer"})
    file.write_bytes(FORCE.manifest(newer).to_json())
    assert run(name, "another version of the manifest") == [f"GET /v1/deployments/{name}"]


def test_a_revoked_camera_learns_of_it_with_its_next_probe(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess, run: Run
) -> None:
    name = scene.open(server)
    camera = Camera(scene.mandate(name), scene.key, pipeline, server.client("camera"))
    assert len(camera.look(small(0)).sent) == 1
    own = key_id(FORCE.camera.public_key())
    revocation = Revocation(deployment=name, camera_key=own, reason="Stolen", issued_at=now())
    statement = FORCE.sign(revocation.envelope(), "d.silva").to_json()
    server.client("custodian").put_revocation(name, own, statement)
    with pytest.raises(RevokedCamera):
        camera.look(small(1))
    assert run(name, "revoked") == [f"GET /v1/deployments/{name}"]
    assert len(server.results(name, 1).results) == 1
