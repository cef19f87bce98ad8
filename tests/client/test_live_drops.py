"""What a camera does with faces that it cannot send: it drops and counts them, and nothing waits for better times."""

from __future__ import annotations

import gc
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from blindwatch.camera.camera import Camera
from blindwatch.camera.counting import DROPPED, SENT, UNUSABLE, Counts, Minute
from blindwatch.camera.frames import Shot
from blindwatch.camera.sending import LIFE_SECONDS, ROOM, Sender
from blindwatch.errors import Problem
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import framed
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import now

from ..serving import FORCE
from .conftest import Scene
from .photographs import small
from .test_camera import free_port
from .test_live import counted, sums

if TYPE_CHECKING:
    from tests.serving import ServerProcess

    Start = Callable[..., ServerProcess]

SCALE = 10.0
"""How many times as fast as in a deployment time passes here."""
MINUTE = 60 / SCALE
FACES = 300
"""Of a minute, at five a second."""
ANSWER = 3.0 / SCALE


class Crowd:
    """Shots of one face, as a watcher would give them."""

    def __init__(self, pipeline: FacePipeline) -> None:
        image = small(0)
        found = pipeline.detect(image)[0]
        self._crop, self._portrait = pipeline.crop(image, found), framed(image, found.landmarks)
        self._made = 0

    def shot(self, age: float = 0.0) -> Shot:
        self._made += 1
        views = (self._crop.copy(), self._portrait.copy())
        return Shot(self._made, *views, 0.5, 0.0, time.monotonic() - age, now())

    def pass_by(self, sender: Sender, faces: int, seconds: float) -> None:
        begun = time.monotonic()
        for number in range(faces):
            time.sleep(max(0.0, begun + number * seconds / faces - time.monotonic()))
            sender.put(self.shot())


@contextmanager
def silent(port: int) -> Iterator[None]:
    """Something at this port that takes connections and never answers, as behind a network that was cut."""
    with socket.create_server(("127.0.0.1", port), backlog=64):
        yield


def settled(camera: Camera, faces: int) -> None:
    deadline = time.monotonic() + 20
    while camera.counts.total.faces < faces:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("cut", ["refused", "silent"])
def test_with_the_server_away_for_a_minute_all_is_dropped_and_nothing_comes_later(
    scene: Scene, pipeline: FacePipeline, start: Start, cut: str
) -> None:
    port, crowd = free_port(), Crowd(pipeline)
    server = start(port=port)
    name = scene.open(server)
    with (
        ServerClient(server.address, Signing(FORCE.camera), timeout=ANSWER) as client,
        Sender(Camera(scene.mandate(name), scene.key, pipeline, client)) as sender,
    ):
        camera = sender._camera
        client._timeout = 20.0  # the server works as slowly as ever
        crowd.pass_by(sender, 1, 0)
        settled(camera, 1)
        assert server.stop() == 0
        client._timeout = ANSWER
        away: AbstractContextManager[None] = silent(port) if cut == "silent" else nullcontext()
        with away:
            crowd.pass_by(sender, ROOM, 0)  # so that what is made once is made
            settled(camera, 1 + ROOM)
            tracemalloc.start()
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            crowd.pass_by(sender, FACES - ROOM, MINUTE)
            settled(camera, 1 + FACES)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            assert sender.problem is Problem.SERVER_UNAVAILABLE
            assert len(sender._waiting) == 0
        server.start()
        client._timeout = 20.0
        crowd.pass_by(sender, 1, 0)
        settled(camera, FACES + 2)
    total = camera.counts.total
    assert (total.faces, total.dropped, total.sent) == (FACES + 2, FACES, 2)
    assert sender.longest < 1.0
    # One crop that was kept would be 12 KiB, and one ciphertext 64.
    assert grown < 256 * 1024
    assert len(server.results(name, 2).results) == 2
    assert server.client("camera").health().queued == 0
    assert sums(counted(server, name)) == (FACES + 2, FACES, 0)


def test_when_faces_come_too_fast_the_oldest_are_dropped(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess
) -> None:
    name, crowd, more = scene.open(server), Crowd(pipeline), 24
    camera = Camera(scene.mandate(name), scene.key, pipeline, server.client("camera"))
    sender, shots = Sender(camera), [crowd.shot() for _ in range(ROOM + more)]
    for shot in shots:
        sender.put(shot)
    assert [shot.crop.any() for shot in shots] == [False] * more + [True] * ROOM
    assert camera.counts.total == Minute(faces=more, dropped=more)
    with sender:
        pass
    assert camera.counts.total.faces == ROOM + more
    assert sender.sent == ROOM + more - camera.counts.total.dropped > 0
    assert not any(shot.crop.any() for shot in shots)
    assert len(server.results(name, sender.sent).results) == sender.sent


def test_who_is_too_old_is_not_sent(scene: Scene, pipeline: FacePipeline, server: ServerProcess) -> None:
    name, crowd = scene.open(server), Crowd(pipeline)
    camera = Camera(scene.mandate(name), scene.key, pipeline, server.client("camera"))
    with Sender(camera) as sender:
        for age in (0.0, LIFE_SECONDS + 0.01):
            sender.put(crowd.shot(age))
            settled(camera, 1 if age == 0 else 2)
    assert camera.counts.total == Minute(faces=2, dropped=1)
    assert sender.sent == 1


def test_what_breaks_leaves_nothing_behind(
    scene: Scene, pipeline: FacePipeline, server: ServerProcess
) -> None:
    crowd = Crowd(pipeline)
    camera = Camera(scene.mandate(scene.approve()), scene.key, pipeline, server.client("camera"))
    sender, shots = Sender(camera), [crowd.shot() for _ in range(5)]
    with sender:
        for shot in shots:
            sender.put(shot)
        settled(camera, 5)
        late = crowd.shot()
        sender.put(late)
    with pytest.raises(Exception, match="no such deployment"):
        sender.check()
    assert not any(shot.crop.any() for shot in (*shots, late))
    assert camera.counts.total == Minute(faces=6, dropped=6)


# Counts


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_minutes(self, count: int = 1) -> None:
        self.at += timedelta(minutes=count)


def test_a_minute_waits_until_it_is_over() -> None:
    clock = Clock()
    counts = Counts(clock)
    for seen in (SENT, SENT, DROPPED, UNUSABLE, Minute()):
        counts.add(seen)
    assert counts.waiting() == {}
    assert list(counts.waiting(everything=True)) == ["2026-05-01T12:00:00Z"]
    clock.pass_minutes()
    assert counts.waiting() == {"2026-05-01T12:00:00Z": Minute(faces=4, dropped=1, unusable=1)}
    counts.add(Minute())  # a minute in which nobody came is told of as well
    clock.pass_minutes()
    counts.done("2026-05-01T12:00:00Z")
    assert counts.waiting() == {"2026-05-01T12:01:00Z": Minute()}
    assert (counts.total.faces, counts.total.sent) == (4, 2)


def test_a_minute_that_another_run_has_told_of_is_added_to_the_next() -> None:
    clock = Clock()
    counts = Counts(clock)
    counts.add(SENT)
    clock.pass_minutes()
    counts.carry("2026-05-01T12:00:00Z")
    counts.add(DROPPED)
    clock.pass_minutes()
    assert counts.waiting() == {"2026-05-01T12:01:00Z": Minute(faces=2, dropped=1)}


def test_counts_of_a_day_without_a_server_take_no_more_memory_and_stay_exact() -> None:
    clock = Clock()
    counts = Counts(clock)
    for _ in range(3000):
        counts.add(DROPPED)
        clock.pass_minutes()
    waiting = counts.waiting()
    assert len(waiting) == 1440
    assert sum(each.faces for each in waiting.values()) == counts.total.faces == 3000
