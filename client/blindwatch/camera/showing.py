"""What the person at the camera sees of it: one line while it runs, and numbers in the end."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from blindwatch.camera.live import Status
from blindwatch.errors import Problem
from blindwatch.records.record import minute

_REFRESH_SECONDS: Final = 0.5
_RATE_SECONDS: Final = 60.0


class Line:
    """One line that says how it goes now."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._past: deque[tuple[float, Status]] = deque()

    def text(self, status: Status, now: float) -> Text:
        """The line at this time of the monotonic clock."""
        while self._past and now - self._past[0][0] > _RATE_SECONDS:
            self._past.popleft()
        self._past.append((now, status))
        since, before = self._past[0]
        elapsed = max(now - since, _REFRESH_SECONDS)
        frames = (status.frames - before.frames) / elapsed
        faces = status.seen.faces - before.seen.faces
        damaged = status.damaged - before.damaged
        line = Text(f"{self._camera}  {frames:.1f} frames/s  ")
        if status.is_lost:
            line.append("source: lost  ", "bold red")
        if damaged:
            line.append(f"{damaged} damaged in the last minute  ", "yellow")
        line.append(f"{faces} faces in the last minute  ")
        line.append(f"{status.sent} sent  {status.seen.dropped} dropped  ")
        return line.append(*_server(status))


def _server(status: Status) -> tuple[str, str]:
    """The state of the server, and the style of it."""
    if status.problem is None:
        return ("server: answers" if status.sent else "server: ready"), "green"
    away = status.problem is Problem.SERVER_UNAVAILABLE
    return f"server: {'cannot be reached' if away else status.problem.title.lower()}", "bold red"


class Display:
    """Shows the line on a terminal, or prints numbers by the minute for programs."""

    def __init__(self, camera: str, *, as_json: bool) -> None:
        self._line = Line(camera)
        self._as_json = as_json
        self._minute = minute()
        self._shown = 0.0
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While this lasts, the line is there."""
        if self._as_json or not self._live.console.is_terminal:
            yield
        else:
            with self._live:
                yield

    def show(self, status: Status) -> None:
        """What it is like now; called as often as one likes."""
        now = time.monotonic()
        if now - self._shown < _REFRESH_SECONDS:
            return
        self._shown = now
        if self._as_json:
            if (current := minute()) != self._minute:
                self._minute = current
                print_json(status)
        else:
            self._live.update(self._line.text(status, now), refresh=self._live.is_started)

    def finish(self, camera: str, status: Status) -> None:
        """Print the numbers of the whole run."""
        if self._as_json:
            print_json(status)
        else:
            Console().print(numbers(camera, _counts(status)))


def print_json(status: Status) -> None:
    """The numbers since the start, as one line of JSON."""
    content = {"at": minute(), **_counts(status)}
    print(json.dumps(content), flush=True)  # noqa: T201 - for programs, without any markup


def numbers(camera: str, counts: dict[str, int]) -> Table:
    """A table of numbers."""
    table = Table("Count", "Number", title=f"Camera {camera}")
    for name, number in counts.items():
        table.add_row(name, str(number))
    return table


def _counts(status: Status) -> dict[str, int]:
    return {
        "frames": status.frames,
        "missed": status.missed,
        "damaged": status.damaged,
        "losses": status.losses,
        **asdict(status.seen),
        "sent": status.sent,
        "longestMs": round(status.longest_ms),
    }
