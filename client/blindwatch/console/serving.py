"""Runs the console: a socket on loopback, the threads around the duty, links at the terminal, and an end."""

from __future__ import annotations

import gc
import json
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

import typer
import uvicorn
from starlette.types import ASGIApp

from blindwatch.cli import files
from blindwatch.console.application import application
from blindwatch.console.duty import TICK_SECONDS, Duty
from blindwatch.console.feeding import Feed, Source, Told
from blindwatch.console.parts import Parts
from blindwatch.console.post import Post
from blindwatch.console.sessions import Sessions
from blindwatch.errors import BlindwatchError, ConfigurationError
from blindwatch.wire.client import ServerClient
from blindwatch.wire.serving import quiet

_LOOPBACK: Final = "127.0.0.1"
_CAMERA_SECONDS: Final = 5.0
_LAPSE_SECONDS: Final = 60.0
COLLECT_SECONDS: Final = 15.0
"""Requests that refer to themselves are only freed, and overwritten, when Python looks for such; seldom by itself."""


class Host:
    """A web application at a port of loopback, and links to it for the people who may use it."""

    def __init__(
        self, people: Sequence[str], port: int, made: Callable[[Self, frozenset[str]], ASGIApp]
    ) -> None:
        """Take the port, or a free one if it is 0; `made` is told the names it is reached under.

        Raises ConfigurationError.
        """
        self._listener = _listen(port)
        self.sessions = Sessions(people)
        self._authority = "{}:{}".format(*self._listener.getsockname())
        self._server = uvicorn.Server(quiet(made(self, frozenset({self._authority})), 1))

    def serve(self, ready: Path | None) -> None:
        """Serve pages until it is closed."""
        with self._listener:
            self._announce(ready)
            self._server.run(sockets=[self._listener])

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"http://{self._authority}"

    def link(self, operator: str) -> str:
        """A link with which an operator logs in once."""
        return f"{self.address}/login/{self.sessions.link(operator)}"

    def is_closing(self) -> bool:
        """Whether it is about to end."""
        return self._server.should_exit

    def close(self) -> None:
        """End it soon, from any thread."""
        self._server.should_exit = True

    def _announce(self, ready: Path | None) -> None:
        typer.echo("Open your link in a browser on this machine. Each works once.")
        self._links()
        if sys.stdin.isatty():
            typer.echo("Press Enter for new links.")
            Thread(target=self._on_enter, daemon=True).start()
        if ready is not None:
            content = json.dumps({"address": self.address, "pid": os.getpid()}).encode()
            files.replace_private(ready, content, "file that says that the console is there")

    def _links(self) -> None:
        for operator in self.sessions.operators:
            typer.echo(f"{operator}: {self.link(operator)}")

    def _on_enter(self) -> None:
        for _ in sys.stdin:
            self._links()


class Service(Host):
    """A console for a live deployment."""

    def __init__(self, post: Post, port: int) -> None:
        """Take the port, or a free one if it is 0; raises ConfigurationError."""
        self._post = post
        super().__init__(post.duty.assignment.operators, port, Service._application)

    def run(self, ready: Path | None) -> None:
        """Serve pages until the console is closed."""
        with _working(self._post.duty, self._post.source, self._post.at_once):
            self.serve(ready)

    def _application(self, hosts: frozenset[str]) -> ASGIApp:
        post = self._post
        ends = (self.close, self.is_closing)
        return application(Parts(post.duty, self.sessions, post.identity, post.at_once, *ends), hosts)


def _listen(port: int) -> socket.socket:
    """Listen at an address of loopback that nobody else has, where there are more than one.

    Browsers do not tell ports apart: whatever listens at the same address would be sent the cookie of the console.
    """
    own = ".".join(["127", *(str(1 + secrets.randbelow(254)) for _ in range(3))])
    with suppress(OSError):
        return socket.create_server((own, port), backlog=32)
    try:
        return socket.create_server((_LOOPBACK, port), backlog=32)
    except OSError as error:
        raise ConfigurationError(
            f"The console cannot listen at this port ({error.strerror}).", "Choose another with --port."
        ) from None


@contextmanager
def _working(duty: Duty, source: Source, server: ServerClient) -> Iterator[None]:
    """Have results fetched and opened, cameras watched and time passed, for as long as pages are served."""
    told = Told(duty.reached, duty.lost, duty.ended, duty.opened)
    feed, closed = Feed(source, told, duty.over), Event()
    tasks = (
        feed.fetch,
        feed.open,
        lambda: repeat(lambda: _watch(duty, server), _CAMERA_SECONDS, closed),
        lambda: repeat(duty.tick, TICK_SECONDS, closed),
        lambda: repeat(duty.lapse, _LAPSE_SECONDS, closed),
        lambda: repeat(gc.collect, COLLECT_SECONDS, closed),
    )
    for task in tasks:
        Thread(target=task, daemon=True).start()
    try:
        yield
    finally:
        closed.set()


def repeat(act: Callable[[], object], seconds: float, closed: Event) -> None:
    """Do something every so many seconds until the event is set."""
    while not closed.is_set():
        act()
        closed.wait(seconds)


def _watch(duty: Duty, server: ServerClient) -> None:
    """Ask when the server heard of the cameras; that it cannot be reached is noticed by whoever fetches."""
    try:
        duty.heard(server.cameras(duty.assignment.deployment))
    except BlindwatchError:
        return
