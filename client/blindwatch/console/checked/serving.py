"""Runs the page for checks of one person: at an address of loopback, with time passing beside it."""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from starlette.types import ASGIApp

from blindwatch.console.checked.pages import Parts, application
from blindwatch.console.checked.room import Room
from blindwatch.console.duty import TICK_SECONDS
from blindwatch.console.serving import COLLECT_SECONDS, Host, repeat
from blindwatch.errors import LogError


class Checking(Host):
    """The page of one operator."""

    def __init__(self, room: Room, officers: tuple[str, ...], port: int) -> None:
        """Take the port, or a free one if it is 0; raises ConfigurationError."""
        self._room = room
        self._officers = officers
        super().__init__((room.operator,), port, Checking._application)

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

    def _application(self, hosts: frozenset[str]) -> ASGIApp:
        ends = (self.close, self.is_closing)
        return application(Parts(self._room, self.sessions, self._officers, *ends), hosts)
