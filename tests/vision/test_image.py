from __future__ import annotations

import struct
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import ImageError, ImageTooLarge, UnreadableImage
from blindwatch.vision.image import MAX_BYTES, MAX_PIXELS, Image, decode, load

FORMATS = (".jpg", ".png", ".webp", ".bmp")
NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
PICTURE: Image = np.asarray(cv2.GaussianBlur(NOISE, (0, 0), sigmaX=3), np.uint8)
SENSITIVE = "Jane_Doe_0001"


def encode(extension: str, image: Image = PICTURE) -> bytes:
    return cv2.imencode(extension, image)[1].tobytes()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG with the EXIF tag that says how the camera was held."""
    tag = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0" + struct.pack("<2sHIH", b"II", 42, 8, 1) + tag + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def png_header(height: int, width: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def jpeg_header(height: int, width: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes(9)
    return b"\xff\xd8\xff\xc2" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def bmp_header(height: int, width: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<Iii", 40, width, -height) + bytes(28)


def old_bmp_header(height: int, width: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<IHH", 12, width, height) + bytes(4)


def webp_header(height: int, width: int) -> bytes:
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return b"RIFF" + bytes(4) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + sides


def lossless_webp_header(height: int, width: int) -> bytes:
    return (
        b"RIFF" + bytes(4) + b"WEBPVP8L" + bytes(4) + struct.pack("<BI", 0x2F, width - 1 | height - 1 << 14)
    )


def lossy_webp_header(height: int, width: int) -> bytes:
    return b"RIFF" + bytes(4) + b"WEBPVP8 " + bytes(10) + struct.pack("<HH", width, height)


HEADERS = (
    png_header, jpeg_header, bmp_header, old_bmp_header, webp_header, lossless_webp_header, lossy_webp_header,
)  # fmt: skip


@pytest.mark.parametrize("extension", FORMATS)
def test_every_accepted_format(extension: str) -> None:
    image = decode(encode(extension))
    assert (image.shape, image.dtype) == (PICTURE.shape, np.dtype(np.uint8))
    assert np.abs(image.astype(int) - PICTURE).mean() < 5


def test_path_bytes_and_pixels_are_the_same_image(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(encode(".png"))
    assert (load(path) == PICTURE).all()
    assert (load(path.read_bytes()) == PICTURE).all()
    assert load(PICTURE) is PICTURE


@pytest.mark.parametrize(
    "pixels",
    [
        pytest.param(PICTURE[..., 0], id="grey"),
        pytest.param(cv2.cvtColor(PICTURE, cv2.COLOR_BGR2BGRA), id="transparent"),
        pytest.param(PICTURE.astype(np.uint16) * 257, id="16 bits"),
    ],
)
def test_other_kinds_of_pixels_become_three_channels_of_bytes(pixels: Image) -> None:
    image = decode(encode(".png", pixels))
    assert (image.shape, image.dtype) == (PICTURE.shape, np.dtype(np.uint8))


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, lambda image: image),
        (3, lambda image: np.rot90(image, 2)),
        (6, lambda image: np.rot90(image, 1)),
        (8, lambda image: np.rot90(image, -1)),
        (2, lambda image: image[:, ::-1]),
    ],
)
def test_images_are_turned_upright(orientation: int, undo: Callable[[Image], Image]) -> None:
    stored = np.ascontiguousarray(undo(PICTURE))
    image = decode(with_orientation(encode(".jpg", stored), orientation))
    assert image.shape == PICTURE.shape
    assert np.abs(image.astype(int) - PICTURE).mean() < 5


@pytest.mark.parametrize("header", HEADERS)
def test_the_limit_is_checked_before_anything_is_decoded(header: Callable[[int, int], bytes]) -> None:
    """There is nothing but a header here, so only what reads headers can tell the size."""
    with pytest.raises(ImageTooLarge):
        decode(header(5000, 10_000))
    with pytest.raises(UnreadableImage):
        decode(header(4000, 10_000))


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_fifty_megapixels_are_refused(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"large{extension}"
    path.write_bytes(encode(extension, np.zeros((5000, 10_000), np.uint8)))
    with pytest.raises(ImageTooLarge):
        load(path)


def test_pixels_over_the_limit_are_refused() -> None:
    assert MAX_PIXELS == 40_000_000
    assert load(np.broadcast_to(np.uint8(0), (4000, 10_000, 3))).shape == (4000, 10_000, 3)
    with pytest.raises(ImageTooLarge):
        load(np.broadcast_to(np.uint8(0), (4001, 10_000, 3)))


def test_a_file_over_the_byte_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ImageTooLarge):
        load(path)


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.98])
def test_a_file_that_is_cut_short(extension: str, share: float) -> None:
    data = encode(extension)
    with pytest.raises(UnreadableImage):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"BM",
        b"RIFF1234WEBP",
        b"GIF89a",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"text" * 99,
    ],
)
def test_what_is_no_image(data: bytes) -> None:
    with pytest.raises(UnreadableImage):
        decode(data)


@given(st.sampled_from(FORMATS), st.data())
def test_damaged_bytes_are_an_image_or_an_image_error(extension: str, data: st.DataObject) -> None:
    damaged = bytearray(encode(extension))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode(bytes(damaged))
    except ImageError:
        return
    assert image.ndim == 3


@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBP", b"BM"]), st.binary())
def test_arbitrary_bytes_are_an_image_error(start: bytes, rest: bytes) -> None:
    with pytest.raises(ImageError):
        decode(start + rest)


@pytest.mark.parametrize(
    "pixels",
    [
        PICTURE[..., 0],
        PICTURE.astype(np.float32),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
    ],
)
def test_pixels_of_another_kind_are_refused(pixels: Image) -> None:
    with pytest.raises(UnreadableImage):
        load(pixels)


@pytest.mark.parametrize("content", [None, b"", encode(".jpg")[:-40], png_header(9000, 9000)])
def test_no_error_repeats_a_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / f"{SENSITIVE}.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        load(path)
    told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert SENSITIVE not in told


def test_a_directory_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage):
        load(tmp_path)
