"""Pages of rooms: in this process, or in one of their own."""

from __future__ import annotations

import io
import secrets
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from blindwatch.console.rooms.room import Room
from blindwatch.console.rooms.serving import Made, RoomHost
from blindwatch.operator.journal import Journal

from ..client.stations import OPERATOR
from ..serving import eventually

R = TypeVar("R", bound=Room)


@dataclass(frozen=True)
class Opened(Generic[R]):
    """A page that runs in this process."""

    room: R
    host: RoomHost
    journal: Journal

    @property
    def address(self) -> str:
        return self.host.address

    def link(self, operator: str = OPERATOR) -> str:
        return self.host.link(operator)

    @property
    def kinds(self) -> list[str]:
        return [each.kind for each in self.journal.records()]


@contextmanager
def page_of(room: R, made: Made, journal: Journal, folder: Path) -> Iterator[Opened[R]]:
    """The page of a room, in this process."""
    ready = folder / f"ready-{secrets.token_hex(4)}"
    host = RoomHost(room, made, ("d.silva",), 0)
    thread = threading.Thread(target=host.run, args=(ready,))
    with redirect_stdout(io.StringIO()):
        thread.start()
        eventually(ready.exists)
    try:
        yield Opened(room, host, journal)
    finally:
        host.close()
        thread.join(30)


@contextmanager
def running(command: Sequence[Any], folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A program that writes `ready` into the folder, and the link that it prints."""
    said = folder / "said"
    with said.open("wb") as out, ExitStack() as stack:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        stack.callback(process.wait, 60)
        stack.callback(process.terminate)
        eventually(lambda: (folder / "ready").exists() or process.poll() is not None, 120)
        text = said.read_text()
        assert process.poll() is None, text
        yield process, text.split(f"{OPERATOR}: ")[1].split()[0]
