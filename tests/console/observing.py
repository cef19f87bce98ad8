"""What a server can see of an operator: every request, its size, and how long the operator thought before it."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from urllib.parse import urlsplit

import numpy as np
from scipy.stats import mannwhitneyu

CHANCE = 1e-6
"""How often a comparison may find a difference of times where there is none."""
_ID = re.compile(rb"[0-9a-f]{32}")
_LINE = re.compile(rb"(\S+) (\S+) HTTP/1\.1\r\n")


@dataclass(frozen=True)
class Seen:
    """One request: method and path without what names the probe, bytes, and seconds since the answer before it."""

    line: str
    size: int
    thought: float

    @property
    def shape(self) -> tuple[str, int]:
        return self.line, self.size


@dataclass
class Watcher:
    """Sits between an operator and a server, in the place of the server."""

    target: tuple[str, int]
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._ends.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                thread = threading.Thread(target=self._pass_on, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, client: socket.socket) -> None:
        """Pass a connection on; a request begins with the first bytes after an answer."""
        with (
            client,
            socket.create_connection(self.target) as server,
            DefaultSelector() as both,
            suppress(OSError),
        ):
            for each in (client, server):
                both.register(each, EVENT_READ)
            request, began, answered = bytearray(), 0.0, time.perf_counter()
            is_noted = False
            while not self._ends.is_set():
                for key, _ in both.select(0.1):
                    ready = client if key.fileobj is client else server
                    data = ready.recv(2**16)
                    now = time.perf_counter()
                    if not data:
                        return
                    if ready is client:
                        began = began if request else now
                        request += data
                        is_noted = request.endswith(b"\r\n\r\n")
                        if is_noted:  # without waiting for an answer, which may be a long time coming
                            self._note(bytes(request), began - answered)
                        server.sendall(data)
                        continue
                    if request and not is_noted:
                        self._note(bytes(request), began - answered)
                    request.clear()
                    client.sendall(data)
                    answered = time.perf_counter()

    def _note(self, request: bytes, thought: float) -> None:
        found = _LINE.match(request)
        assert found is not None
        line = b" ".join(found.groups())
        self.seen.append(Seen(_ID.sub(b"PROBE", line).decode(), len(request), thought))


@contextmanager
def watching(address: str) -> Iterator[Watcher]:
    """A watcher before a server."""
    parts = urlsplit(address)
    watcher = Watcher((str(parts.hostname), int(parts.port or 80)))
    try:
        yield watcher
    finally:
        watcher.close()


def differences(some: Sequence[Sequence[Seen]], others: Sequence[Sequence[Seen]]) -> set[str]:
    """What tells two kinds of results apart, by the requests that followed each of them.

    Requests, their order and their sizes have to be the same every time. Times are compared by rank, request by
    request, so that it does not matter how busy the machine was, as long as it was so for both.
    """
    shapes = [{tuple(each.shape for each in row) for row in rows} for rows in (some, others)]
    if shapes[0] != shapes[1] or len(shapes[0]) != 1:
        return {"requests"}
    times = [np.array([[each.thought for each in row] for row in rows]) for rows in (some, others)]
    found = mannwhitneyu(*times, axis=0, method="asymptotic").pvalue
    return {
        f"time before {each.line.split()[0]}"
        for each, chance in zip(some[0], found, strict=True)
        if chance * len(found) < CHANCE
    }
