"""Real receivers on loopback: a web server for webhooks, and mosquitto with somebody who listens to it."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ..serving import eventually

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="needs mosquitto, the MQTT broker")


@dataclass(frozen=True)
class Post:
    """A request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A web server that keeps what is sent to it, and answers as it is told: the last answer again and again."""

    address: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    posts: list[Post] = field(default_factory=list)

    def answer(self) -> int:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiving(*answers: int, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver at a port of its own."""
    receiver = Receiver()
    if answers:
        receiver.answers = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.posts.append(Post(self.path, headers, body))
            self.send_response(receiver.answer())
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        receiver.address = f"{scheme}://127.0.0.1:{server.server_port}/lfr"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Heard:
    """A message that a broker passed on."""

    topic: str
    payload: bytes
    qos: int
    retained: bool


@dataclass
class Mosquitto:
    """A broker process."""

    folder: Path
    options: tuple[str, ...] = ("allow_anonymous true",)
    port: int = 0

    def start(self) -> None:
        """Start it at the port that it had, or at one that was free a moment ago."""
        for _ in range(5):
            self.port = self.port or _free_port()
            config = self.folder / f"mosquitto-{secrets.token_hex(4)}.conf"
            lines = (f"listener {self.port} 127.0.0.1", f"user {getpass.getuser()}", "persistence false")
            config.write_text("\n".join((*lines, *self.options)) + "\n")
            self._process = subprocess.Popen(
                [str(MOSQUITTO), "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            eventually(lambda: self._process.poll() is not None or self._listens())
            if self._process.poll() is None:
                return
            self.port = 0
        raise AssertionError("mosquitto does not start")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    @cached_property
    def heard(self) -> list[Heard]:
        return []

    @contextmanager
    def listening(self) -> Iterator[list[Heard]]:
        """Everything that is published while somebody listens."""
        ready = threading.Event()
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)

        def subscribe(*_: object) -> None:
            client.subscribe("#", 1)

        client.on_connect = subscribe
        client.on_subscribe = lambda *_: ready.set()
        client.on_message = lambda _client, _data, each: self.heard.append(
            Heard(each.topic, bytes(each.payload), each.qos, each.retain)
        )
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        assert ready.wait(15)
        try:
            yield self.heard
        finally:
            client.disconnect()
            client.loop_stop()
            client.on_connect = client.on_subscribe = client.on_message = (
                None  # so that its sockets are closed now
            )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def broker(folder: Path, *options: str) -> Iterator[Mosquitto]:
    """A broker that lets everybody in, or has other options."""
    made = Mosquitto(folder, options or ("allow_anonymous true",))
    made.start()
    try:
        yield made
    finally:
        made.stop()
