"""A forwarder between a client and a server that keeps what the client sends, and can break off."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REQUEST = re.compile(rb"(GET|PUT|POST|DELETE) (\S+) HTTP/1\.1\r\n")


@dataclass
class Forwarder:
    """Listens on a port of its own."""

    target: tuple[str, int]
    breaks_at: bytes | None = None
    """Forward nothing any more once the client has sent this."""
    sent: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def requests(self) -> list[str]:
        """Method and path of every request, in order."""
        return [f"{method.decode()} {path.decode()}" for method, path in REQUEST.findall(bytes(self.sent))]

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._open:
            _end(each)
        for thread in self._threads:
            thread.join(5)
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self.target)
                self._open += [client, server]
                for work in ((client, server, True), (server, client, False)):
                    thread = threading.Thread(target=self._forward, args=work)
                    self._threads.append(thread)
                    thread.start()

    def _forward(self, source: socket.socket, sink: socket.socket, outwards: bool) -> None:
        with suppress(OSError):
            while data := source.recv(2**16):
                if outwards:
                    self.sent += data
                    if self.breaks_at is not None and self.breaks_at in self.sent:
                        break
                sink.sendall(data)
        _end(source)
        _end(sink)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarding(address: str, breaks_at: bytes | None = None) -> Iterator[Forwarder]:
    """A forwarder to a server's address."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    forwarder = Forwarder((parts.hostname, parts.port), breaks_at)
    try:
        yield forwarder
    finally:
        forwarder.close()
