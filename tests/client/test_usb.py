"""A camera at the USB bus: watched, pulled out and plugged in again, in each form of pictures, and what is no camera.

In a virtual machine with a USB bus of its own (`make test-usb`). The camera is `webcam.py`; drivers are the kernel's.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from blindwatch.camera.frames import Frame
from blindwatch.camera.sources import Source, opened
from blindwatch.vision.image import Image
from blindwatch.wire.messages import Result

from ..proof import memory, writes
from ..serving import eventually
from .clips import RATE, SIZE, Walk, pictures
from .conftest import Scene
from .photographs import PEOPLE, encoded
from .running import named
from .terminal import PROGRAM, terminal
from .test_live_commands import watch
from .webcam import CONTROLLER, NODE, Form, View, Webcam

if TYPE_CHECKING:
    from tests.serving import ServerProcess

pytestmark = [
    pytest.mark.usb,
    pytest.mark.skipif(
        not os.access(CONTROLLER / "attach", os.W_OK), reason="needs a USB bus (make test-usb)"
    ),
]
INSTEAD = ("-c", "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])")
"""Runs another program in place of Python."""
CALM = 6.0
"""Seconds from one time that somebody walks by to the next."""


def scene_with(who: int) -> list[Image]:
    """Somebody walks by, and then there is nobody for a while."""
    return [picture for _, picture in pictures([Walk(who, 1, 1.6, speed=10)], CALM)]


def as_jpeg(images: Sequence[Image], rate: float = RATE) -> View:
    height, width = images[0].shape[:2]
    return View((width, height), rate, [encoded(image, ".jpg") for image in images])


def as_it_is(images: Sequence[Image], rate: float = RATE) -> View:
    height, width = images[0].shape[:2]
    return View(
        (width, height), rate, [cv2.cvtColor(each, cv2.COLOR_BGR2YUV_YUY2).tobytes() for each in images]
    )


def shades(size: tuple[int, int] = SIZE) -> list[Image]:
    """Pictures that can be told apart."""
    return [np.full((size[1], size[0], 3), 40 * number, np.uint8) for number in range(1, 6)]


@contextmanager
def plugged(*forms: Form) -> Iterator[Webcam]:
    """A camera that is in use by nobody, until the plug is pulled."""
    with Webcam(*forms) as camera:
        eventually(NODE.exists)
        yield camera
    eventually(lambda: not NODE.exists())


@contextmanager
def looking() -> Iterator[Source]:
    source = opened("0")
    try:
        yield source
    finally:
        source.close()
        assert source.read() is None


def read(source: Source, count: int) -> list[Frame]:
    return [frame for _ in range(count) if (frame := source.read()) is not None]


def told_apart(frames: Sequence[Frame]) -> list[int]:
    """Which of the shades they are."""
    assert all(frame.image.std() < 1 for frame in frames)
    return [round(float(frame.image.mean()) / 40) for frame in frames]


# Watched, and pulled out


def test_who_passes_a_usb_camera_is_found_also_after_it_was_pulled_out(
    scene: Scene, server: ServerProcess, tmp_path: Path
) -> None:
    name, calls = scene.open(server), tmp_path / "calls"
    given = named(**scene.camera(name), server=server.address, source=0)
    with ExitStack() as stack:
        first = stack.enter_context(plugged(Form(True, [as_jpeg(scene_with(0))])))
        screen = stack.enter_context(
            terminal(
                "camera", "run", *given, program=(*INSTEAD, *writes.traced(calls), sys.executable, *PROGRAM)
            )
        )
        stack.callback(lambda: sys.stdout.write(screen.shown[-2000:]))  # of use if this fails
        screen.expect("1 sent")
        first.pull()
        screen.expect("source: lost")
        before = len(server.client("operator").fetch_results(name).results)
        stack.enter_context(plugged(Form(True, [as_jpeg(scene_with(3))])))
        screen.expect(f"{before + 1} sent")
        results = server.results(name, before + 1).results
        os.kill(memory.children(screen.process.pid)[0], signal.SIGTERM)
        assert screen.end() == 0
    counts = dict(re.findall(r"(\w+) *│ *(\d+)", screen.shown))
    assert (counts["losses"], counts["dropped"], counts["damaged"]) == ("1", "0", "0")
    found = [scene.reader.matches(each.releases) for each in results if isinstance(each, Result)]
    who = [[scene.names[match.entry] for match in matches] for matches in found]
    assert who == [[PEOPLE[0]]] * before + [[PEOPLE[3]]] * (len(who) - before)
    assert {each for each in writes.written(calls) if not each.startswith("/dev/pts/")} == {str(NODE)}


def test_a_camera_that_stands_still_is_lost_and_opened_again() -> None:
    with plugged(Form(True, [as_jpeg(shades(), 10)])) as camera, looking() as source:
        assert len(read(source, 3)) == 3
        assert (source.losses, source.is_lost) == (0, False)
        camera.stand_still()
        assert len(read(source, 3)) == 3
        assert (source.losses, source.is_lost) == (1, False)


# Pictures


@pytest.mark.parametrize("is_jpeg", [True, False])
def test_pictures_arrive_in_their_order_and_at_their_rate(is_jpeg: bool) -> None:
    view = (as_jpeg if is_jpeg else as_it_is)(shades(), 10)
    with plugged(Form(is_jpeg, [view])), looking() as source:
        frames = read(source, 20)
    found = told_apart(frames)
    assert found == [(found[0] - 1 + at) % 5 + 1 for at in range(20)]
    steps = np.diff([frame.at for frame in frames[1:]])
    assert steps == pytest.approx(0.1, abs=0.03)
    assert source.damaged == 0


def test_of_several_sizes_the_nearest_to_1280_x_720_is_taken() -> None:
    sizes = ((640, 480), (1280, 720), (1920, 1080))
    form = Form(True, [as_jpeg(shades(size), 10) for size in sizes])
    with plugged(form), looking() as source:
        assert {frame.image.shape for frame in read(source, 3)} == {(720, 1280, 3)}


def test_pictures_that_are_cut_off_are_left_out_and_counted() -> None:
    view = as_jpeg(shades(), 10)
    whole = view.pictures
    sent = [whole[0], whole[1][: len(whole[1]) // 2], whole[2], whole[3][:300], whole[4] + bytes(100)]
    with plugged(Form(True, [View(view.size, 10, sent)])), looking() as source:
        assert set(told_apart(read(source, 9))) == {1, 3, 5}
        assert source.damaged >= 5


# What is no camera


def test_a_number_that_is_no_camera_or_is_in_use_is_an_error(
    scene: Scene, server: ServerProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    name = scene.open(server)
    with plugged(Form(True, [as_jpeg(shades(), 10)])), looking() as source:
        assert len(read(source, 1)) == 1
        assert Path("/dev/video1").exists()  # the same camera's data about pictures
        for number in (0, 1, 63):
            assert watch(scene, server, name, number) == 1
            assert "cannot be opened" in capfd.readouterr().err
        assert len(read(source, 1)) == 1
