"""Decoding of photographs, with every limit checked on the header before the decoder runs.

Only four formats are accepted: each further decoder would be native code open to whoever sends images.
Images stay in memory; nothing in this package writes one to a disk.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import ImageTooLarge, UnreadableImage

MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 40_000_000
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
"""Of files in the four formats."""

Image = NDArray[np.uint8]
"""Height x width x 3, blue first, as OpenCV has it."""

_FORMATS = "Use a JPEG, PNG, WebP or BMP file."
# Start-of-frame markers of JPEG; C4, C8 and CC between them mean other things.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def files_in(folder: Path) -> list[Path]:
    """The files of a folder that are images by their names, sorted; raises OSError."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def load(source: Path | bytes | Image) -> Image:
    """The image behind a path, in encoded bytes, or already decoded; raises `ImageError` subclasses."""
    if isinstance(source, np.ndarray):
        return _checked(source)
    return decode(source if isinstance(source, bytes) else _read(source))


def decode(data: bytes | bytearray) -> Image:
    """Decode an image upright (EXIF orientation is honoured), after the limits were checked on its header."""
    _check_length(len(data))
    try:
        height, width = _dimensions(data)
    except (struct.error, IndexError) as error:
        raise UnreadableImage("The image has a damaged header.", _FORMATS) from error
    _check_pixels(height, width)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise UnreadableImage("The image is damaged.", _FORMATS) from error
    if image is None:
        raise UnreadableImage("The image is damaged.", _FORMATS)
    return _checked(image.astype(np.uint8, copy=False))


def _read(path: Path) -> bytes:
    try:
        _check_length(path.stat().st_size)
        return path.read_bytes()
    except OSError:
        # The cause would repeat the path, which may name a person.
        raise UnreadableImage("The image file cannot be opened.") from None


def _checked(image: Image) -> Image:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise UnreadableImage("The image is not an array of 8-bit pixels with three channels.")
    _check_pixels(image.shape[0], image.shape[1])
    return image


def _check_length(length: int) -> None:
    if length > MAX_BYTES:
        raise ImageTooLarge(f"The image file is over {MAX_BYTES // 2**20} MiB.", "Scale the image down.")


def _check_pixels(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise ImageTooLarge(
            f"The image has more than {MAX_PIXELS // 10**6} megapixels.", "Scale the image down."
        )
    if height <= 0 or width <= 0:
        raise UnreadableImage("The image has no pixels.", _FORMATS)


def _dimensions(data: bytes | bytearray) -> tuple[int, int]:
    """Height and width as the header states them; `struct.error` or `IndexError` when it ends early."""
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_dimensions(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        width, height = struct.unpack_from(">II", data, 16)
        return height, width
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp_dimensions(data)
    if data.startswith(b"BM"):
        if struct.unpack_from("<I", data, 14)[0] == 12:  # the header of OS/2, with 16-bit sizes
            width, height = struct.unpack_from("<HH", data, 18)
        else:
            width, height = struct.unpack_from("<ii", data, 18)
        return abs(height), width  # a negative height means rows from the top
    raise UnreadableImage("The file is not an image in a format that is accepted.", _FORMATS)


def _jpeg_dimensions(data: bytes | bytearray) -> tuple[int, int]:
    position = 2
    while True:
        if data[position] != 0xFF:
            raise UnreadableImage("The image has a damaged header.", _FORMATS)
        marker = data[position + 1]
        if marker == 0xFF:  # padding between segments
            position += 1
        elif marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, position + 5)
            # A file cut short decodes to an image with a grey rest: insist on the end marker.
            if data.find(b"\xff\xd9", position) < 0:
                raise UnreadableImage("The image is cut short.", "Transfer the file again.")
            return height, width
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]


def _webp_dimensions(data: bytes | bytearray) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return height, width
