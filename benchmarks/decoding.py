"""What it costs a camera to decode a picture of 1280 x 720, in each form. Run: python benchmarks/decoding.py"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

import av
import cv2
import numpy as np
import skimage.data

from blindwatch.camera.video import Video
from blindwatch.vision.image import Image

PICTURES, TIMES = 25, 7
FORMS: dict[Literal["h264", "hevc", "mjpeg"], dict[str, str]] = {
    "h264": {"crf": "16", "preset": "veryfast", "x264-params": f"keyint={2 * PICTURES}:bframes=0"},
    "hevc": {
        "crf": "16",
        "preset": "veryfast",
        "x265-params": f"keyint={2 * PICTURES}:bframes=0:log-level=none",
    },
    "mjpeg": {"qmin": "3", "qmax": "3"},
}


def scene() -> list[Image]:
    """Somebody who walks past a table, with a little noise."""
    data: Any = skimage.data  # its functions carry no types
    table = cv2.resize(np.ascontiguousarray(data.coffee()[..., ::-1]), (1280, 720))
    person, noise = data.astronaut()[..., ::-1], np.random.default_rng(1)
    pictures = []
    for number in range(PICTURES):
        picture = table.copy()
        picture[100:612, 100 + 6 * number : 612 + 6 * number] = person
        grain = noise.integers(0, 6, picture.shape, np.uint8)
        pictures.append(cv2.add(picture, grain).astype(np.uint8, copy=False))
    return pictures


def write(file: object, pictures: list[Image], form: Literal["h264", "hevc", "mjpeg"]) -> None:
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(form, rate=25, options=FORMS[form])
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if form == "mjpeg" else "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))


def seconds_each(video: str) -> float:
    """Processor time of all threads for one picture, with its conversion to BGR."""
    source = Video(video)
    started = time.process_time()
    found = sum(1 for _ in iter(source.next, None))
    taken = time.process_time() - started
    source.close()
    if (found, source.damaged) != (PICTURES, 0):
        raise SystemExit("Not all pictures came whole.")
    return taken / found


def main() -> None:
    pictures = scene()
    for form in FORMS:
        with NamedTemporaryFile(suffix=".mkv") as file:
            write(file, pictures, form)
            file.flush()
            size = Path(file.name).stat().st_size / PICTURES
            cost = statistics.median(seconds_each(file.name) for _ in range(TIMES))
        print(f"{form:6} {1000 * cost:5.1f} ms  {size / 1000:6.1f} kB")


if __name__ == "__main__":
    main()
