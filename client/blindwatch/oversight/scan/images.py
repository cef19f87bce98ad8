"""Images and films, by how their files begin. Their pixels are compressed, so nothing else of them can be known."""

from __future__ import annotations

from typing import Final

from blindwatch.oversight.scan.anchors import Signature, pattern
from blindwatch.oversight.scan.hits import Kind


def _image(what: str, anchor: bytes, text: bytes, before: int = 0) -> Signature:
    return Signature(anchor, pattern(text), before, what, Kind.IMAGE)


# Beginnings are spelled out so far that a gigabyte of random bytes has none, nor a program that knows the formats.
IMAGES: Final = (
    _image("JPEG", b"\xff\xd8\xff\xe0", rb"\xff\xd8\xff\xe0..JF(?:IF|XX)\0"),
    _image("JPEG", b"\xff\xd8\xff\xe1", rb"\xff\xd8\xff\xe1..(?:Exif\0|http)"),
    _image("JPEG", b"\xff\xd8\xff\xdb", rb"\xff\xd8\xff\xdb\0[\x43\x84\xc5].[\0-\x7f]{8}"),
    _image("JPEG", b"\xff\xd8\xff\xee", rb"\xff\xd8\xff\xee\0.Adobe"),
    _image("JPEG", b"\xff\xd8\xff\xfe", rb"\xff\xd8\xff\xfe\0.[\t\n\r -~]{4}"),
    _image("PNG", b"\x89PNG", rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    _image("WebP", b"WEBP", rb"RIFF....WEBPVP8[ LX]", 8),
    _image(
        "BMP",
        b"BM",
        rb"BM....\0\0\0\0..\0\0(?:[\x28\x38\x6c\x7c]\0\0\0..\0\0..[\0\xff][\0\xff]|\x0c\0\0\0....)\x01\0",
    ),
    _image("GIF", b"GIF8", rb"GIF8[79]a(?!\0\0).[\0-\x3f](?!\0\0).[\0-\x3f]..\0"),
    _image("HEIF or AVIF", b"ftyp", rb"\0\0\0[\x10-\x60]ftyp(?:hei[cx]|mif1|msf1|avi[fs])\0", 4),
    _image("JPEG 2000", b"jP  ", rb"\0\0\0\x0cjP  \r\n\x87\n", 4),
    _image("JPEG XL", b"JXL ", rb"\0\0\0\x0cJXL \r\n\x87\n", 4),
    _image("MP4 film", b"ftyp", rb"\0\0\0[\x10-\x60]ftyp(?:isom|iso[2-9]|mp4[12]|M4V |qt  |avc1|MSNV)", 4),
    _image("Matroska film", b"\x1aE\xdf\xa3", rb"\x1aE\xdf\xa3.{2,40}?B\x82.(?:webm|matroska)"),
    _image("AVI film", b"AVI ", rb"RIFF....AVI LIST", 8),
)
