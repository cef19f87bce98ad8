"""A proxy on loopback that passes everything on and keeps what went through."""

from __future__ import annotations

import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

LOOPBACK: Final = "127.0.0.1"
_PIECE: Final = 1 << 16


@dataclass
class Traffic:
    """The bytes of each connection, one entry for either direction."""

    sent: list[bytearray] = field(default_factory=list)
    received: list[bytearray] = field(default_factory=list)

    @property
    def streams(self) -> list[bytearray]:
        return self.sent + self.received


@dataclass
class Tap:
    """Where to connect to instead of the server, and what went through so far."""

    port: int
    traffic: Traffic

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


@contextmanager
def tap(server: str) -> Iterator[Tap]:
    """Listen for a server for as long as it is needed."""
    upstream = urlsplit(server)
    traffic = Traffic()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            traffic.sent.append(sent := bytearray())
            traffic.received.append(received := bytearray())
            with socket.create_connection((str(upstream.hostname), int(upstream.port or 80))) as onward:
                back = Thread(target=_pass, args=(onward, self.request, received))
                back.start()
                _pass(self.request, onward, sent)
                back.join()

    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Handler) as listener:
        serving = Thread(target=listener.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield Tap(listener.server_address[1], traffic)
        finally:
            listener.shutdown()
            serving.join()


def bodies(stream: bytearray, request: bytes) -> list[bytes]:
    """The bodies of the requests in a stream whose first line begins so."""
    found, at = [], 0
    while (head := stream.find(b"\r\n\r\n", at)) >= 0:
        lines = bytes(stream[at:head]).split(b"\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in lines[1:])
        at = head + 4 + int(fields.get(b"content-length", b"0"))
        if lines[0].startswith(request):
            found.append(bytes(stream[head + 4 : at]))
    return found


def _pass(source: socket.socket, target: socket.socket, record: bytearray) -> None:
    with suppress(OSError):  # either end may hang up
        while piece := source.recv(_PIECE):
            record += piece
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
