"""A small RTSP server (RFC 2326) that plays a clip once to each client, as JPEG over RTP (RFC 2435).

Packets travel within the connection. There is no such server to be had as a package, and to write one is little work:
what reads it is FFmpeg, and the test is whether the same pictures arrive.
"""

from __future__ import annotations

import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PAYLOAD = 1200
_CLOCK = 90_000
_OWN_TABLES = 255
_FRAME = b"00dc"
_START, _TABLES, _SCAN, _SIZE = b"\xff\xd8", 0xDB, 0xDA, 0xC0
_QUARTER_COLOUR = 0x22
"""Colours of every second column and row: what OpenCV writes, and type 1 of the payload."""


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

    def packets(self) -> Iterator[tuple[bytes, bool]]:
        """Payloads, and whether each is the last of the frame."""
        for offset in range(0, len(self.scan), _PAYLOAD):
            head = offset.to_bytes(4, "big") + bytes([1, _OWN_TABLES, self.width // 8, self.height // 8])
            if offset == 0:
                head += struct.pack(">BBH", 0, 0, len(self.tables)) + self.tables
            yield head + self.scan[offset : offset + _PAYLOAD], offset + _PAYLOAD >= len(self.scan)


def frames_of(clip: bytes) -> list[bytes]:
    """The JPEG frames of an AVI file."""
    found, at = [], clip.index(b"movi")
    while (at := clip.find(_FRAME, at)) >= 0 and clip[at + 8 : at + 10] == _START:
        length = int.from_bytes(clip[at + 4 : at + 8], "little")
        found.append(clip[at + 8 : at + 8 + length])
        at += 8 + length
    return found


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    clip: list[Jpeg]
    rate: float


class _Session(socketserver.StreamRequestHandler):
    server: _Server

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
        head = ["RTSP/1.0 200 OK", f"CSeq: {fields['cseq']}", *extra, f"Content-Length: {len(body)}"]
        self.wfile.write(("\r\n".join(head) + "\r\n\r\n" + body).encode())
        if method == "PLAY":
            self._play()
        return method not in ("PLAY", "TEARDOWN")

    def _reply(self, method: str, address: str, fields: dict[str, str]) -> tuple[list[str], str]:
        if method == "DESCRIBE":
            return (
                ["Content-Type: application/sdp", f"Content-Base: {address}/"],
                f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=clip\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\n"
                f"a=framerate:{self.server.rate}\r\na=control:0\r\n",
            )
        if method == "SETUP":
            return [f"Transport: {fields['transport']}", "Session: 1"], ""
        return ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", "Session: 1"], ""

    def _play(self) -> None:
        started, sequence = time.monotonic(), 0
        for number, frame in enumerate(self.server.clip):
            time.sleep(max(0.0, started + number / self.server.rate - time.monotonic()))
            stamp = round(number * _CLOCK / self.server.rate)
            for payload, last in frame.packets():
                packet = struct.pack(">BBHII", 0x80, 26 | last << 7, sequence & 0xFFFF, stamp, 1) + payload
                self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                sequence += 1


@contextmanager
def streaming(clip: bytes, rate: float) -> Iterator[str]:
    """Where the clip, of so many frames a second, is played to whoever asks."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.clip, server.rate = [Jpeg.of(frame) for frame in frames_of(clip)], rate
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"rtsp://127.0.0.1:{server.server_address[1]}/clip"
        finally:
            server.shutdown()
            thread.join()
