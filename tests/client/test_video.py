"""H.264 and H.265, as files and as streams: whole pictures arrive as they were sent, and damaged ones do not."""

from __future__ import annotations

import struct
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from blindwatch.camera import sources, video
from blindwatch.camera.sources import Live, opened
from blindwatch.camera.video import Picture, Video, from_jpeg
from blindwatch.errors import ConfigurationError
from blindwatch.vision.image import Image

from ..serving import eventually
from .clips import Walk, in_memory, pictures, write_clip
from .coding import H264, H265, Coding, Group, Unit, coded, travelling, units, write_coded
from .streaming import Stream, of_jpeg, playing

RATE = 25.0
WALKS = (Walk(0, 0, 5, speed=120), Walk(3, 0, 5, x=230, speed=-120))
SECONDS = 0.96
EVERY = 8
"""Pictures from one key frame to the next."""
WHOLE = 34.0
"""Decibels that a picture has at least after coding."""
OVER_RTSP = {"rtsp_transport": "tcp"}
PASSWORD = "correct-horse"  # noqa: S105 - one that must not be printed
CODINGS = pytest.mark.parametrize("coding", [H264, H265], ids=lambda coding: coding.name)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine may be so busy that nothing arrives for seconds."""
    monkeypatch.setattr(video, "OPEN_SECONDS", 60.0)
    monkeypatch.setattr(video, "READ_SECONDS", 60.0)


@cache
def scene() -> list[tuple[float, Image]]:
    """Three groups of pictures, no two of them the same."""
    return list(pictures(WALKS, SECONDS, RATE))


@cache
def sent(coding: Coding = H264, group: Group = Group(EVERY)) -> list[Unit]:  # noqa: B008 - it is a constant
    return units(scene(), coding, group)


@cache
def stream(coding: Coding = H264) -> Stream:
    return travelling(sent(coding), coding)


def shown(address: str) -> tuple[list[Picture], int]:
    """All pictures of a file or a stream, and how many were damaged."""
    source = Video(address, OVER_RTSP if "://" in address else None)
    try:
        return list(iter(source.next, None)), source.damaged
    finally:
        source.close()


def played(told: Stream) -> tuple[list[Picture], int]:
    with playing(told) as address:
        return shown(address)


def judged(found: list[Picture]) -> tuple[list[int], float]:
    """Which pictures of the scene these are, and in decibels how like that the least like of them is."""
    likeness = [[cv2.PSNR(each.image, image) for _, image in scene()] for each in found]
    return [int(np.argmax(row)) for row in likeness], min(max(row) for row in likeness)


# Whole


@CODINGS
@pytest.mark.parametrize("both_ways", [0, 2])
def test_a_file_and_a_stream_are_the_same_pictures(coding: Coding, both_ways: int) -> None:
    group = Group(EVERY, both_ways)
    with in_memory() as folder:
        as_file, damaged = shown(str(write_coded(folder / "clip.mp4", scene(), coding, group)))
    assert damaged == 0
    numbers, likeness = judged(as_file)
    assert numbers == list(range(len(scene())))
    assert likeness > WHOLE
    assert [each.position for each in as_file] == pytest.approx([at for at, _ in scene()], abs=1e-3)
    as_stream, damaged = played(travelling(sent(coding, group), coding))
    assert damaged == 0
    assert len(as_stream) == len(as_file)
    assert all(np.array_equal(one.image, other.image) for one, other in zip(as_stream, as_file, strict=True))


def test_opencv_decodes_the_same(tmp_path: Path) -> None:
    path = write_coded(tmp_path / "clip.mp4", scene())
    found, _ = shown(str(path))
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    others = [capture.read()[1] for _ in found]
    capture.release()
    assert all(np.array_equal(each.image, other) for each, other in zip(found, others, strict=True))


@CODINGS
def test_times_are_those_of_the_source_where_its_rate_varies(coding: Coding, tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.5, 0.54, 1.2, 1.21, 2.0]
    irregular = [(at, image) for at, (_, image) in zip(times, scene(), strict=False)]
    found, _ = shown(str(write_coded(tmp_path / "clip.mp4", irregular, coding, Group(EVERY, 2))))
    assert [each.position for each in found] == pytest.approx(times, abs=1e-3)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_video_is_shown_upright(degrees: int, tmp_path: Path) -> None:
    film = coded(scene()[:EVERY])
    turns = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    (tmp_path / "upright.mp4").write_bytes(film)
    before, _, after = film.rpartition(matrix(1, 0, 0, 1))
    (tmp_path / "turned.mp4").write_bytes(before + matrix(*turns[degrees]) + after)
    upright, _ = shown(str(tmp_path / "upright.mp4"))
    turned, _ = shown(str(tmp_path / "turned.mp4"))
    capture = cv2.VideoCapture(str(tmp_path / "turned.mp4"), cv2.CAP_FFMPEG)
    expected = [capture.read()[1] for _ in turned]
    capture.release()
    assert expected[0].shape == np.rot90(upright[0].image, degrees // 90).shape
    assert not np.array_equal(expected[0], upright[0].image)
    assert all(np.array_equal(each.image, other) for each, other in zip(turned, expected, strict=True))


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    """How an MP4 file says that its pictures are turned."""
    return struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)


@CODINGS
def test_a_stream_may_change_its_size(coding: Coding) -> None:
    larger = [(at + SECONDS, cv2.resize(image, (640, 360)).astype(np.uint8)) for at, image in scene()]
    smaller = [(at + 2 * SECONDS, cv2.resize(image, (320, 180)).astype(np.uint8)) for at, image in scene()]
    told = [*sent(coding), *units(larger, coding, Group(EVERY)), *units(smaller, coding, Group(EVERY))]
    found, damaged = played(travelling(told, coding))
    assert damaged == 0
    assert [each.image.shape[1] for each in found] == [384] * 24 + [640] * 24 + [320] * 24
    for each, (_, image) in zip(found, [*scene(), *larger, *smaller], strict=True):
        assert cv2.PSNR(each.image, image) > WHOLE


# Not whole


@CODINGS
def test_a_stream_that_begins_in_the_middle_is_shown_from_the_next_key_frame(coding: Coding) -> None:
    found, _ = played(stream(coding).part(3))
    numbers, likeness = judged(found)
    assert numbers == list(range(EVERY, len(scene())))
    assert likeness > WHOLE


LOST = {
    "the end of the first key frame": (0, -1),
    "the middle of a key frame": (EVERY, -2),
    "the end of a key frame": (EVERY, -1),
    "the beginning of another": (EVERY + 3, 0),
    "the end of another": (EVERY + 3, -1),
}


@pytest.mark.parametrize("packet", LOST.values(), ids=LOST.keys())
def test_after_a_lost_packet_nothing_is_shown_until_the_next_key_frame(packet: tuple[int, int]) -> None:
    found, damaged = played(stream().without({packet}))
    numbers, likeness = judged(found)
    picture, _ = packet
    back = (picture // EVERY + 1) * EVERY
    assert numbers == [*range(picture), *range(back, len(scene()))]
    assert likeness > WHOLE
    assert damaged == back - picture


def test_a_decoder_alone_would_show_what_it_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Video, "_is_whole", lambda *_: True)
    found, _ = played(stream().without({(0, -1)}))
    assert len(found) == len(scene())
    assert judged(found)[1] < 25


def test_of_h265_nothing_is_shown_that_needs_a_lost_picture() -> None:
    told = stream(H265)
    found, _ = played(told.without({(3, number) for number in range(len(told.pictures[3][1]))}))
    numbers, likeness = judged(found)
    assert numbers == [0, 1, 2, *range(EVERY, len(scene()))]
    assert likeness > WHOLE


def test_the_picture_in_which_a_connection_ends_is_not_shown() -> None:
    found, damaged = played(stream().part(0, EVERY + 1).without({(EVERY, -1)}))
    assert judged(found)[0] == list(range(EVERY))
    assert damaged == 1


def test_a_jpeg_that_did_not_arrive_is_left_out() -> None:
    with in_memory() as folder:
        clip = write_clip(folder / "clip.avi", WALKS, SECONDS, RATE).read_bytes()
    found, _ = played(of_jpeg(clip, RATE).without({(5, 1)}))
    assert judged(found)[0] == [number for number in range(len(scene())) if number != 5]


def test_a_file_with_a_damage_is_shown_to_its_end(tmp_path: Path) -> None:
    film, longest = coded(scene(), group=Group(EVERY)), max(sent()[EVERY].parts, key=len)
    at = film.index(longest) + len(longest) // 2
    (tmp_path / "clip.mp4").write_bytes(film[:at] + bytes(200) + film[at + 200 :])
    found, damaged = shown(str(tmp_path / "clip.mp4"))
    numbers, likeness = judged(found)
    assert numbers == [*range(EVERY), *range(2 * EVERY, len(scene()))]
    assert likeness > WHOLE
    assert damaged == EVERY


# Streams as they are in use


def test_a_stream_without_a_whole_picture_for_long_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "RETRY_SECONDS", 0.01)
    with playing(stream().without({(EVERY, -1)}), stream()) as address:
        live = Live(partial(Video, address, OVER_RTSP, patience=0.0))
        found = [live.read() for _ in range(EVERY + len(scene()))]
        live.close()
        assert live.read() is None
    images = [Picture(frame.image, frame.at) for frame in found if frame is not None]
    assert judged(images)[0] == [*range(EVERY), *range(len(scene()))]
    assert live.damaged == 1
    times = [each.position for each in images]
    assert times == sorted(times)


def test_a_camera_that_comes_back_with_another_size_is_watched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "RETRY_SECONDS", 0.01)
    larger = [(at, cv2.resize(image, (640, 360)).astype(np.uint8)) for at, image in scene()]
    cut = stream().part(0, EVERY + 1).without({(EVERY, -1)})
    with playing(cut, travelling(units(larger, group=Group(EVERY)))) as address:
        live = opened(address)
        found = [live.read() for _ in range(EVERY + len(scene()))]
        live.close()
        assert live.read() is None
    assert [frame.image.shape[1] for frame in found if frame] == [384] * EVERY + [640] * len(scene())
    assert (live.damaged, live.losses) == (1, 1)


def test_a_source_that_does_not_come_back_is_lost_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "RETRY_SECONDS", 0.01)
    with playing(stream()) as address:
        live = opened(address)
        assert all(live.read() for _ in scene())
        assert (live.losses, live.is_lost) == (0, False)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(live.read)
        eventually(lambda: live.is_lost, 60)
        live.close()
        assert waiting.result() is None
    assert live.losses == 1


# JPEG of a device


def test_of_a_jpeg_a_picture_is_made_if_it_is_whole() -> None:
    whole = cv2.imencode(".jpg", scene()[0][1])[1].reshape(-1).astype(np.uint8)
    expected = cv2.imdecode(whole, cv2.IMREAD_COLOR)
    assert expected is not None
    for content in (whole, np.append(whole, np.zeros(99, np.uint8))):
        given = content.copy()
        found = from_jpeg(given)
        assert found is not None
        assert np.array_equal(found, expected)
        assert not given.any()
    end = np.frombuffer(b"\xff\xd8\xff\xd9", np.uint8)
    for content in (whole[: len(whole) // 2], whole[:-1], whole[:9], end, whole[:0], np.zeros(9, np.uint8)):
        given = content.copy()
        assert from_jpeg(given) is None
        assert not given.any()


def test_a_password_opens_a_stream(capfd: pytest.CaptureFixture[str]) -> None:
    with playing(stream(), login=f"guard:{PASSWORD}") as address:
        live = opened(address.replace("//", f"//guard:{PASSWORD}@"))
        frame = live.read()
        live.close()
        assert live.read() is None
    assert frame is not None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("place", ["{host}", "127.0.0.1:1", "{host}/../..", "[::1"])
def test_a_password_is_in_no_error(place: str, capfd: pytest.CaptureFixture[str]) -> None:
    with playing(stream(), login="guard:another") as address:
        host = address.removeprefix("rtsp://").removesuffix("/clip")
        with pytest.raises(ConfigurationError) as refused:
            opened(f"rtsp://guard:{PASSWORD}@{place.format(host=host)}/clip")
    assert PASSWORD not in "".join(traceback.format_exception(refused.value))
    assert PASSWORD not in "".join(capfd.readouterr())


def test_a_stream_without_pictures_is_refused() -> None:
    sound = replace(stream(), payload=0, lines=("a=rtpmap:0 PCMU/8000",), media="audio")
    with playing(sound) as address, pytest.raises(ConfigurationError):
        opened(address)


@contextmanager
def published(folder: Path) -> Iterator[str]:
    """A folder on the web."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_video_may_come_over_http() -> None:
    with in_memory() as folder, published(folder) as address:
        write_coded(folder / "clip.mp4", scene())
        live = opened(f"{address}/clip.mp4")
        found = [live.read() for _ in scene()]
        live.close()
        assert live.read() is None
    assert judged([Picture(frame.image, frame.at) for frame in found if frame])[0] == list(
        range(len(scene()))
    )
