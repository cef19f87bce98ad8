"""Runs the page of a room: at an address of loopback, with time passing beside it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from starlette.types import ASGIApp

from blindwatch.console.duty import TICK_SECONDS
from blindwatch.console.rooms.pages import Parts
from blindwatch.console.rooms.room import Room
from blindwatch.console.serving import COLLECT_SECONDS, Host, repeat
from blindwatch.errors import LogError
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.register import PersonRole, Register
from blindwatch.wire.serving import hush

Made = Callable[[Parts[Any], frozenset[str]], ASGIApp]
"""What makes the application of a room, reached under these names and ports."""


class RoomHost(Host):
    """The page of whoever may use a room."""

    def __init__(self, room: Room, made: Made, officers: tuple[str, ...], port: int) -> None:
        """Take the port, or a free one if it is 0; raises ConfigurationError."""
        self._room = room

        def application(own: RoomHost, hosts: frozenset[str]) -> ASGIApp:
            return made(Parts(room, own.sessions, officers, own.close, own.is_closing), hosts)

        super().__init__(room.operators, port, application)

    def run(self, ready: Path | None) -> None:
        """Serve the page until it is closed."""
        closed = Event()
        for task in ((self._tick, TICK_SECONDS, closed), (gc.collect, COLLECT_SECONDS, closed)):
            Thread(target=repeat, args=task, daemon=True).start()
        try:
            self.serve(ready)
        finally:
            closed.set()
            self._room.end()

    def _tick(self) -> None:
        with suppress(LogError):  # that the key is gone is written down when the journal is opened next
            self._room.tick()


def serve(
    room: Room, made: Made, approved: Envelope, register: Register, port: int, ready: Path | None
) -> None:
    """Serve the page of a room until somebody ends it; nothing is held then. `approved` is the manifest."""
    hush()
    try:
        officers = register.signers(approved).of_role(PersonRole.AUTHORISING_OFFICER)
        RoomHost(room, made, tuple(sorted(officers)), port).run(ready)
    finally:
        room.end()
