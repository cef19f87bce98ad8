"""What a decoder of video leaves of a face: pictures on which others may build, and after a few more nothing.

What is searched for are rows of the planes that FFmpeg decodes to and of the pixels that a camera gets from them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
import numpy as np
import pytest

from ..client.clips import Walk, in_memory, pictures
from ..client.coding import H264, H265, Coding, Group, write_coded
from . import memory
from .search import Needle, Search, needles

RATE: Final = 8.0
SEEN: Final = 24
"""Pictures with two people in them, who are gone from the next on."""
MORE: Final = 16
"""Pictures after which they must be forgotten, as many as the next may build on in H.264 and H.265."""
WALKS: Final = (Walk(0, 0, SEEN / RATE, speed=60), Walk(3, 0, SEEN / RATE, x=230, speed=-60))
LEAST: Final = 20
"""Different bytes that make a row worth looking for: flat ones are everywhere."""
CAMERA: Final = """
import sys
from blindwatch.camera.forgetting import wipe_freed
from blindwatch.camera.video import Video
wipe_freed()
video = Video(sys.argv[1])
for count in sys.stdin:
    for _ in range(int(count)):
        picture = video.next()
        picture.image.fill(0)
    del picture
    print(int(count), flush=True)
"""


def rows(path: Path) -> Iterator[Needle]:
    """Pieces of rows across both people, in every picture that has them."""
    with av.open(str(path), "r") as container:
        for number, frame in zip(range(SEEN), container.decode(video=0), strict=False):
            assert isinstance(frame, av.VideoFrame)
            plane, pixels = frame.planes[0], frame.to_ndarray(format="bgr24")
            light = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
            left = 40 + round(60 * number / RATE)
            for row in range(60, 170, 6):
                if np.unique(light[row, left : left + 64]).size > LEAST:
                    yield from needles(f"plane {number}", light[row, left : left + 64].tobytes())
                    yield from needles(f"pixels {number}", pixels[row, left : left + 64].tobytes())


class Reader:
    """A process that reads a video as a camera does, and wipes what it gets."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, count: int) -> None:
        """Read so many pictures more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(count, file=self._process.stdin, flush=True)
        assert self._process.stdout.readline().strip() == str(count)

    def left(self, search: Search) -> set[str]:
        """What is in its memory."""
        return search.chunks(memory.chunks(self._process.pid))


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    words = [sys.executable, "-c", CAMERA, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Reader(process)


@pytest.mark.parametrize("coding", [H264, H265], ids=lambda coding: coding.name)
def test_decoded_faces_are_gone_a_few_pictures_later(coding: Coding) -> None:
    if not memory.can_read(os.getpid()):
        pytest.skip("this system does not let us read the memory of processes")
    with in_memory() as folder:
        scene = pictures(WALKS, (SEEN + MORE + 4) / RATE, RATE)
        clip = write_coded(folder / "clip.mp4", scene, coding, Group(16, both_ways=3))
        search = Search(list(rows(clip)))
        with reading(clip) as camera:
            camera.read(SEEN)
            found = camera.left(search)
            # The decoder still needs some of them; the pixels were wiped.
            assert any(what.startswith("plane") for what in found)
            assert not any(what.startswith("pixels") for what in found)
            camera.read(MORE)
            assert camera.left(search) == set()
