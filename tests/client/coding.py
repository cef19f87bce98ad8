"""Videos in the forms in which cameras send them, and how those travel: H.264 (RFC 6184) and H.265 (RFC 7798)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Literal

import av

from blindwatch.vision.image import Image

from .streaming import Stream

TICKS = 90_000
"""Of a second: the clock of video over RTP."""
_PAYLOAD = 1200

Timed = Iterable[tuple[float, Image]]
"""Pictures, and their times in seconds."""


@dataclass(frozen=True)
class Coding:
    """One of the two."""

    name: str
    encoder: Literal["h264", "hevc"]
    head: int
    """Bytes of the header of a NAL unit."""
    sets: tuple[int, ...]
    """The kinds of NAL units that are parameter sets."""

    def kind(self, unit: bytes) -> int:
        return unit[0] & 31 if self.head == 1 else unit[0] >> 1 & 63

    def fragment(self, unit: bytes, part: bytes, *, first: bool, last: bool) -> bytes:
        """A part of a NAL unit, as a payload that says so."""
        mark = bytes([first << 7 | last << 6 | self.kind(unit)])
        if self.head == 1:
            return bytes([unit[0] & 0xE0 | 28]) + mark + part
        return bytes([unit[0] & 0x81 | 49 << 1, unit[1]]) + mark + part


H264 = Coding("H264", "h264", 1, (7, 8))
H265 = Coding("H265", "hevc", 2, (32, 33, 34))
"""Those whose pictures need others: parameter sets are with each key frame, and no picture is a key frame unasked."""


@dataclass(frozen=True)
class Group:
    """How pictures depend on each other."""

    pictures: int = 8
    """From one key frame to the next."""
    both_ways: int = 0
    """Pictures in a row that need later ones as well (B)."""

    def options(self, coding: Coding) -> dict[str, str]:
        every = f"keyint={self.pictures}:min-keyint={self.pictures}:bframes={self.both_ways}"
        settings = f"{every}:scenecut=0"
        if coding is H265:
            settings += ":log-level=none:info=0"
        name = "x264-params" if coding is H264 else "x265-params"
        return {name: settings, "crf": "16", "preset": "veryfast"}


def coded(pictures: Timed, coding: Coding = H264, group: Group | None = None, *, file: str = "mp4") -> bytes:
    """A video of pictures at these times, in memory."""
    held = BytesIO()
    with av.open(held, "w", format=file) as container:
        stream = container.add_stream(coding.encoder, options=(group or Group()).options(coding))
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.framerate = Fraction(25)
        for at, image in pictures:
            if not stream.codec_context.is_open:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = round(at * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return held.getvalue()


def write_coded(path: Path, pictures: Timed, coding: Coding = H264, group: Group | None = None) -> Path:
    """A video file of pictures."""
    path.write_bytes(coded(pictures, coding, group, file=path.suffix[1:]))
    return path


@dataclass(frozen=True)
class Unit:
    """One coded picture with its parameter sets, in the order of coding."""

    at: float
    """Seconds at which it is shown."""
    parts: tuple[bytes, ...]
    """NAL units."""


def units(pictures: Timed, coding: Coding = H264, group: Group | None = None) -> list[Unit]:
    """Coded pictures, as they travel one by one."""
    found = []
    video = BytesIO(coded(pictures, coding, group, file="matroska"))
    with av.open(video, "r") as container:
        stream = container.streams.video[0]
        annexed = av.BitStreamFilterContext(f"{stream.codec_context.name}_mp4toannexb", stream)
        for packet in container.demux(stream):
            for each in annexed.filter(packet):
                assert each.pts is not None
                parts = tuple(part for part in re.split(b"\x00\x00\x00?\x01", bytes(each)) if part)
                found.append(Unit(float(each.pts * each.time_base), parts))
    return found


def payloads(unit: Unit, coding: Coding) -> list[bytes]:
    """A coded picture in packets: a NAL unit in one if it fits, and else in fragments (FU-A, FU)."""
    found = []
    for part in unit.parts:
        if len(part) <= _PAYLOAD:
            found.append(part)
            continue
        body = part[coding.head :]
        starts = range(0, len(body), _PAYLOAD)
        found += [
            coding.fragment(part, body[at : at + _PAYLOAD], first=at == 0, last=at + _PAYLOAD >= len(body))
            for at in starts
        ]
    return found


def travelling(coded_pictures: Sequence[Unit], coding: Coding = H264) -> Stream:
    """Coded pictures as a stream that says what they are before they come."""
    by_kind = {coding.kind(part): base64.b64encode(part).decode() for part in coded_pictures[0].parts}
    texts = [by_kind[kind] for kind in coding.sets]
    if coding is H264:
        known = f"packetization-mode=1; sprop-parameter-sets={','.join(texts)}"
    else:
        known = "; ".join(
            f"sprop-{name}={text}" for name, text in zip(("vps", "sps", "pps"), texts, strict=True)
        )
    lines = (f"a=rtpmap:96 {coding.name}/{TICKS}", f"a=fmtp:96 {known}")
    return Stream(96, lines, tuple((unit.at, tuple(payloads(unit, coding))) for unit in coded_pictures))
