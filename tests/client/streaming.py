"""A small RTSP server (RFC 2326) that plays a clip once to each client: JPEG (RFC 2435) or another form.

Packets travel within the connection. It is our own since it has to lose packets, break off and begin in the middle
where a test says so: what reads it is FFmpeg, and the test is whether the same pictures arrive.
"""

from __future__ import annotations

import base64
import socketserver
import struct
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count

_PAYLOAD = 1200
_CLOCK = 90_000
_OWN_TABLES = 255
_JPEG = 26
_FRAME = b"00dc"
_START, _TABLES, _SCAN, _SIZE = b"\xff\xd8", 0xDB, 0xDA, 0xC0
_QUARTER_COLOUR = 0x22
"""Colours of every second column and row: what OpenCV writes, and type 1 of the payload."""


Packets = tuple[bytes | None, ...]
"""Payloads of one picture. In place of one that is None, a packet gets lost on its way."""


@dataclass(frozen=True)
class Stream:
    """What is played to one client, after which the connection ends."""

    payload: int
    """The number of the form."""
    lines: tuple[str, ...]
    """More about it, in SDP."""
    pictures: tuple[tuple[float, Packets], ...]
    """In the order of sending, with the seconds at which they are shown."""

    media: str = "video"

    def without(self, packets: Collection[tuple[int, int]]) -> Stream:
        """Some get lost, by the numbers of picture and packet; a negative number counts from the end."""
        pictures = [list(each) for _, each in self.pictures]
        for picture, packet in packets:
            pictures[picture][packet] = None
        times = [at for at, _ in self.pictures]
        return replace(
            self, pictures=tuple((at, tuple(each)) for at, each in zip(times, pictures, strict=True))
        )

    def part(self, first: int, last: int | None = None) -> Stream:
        """Some of the pictures."""
        return replace(self, pictures=self.pictures[first:last])


@dataclass(frozen=True)
class Jpeg:
    """The parts of a frame that travel; the client knows the rest."""

    width: int
    height: int
    tables: bytes
    scan: bytes

    @classmethod
    def of(cls, data: bytes) -> Jpeg:
        tables, position, size = b"", 2, (0, 0)
        while True:
            marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
            body = data[position + 4 : position + 2 + length]
            if marker == _TABLES:
                tables += body[1:]
            elif marker == _SIZE:
                assert body[7] == _QUARTER_COLOUR
                size = struct.unpack(">HH", body[1:5])
            position += 2 + length
            if marker == _SCAN:
                return cls(size[1], size[0], tables, data[position : data.rindex(b"\xff\xd9")])

    def packets(self) -> Iterator[bytes]:
        """Payloads."""
        for offset in range(0, len(self.scan), _PAYLOAD):
            head = offset.to_bytes(4, "big") + bytes([1, _OWN_TABLES, self.width // 8, self.height // 8])
            if offset == 0:
                head += struct.pack(">BBH", 0, 0, len(self.tables)) + self.tables
            yield head + self.scan[offset : offset + _PAYLOAD]


def frames_of(clip: bytes) -> list[bytes]:
    """The JPEG frames of an AVI file."""
    found, at = [], clip.index(b"movi")
    while (at := clip.find(_FRAME, at)) >= 0 and clip[at + 8 : at + 10] == _START:
        length = int.from_bytes(clip[at + 4 : at + 8], "little")
        found.append(clip[at + 8 : at + 8 + length])
        at += 8 + length
    return found


def of_jpeg(clip: bytes, rate: float) -> Stream:
    """The stream of an AVI file, of so many frames a second."""
    frames = [Jpeg.of(frame).packets() for frame in frames_of(clip)]
    lines = (f"a=framerate:{rate}",)
    pictures = ((number / rate, tuple(each)) for number, each in enumerate(frames))
    return Stream(_JPEG, lines, tuple(pictures))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    streams: tuple[Stream, ...]
    login: str
    clients: Iterator[int]


class _Session(socketserver.StreamRequestHandler):
    server: _Server
    stream: Stream

    def handle(self) -> None:
        try:
            while self._answer():
                pass
        except OSError:
            pass  # the client has gone

    def _answer(self) -> bool:
        """One request; false once there is none any more, or the clip is over."""
        method, address, _ = (self.rfile.readline().decode().split() + [""] * 3)[:3]
        fields = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if not method:
            return False
        extra, body = self._reply(method, address, fields)
        is_allowed = self._is_allowed(fields)
        if not is_allowed:
            extra, body = ['WWW-Authenticate: Basic realm="clips"'], ""
        head = [
            f"RTSP/1.0 {'200 OK' if is_allowed else '401 Unauthorized'}",
            f"CSeq: {fields['cseq']}",
            *extra,
            f"Content-Length: {len(body)}",
        ]
        self.wfile.write(("\r\n".join(head) + "\r\n\r\n" + body).encode())
        if method == "PLAY" and is_allowed:
            self._play()
        return method not in ("PLAY", "TEARDOWN")

    def _is_allowed(self, fields: dict[str, str]) -> bool:
        login = self.server.login
        return (
            not login or fields.get("authorization") == "Basic " + base64.b64encode(login.encode()).decode()
        )

    def _reply(self, method: str, address: str, fields: dict[str, str]) -> tuple[list[str], str]:
        if method == "DESCRIBE":
            # By the number of the client that gets so far.
            streams = self.server.streams
            self.stream = streams[min(next(self.server.clients), len(streams) - 1)]
            lines = [
                *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=clip", "t=0 0"),
                f"m={self.stream.media} 0 RTP/AVP {self.stream.payload}",
                *self.stream.lines,
                "a=control:0",
            ]
            return (
                ["Content-Type: application/sdp", f"Content-Base: {address}/"],
                "".join(f"{line}\r\n" for line in lines),
            )
        if method == "SETUP":
            return [f"Transport: {fields['transport']}", "Session: 1"], ""
        return ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", "Session: 1"], ""

    def _play(self) -> None:
        pictures = self.stream.pictures
        first, *_ = times = sorted(at for at, _ in pictures)
        started, number = time.monotonic(), 0
        for due, (at, packets) in zip(times, pictures, strict=True):
            time.sleep(max(0.0, started + due - first - time.monotonic()))
            for order, payload in enumerate(packets, 1):
                if payload is not None:
                    self._send(number, round(at * _CLOCK), payload, last=order == len(packets))
                number += 1

    def _send(self, number: int, stamp: int, payload: bytes, *, last: bool) -> None:
        marked = self.stream.payload | last << 7
        packet = struct.pack(">BBHII", 0x80, marked, number & 0xFFFF, stamp, 1) + payload
        self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)


@contextmanager
def playing(*streams: Stream, login: str = "") -> Iterator[str]:
    """Where the first stream is played to the first client, and so on, and the last one to all others.

    With a `login` of name and password, to those who have it only.
    """
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.streams, server.login, server.clients = streams, login, count()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"rtsp://127.0.0.1:{server.server_address[1]}/clip"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def streaming(clip: bytes, rate: float) -> Iterator[str]:
    """Where the clip, an AVI file of so many frames a second, is played to whoever asks."""
    with playing(of_jpeg(clip, rate)) as address:
        yield address
