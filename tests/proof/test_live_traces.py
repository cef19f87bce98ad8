"""A camera that watches people walk by leaves nothing of them: not on the disk, and soon not in its memory either.

Real processes and real ciphertexts. What is searched for is everything that this camera makes of every frame.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pytest

from blindwatch.demo.photographs import built_in
from blindwatch.he.presets import preset
from blindwatch.vision.image import Image, decode
from blindwatch.vision.pipeline import Face, FacePipeline
from blindwatch.vision.quality import SMALLEST_EYES
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient

from ..client.clips import RATE, Walk, in_memory, write_clip
from . import known, memory
from .deployment import NAME, Deployment, Server
from .search import Needle, Search, needles
from .tap import LOOPBACK
from .watching import WAIT, Cut, cut_off, last, watching

PRESET: Final = preset("reveal-128")
WALKS: Final = tuple(Walk(who, 1 + 3 * at, 1.6, speed=10) for at, who in enumerate((0, 3, 18, 77, 2, 31)))
LAST: Final = 1 + 3 * len(WALKS)
"""From this second on there is nobody."""
SECONDS: Final = LAST + 40
GROWTH: Final = 16 << 20
"""Bytes by which memory may grow while nothing answers; the caches of libraries do."""


@dataclass
class Evidence:
    """What was found of the faces, and where the camera wrote."""

    while_seen: set[str] = field(default_factory=set)
    afterwards: set[str] = field(default_factory=set)
    numbers: dict[str, Any] = field(default_factory=dict)
    cut: Cut | None = None
    port: int = 0


def of_frame(number: int, frame: Image, pipeline: FacePipeline) -> Iterator[Needle]:
    """What a camera makes of a frame with people in it."""
    for detection in pipeline.detect(frame, SMALLEST_EYES):
        face: Face = pipeline.describe(frame, detection)
        yield from known.of_face(f"frame {number}", face, PRESET)
        x, y, width, height = (max(round(each), 0) for each in detection.box)
        for row in (y + height // 3, y + height // 2, y + 2 * height // 3):
            yield from needles(f"pixels of frame {number}", frame[row, x : x + width].tobytes())
        planes = np.ascontiguousarray(face.crop.transpose(2, 0, 1), np.float32)
        yield from needles(f"input of frame {number}", planes[1, len(face.crop) // 2].tobytes())


def frames(clip: Path) -> Iterator[tuple[int, Image]]:
    capture = cv2.VideoCapture(str(clip))
    for number in range(round(LAST * RATE)):
        found, image = capture.read()
        assert found
        yield number, image.astype(np.uint8, copy=False)


def wait_for(client: ServerClient, results: int) -> None:
    deadline = time.monotonic() + WAIT
    while len(client.fetch_results(NAME, 1.0).results) < results:
        assert time.monotonic() < deadline, "the results did not come"


def look_into(deployment: Deployment, server: Server, clip: Path, search: Search, evidence: Evidence) -> None:
    """Look into the camera's memory again and again while people pass, and once they have been gone for a while."""
    with (
        deployment.client(server.address, "operator") as operator,
        watching(deployment, server, clip) as process,
    ):
        assert process.stdout is not None
        wait_for(operator, 1)
        began = time.monotonic()
        while not evidence.while_seen and time.monotonic() - began < LAST - 8:
            with memory.stopped([process.pid]):
                evidence.while_seen = search.chunks(memory.chunks(process.pid))
            time.sleep(0.15)
        wait_for(operator, 2)
        # Nobody is in the picture any more, and two seconds more have passed.
        time.sleep(max(0.0, began + LAST + 2 - time.monotonic()))
        with memory.stopped([process.pid]):
            evidence.afterwards = search.chunks(memory.chunks(process.pid))
        process.terminate()
        printed, _ = process.communicate(timeout=30)
        evidence.numbers = last(printed)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    if not memory.can_read(os.getpid()):
        pytest.skip("this system does not let us read the memory of processes")
    pipeline, evidence = FacePipeline.named(Registry.load()), Evidence()
    cast = built_in(2, lambda photograph: bool(pipeline.detect(decode(photograph))))
    deployment = Deployment(tmp_path_factory.mktemp("live"), cast)
    deployment.enrol()
    with in_memory() as folder:
        clip = write_clip(folder / "clip.avi", WALKS, SECONDS)
        search = Search(
            [each for number, frame in frames(clip) for each in of_frame(number, frame, pipeline)]
        )
        short = write_clip(folder / "short.avi", WALKS, LAST)
        with deployment.server() as server:
            deployment.upload(server)
            look_into(deployment, server, clip, search, evidence)
            evidence.port = server.taps["camera"].port
            evidence.cut = cut_off(deployment, server, short, LAST + WAIT)
        yield evidence


def test_while_a_face_is_looked_at_it_is_in_memory(evidence: Evidence) -> None:
    # Without this, finding nothing afterwards would mean nothing.
    assert evidence.while_seen


def test_two_seconds_after_the_last_face_nothing_of_any_is_left(evidence: Evidence) -> None:
    assert evidence.afterwards == set()
    assert evidence.numbers["sent"] >= 2


def test_no_face_was_in_clear_for_a_second(evidence: Evidence) -> None:
    # Of a run that nobody stopped to look into its memory.
    assert evidence.cut is not None
    assert 0 < evidence.cut.numbers["longestMs"] < 1000


def test_when_the_server_is_silent_faces_are_dropped_and_nothing_is_on_the_disk(evidence: Evidence) -> None:
    assert evidence.cut is not None
    assert evidence.cut.grown < GROWTH
    check(evidence.cut, evidence.port)


def check(cut: Cut, port: int) -> None:
    """Whether faces were dropped and counted, and nothing was written."""
    numbers = cut.numbers
    assert numbers["dropped"] >= 1, cut.printed
    assert numbers["faces"] == numbers["sent"] + numbers["dropped"] + numbers["unusable"]
    assert cut.left == []
    if cut.written is None:
        pytest.skip("strace is not there, or may not trace")
    assert cut.written == set()
    assert cut.addressed == {(LOOPBACK, port)}


# For a whole minute


@pytest.mark.slow
def test_after_a_minute_without_network_the_disk_is_as_before_and_memory_has_not_grown(
    tmp_path: Path,
) -> None:
    pipeline = FacePipeline.named(Registry.load())
    cast = built_in(2, lambda photograph: bool(pipeline.detect(decode(photograph))))
    deployment, first = Deployment(tmp_path / "minute", cast), 1
    walks = [Walk((0, 3, 18, 77, 2, 31)[at % 6], first + 3 * at, 1.6, speed=10) for at in range(23)]
    deployment.enrol()
    with in_memory() as folder, deployment.server() as server:
        deployment.upload(server)
        clip = write_clip(folder / "minute.avi", walks, first + 3 * len(walks))
        cut = cut_off(deployment, server, clip, 60 + WAIT)
    assert cut.seconds >= 60
    # Were frames kept, thirty megabytes were added in the second half, and were probes, fifteen.
    assert cut.grown < GROWTH // 2
    assert cut.numbers["dropped"] >= 15
    check(cut, server.taps["camera"].port)
