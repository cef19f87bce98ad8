"""A camera before a video and a real server: what is sent of it, what is counted, and when it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blindwatch.camera.camera import Camera, View
from blindwatch.camera.counting import Minute
from blindwatch.camera.frames import Frame
from blindwatch.camera.live import Status, Watch
from blindwatch.camera.mandate import Mandate
from blindwatch.camera.sources import opened
from blindwatch.camera.watching import Watcher
from blindwatch.errors import RevokedCamera
from blindwatch.records.server import FacesCounted
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Revocation
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import Probe, ProbeReceipt, Result, now
from blindwatch.wire.signatures import key_id

from ..people import CAMERA, camera_key
from ..server.test_ledger import records
from ..serving import FORCE
from .clips import LEAD, RATE, Walk, blurred, in_memory, pictures, write_clip
from .coding import Group, travelling, units, write_coded
from .conftest import Scene
from .photographs import PEOPLE
from .running import command
from .streaming import playing, streaming

if TYPE_CHECKING:
    from tests.serving import ServerProcess

    Start = Callable[..., ServerProcess]

# Two who pass each other, one beside an empty place, one out of focus; all from the third second on.
WALKS = (
    Walk(0, LEAD, 2, speed=20),
    Walk(3, LEAD + 0.4, 2, x=230, speed=-20),
    Walk(18, LEAD + 4, 1.6, speed=20),
    Walk(1, LEAD + 4.2, 1.4, x=230, speed=-20, spoil=blurred(4)),
)
SECONDS = LEAD + 7
FRAMES = round(SECONDS * RATE)
NUMBERS = {"at", "frames", "missed", "damaged", "losses", "faces", "sent", "dropped", "unusable", "longestMs"}


@pytest.fixture(scope="module")
def clip() -> Iterator[Path]:
    with in_memory() as folder:
        yield write_clip(folder / "clip.avi", WALKS, SECONDS)


@dataclass
class Post:
    """A client that also notes what it sends. Where nothing is encrypted, ciphertexts are integer templates."""

    client: ServerClient
    posted: list[Probe] = field(default_factory=list)

    def post_probe(self, deployment: str, probe: Probe) -> ProbeReceipt:
        self.posted.append(probe)
        return self.client.post_probe(deployment, probe)

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    @property
    def templates(self) -> list[bytes]:
        return [probe.ciphertext for probe in self.posted]


def a_camera(scene: Scene, pipeline: FacePipeline, client: object, name: str, **changes: object) -> Camera:
    return Camera(scene.mandate(name), scene.key, pipeline, client, **changes)  # type: ignore[arg-type]


def watched(camera: Camera, source: str, frames: int = 10**9) -> Status:
    """Watch a source, or as many frames of it."""
    stop = Event()

    def show(status: Status) -> None:
        if status.frames + status.missed >= frames:
            stop.set()

    return Watch(camera, opened(source), Watcher(camera.pipeline, camera.zone)).run(stop, show)


def counted(server: ServerProcess, name: str) -> list[FacesCounted]:
    return [each for each in records(server, name) if isinstance(each, FacesCounted)]


def sums(counts: list[FacesCounted]) -> tuple[int, int, int]:
    """Faces, dropped and unusable ones."""
    return (
        sum(each.faces for each in counts),
        sum(each.dropped for each in counts),
        sum(each.unusable for each in counts),
    )


# What is sent


def test_each_face_is_one_probe_and_the_log_has_their_number(
    scene: Scene, server: ServerProcess, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = scene.open(server)
    options = {**scene.camera(name), "server": server.address, "source": clip}
    assert command("camera", "run", "--json", **options) == 0
    *_, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(last) == NUMBERS
    assert (last["frames"], last["missed"], last["damaged"]) == (FRAMES, 0, 0)
    assert (last["faces"], last["sent"], last["dropped"], last["unusable"]) == (4, 3, 0, 1)
    assert 0 < last["longestMs"] < 1000
    results = server.results(name, 3).results
    found = [scene.reader.matches(result.releases) for result in results if isinstance(result, Result)]
    assert sorted([scene.names[each.entry] for each in matches] for matches in found) == [
        [],
        [PEOPLE[0]],
        [PEOPLE[3]],
    ]
    counts = counted(server, name)
    assert sums(counts) == (4, 0, 1)
    assert {each.camera for each in counts} == {CAMERA}
    assert len({each.minute for each in counts}) == len(counts)


def test_a_clip_gives_the_same_probes_frame_by_frame_and_as_a_stream(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess, clip: Path
) -> None:
    name = scene.open(server)
    by_hand, as_file, as_stream = (Post(server.client("camera")) for _ in range(3))
    camera = a_camera(scene, pipeline, by_hand, name)
    watcher, capture = Watcher(pipeline), cv2.VideoCapture(str(clip))
    for number in range(FRAMES):
        found, image = capture.read()
        assert found
        pixels = np.asarray(image, np.uint8)
        shots = watcher.see(Frame(pixels, number / RATE, time.monotonic(), now())).shots
        for shot in shots:
            camera.send(View(shot.crop, shot.portrait, pipeline.embed(shot.crop)), shot.captured_at)
    assert watcher.finish().shots == []
    watched(a_camera(scene, pipeline, as_file, name), str(clip))
    with streaming(clip.read_bytes(), RATE) as address:
        status = watched(a_camera(scene, pipeline, as_stream, name), address, frames=FRAMES - round(RATE))
    assert len(by_hand.templates) == len(set(by_hand.templates)) == 3
    assert as_file.templates == by_hand.templates
    assert as_stream.templates == by_hand.templates
    assert status.missed <= LEAD * RATE


def test_h264_gives_the_same_faces_as_a_file_and_as_a_stream(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess
) -> None:
    name, frames, group = scene.open(server), list(pictures(WALKS, SECONDS)), Group(pictures=4)
    as_file, as_stream = (Post(server.client("camera")) for _ in range(2))
    with in_memory() as folder:
        path = write_coded(folder / "clip.mp4", frames, group=group)
        status = watched(a_camera(scene, pipeline, as_file, name), str(path))
    # As of the same pictures in Motion JPEG.
    assert status.seen == Minute(faces=4, unusable=1)
    assert (status.frames, status.sent, status.damaged) == (FRAMES, 3, 0)
    results = server.results(name, 3).results
    found = [scene.reader.matches(result.releases) for result in results if isinstance(result, Result)]
    assert sorted([scene.names[each.entry] for each in matches] for matches in found) == [
        [],
        [PEOPLE[0]],
        [PEOPLE[3]],
    ]
    with playing(travelling(units(frames, group=group))) as address:
        status = watched(a_camera(scene, pipeline, as_stream, name), address, frames=FRAMES - round(RATE))
    assert as_stream.templates == as_file.templates
    assert status.missed <= LEAD * RATE


def test_several_cameras_send_to_one_server(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess, clip: Path
) -> None:
    other = Ed25519PrivateKey.generate()
    name = scene.open(server, cameras=(camera_key(CAMERA, FORCE.camera), camera_key("gate-2", other)))
    approved = Envelope.from_json(scene.manifest(name).read_bytes())
    cameras, stack = [], ExitStack()
    for key in (FORCE.camera, other):
        mandate = Mandate.verified(approved, FORCE.register, key.public_key())
        client = stack.enter_context(ServerClient(server.address, Signing(key), timeout=20))
        own = FacePipeline.named(Registry.load(Path("a directory that does not exist")))
        cameras.append(Camera(mandate, scene.key, own, client))
    with stack, ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(lambda camera: watched(camera, str(clip)), cameras))
    assert [status.sent for status in statuses] == [3, 3]
    results = server.results(name, 6).results
    assert sorted(result.camera for result in results) == [CAMERA] * 3 + ["gate-2"] * 3
    for camera in (CAMERA, "gate-2"):
        assert sums([each for each in counted(server, name) if each.camera == camera]) == (4, 0, 1)


# When it ends


def test_nothing_is_sent_after_the_window(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess, clip: Path
) -> None:
    name = scene.open(server)
    post, begun = Post(server.client("camera")), time.monotonic()
    limit = LEAD + 1.2  # when the first two are seen, and at most one of them is sent
    end = scene.mandate(name).manifest.window.not_after

    def clock() -> datetime:
        if time.monotonic() - begun < limit:
            return datetime.now(UTC)
        return datetime.fromisoformat(end) + timedelta(seconds=1)

    camera = a_camera(scene, pipeline, post, name, clock=clock)
    watch = Watch(camera, opened(str(clip)), Watcher(pipeline))
    status = watch.run(Event(), lambda _: None)
    assert watch.has_ended
    assert status.frames < FRAMES / 2 + 5
    assert status.sent == len(post.posted) < 3
    assert status.seen.dropped + status.sent == status.seen.faces
    assert time.monotonic() - begun < SECONDS


def test_a_camera_that_is_revoked_stops_with_the_reason(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess, clip: Path
) -> None:
    name = scene.open(server)
    own = key_id(FORCE.camera.public_key())
    revocation = Revocation(deployment=name, camera_key=own, reason="Stolen", issued_at=now())
    statement = FORCE.sign(revocation.envelope(), "a.khan").to_json()
    server.client("custodian").put_revocation(name, own, statement)
    with pytest.raises(RevokedCamera):
        watched(a_camera(scene, pipeline, server.client("camera"), name), str(clip))


def test_a_stream_that_is_lost_is_opened_again(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess
) -> None:
    camera = a_camera(scene, pipeline, server.client("camera"), scene.open(server))
    with in_memory() as folder:
        empty = write_clip(folder / "empty.avi", (), 2).read_bytes()
    with streaming(empty, RATE) as address:
        status = watched(camera, address, frames=round(2.5 * RATE))
    assert status.frames + status.missed >= 2.5 * RATE
