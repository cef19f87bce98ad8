"""A command in a terminal of its own, as a person sees it and types into it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select

PROGRAM = ("-m", "blindwatch.cli.main")
SECONDS = 60.0
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CUT = re.compile(r"\x1b(\[[0-9;?]*)?$")
_ASIDE = re.compile(r"\x1b\[\?1049h.*?\x1b\[\?1049l", re.DOTALL)


class Terminal:
    """What the screen has shown since it was last asked about, and the process behind it."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self.process = process
        self._pending = ""
        self._raw = ""
        self._plain = 0

    @property
    def shown(self) -> str:
        """All that the screen has shown."""
        return _CONTROL.sub("", self._raw)

    @property
    def left(self) -> str:
        """What can still be scrolled back to: not what was on a screen of its own, which is gone with it."""
        return _CONTROL.sub("", _ASIDE.sub("", self._raw))

    def expect(self, text: str) -> str:
        """Wait until the screen shows a text; everything up to it."""
        deadline = time.monotonic() + SECONDS
        while (end := self._pending.find(text)) < 0:
            assert time.monotonic() < deadline, self._pending
            self._read()
        found, self._pending = self._pending[: end + len(text)], self._pending[end + len(text) :]
        return found

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._descriptor, f"{text}\n".encode())

    def type_hidden(self, text: str) -> None:
        """Type a line once the screen does not show what is typed: what came before is thrown away."""
        deadline = time.monotonic() + SECONDS
        while termios.tcgetattr(self._descriptor)[3] & termios.ECHO:
            assert time.monotonic() < deadline, "what is typed would be shown"
            time.sleep(0.02)
        self.type(text)

    def end(self) -> int:
        """Read to the end; the exit code."""
        with suppress(OSError):
            while self.process.poll() is None or self._ready():
                self._read()
        return self.process.wait(SECONDS)

    def _ready(self) -> bool:
        return bool(select([self._descriptor], [], [], 0.1)[0])

    def _read(self) -> None:
        if self._ready():
            self._raw += os.read(self._descriptor, 65536).decode("utf-8", "replace")
            cut = _CUT.search(self._raw)
            end = cut.start() if cut else len(self._raw)
            self._pending += _CONTROL.sub("", self._raw[self._plain : end])
            self._plain = end


@contextmanager
def terminal(*arguments: str | Path, program: tuple[str | Path, ...] = PROGRAM) -> Iterator[Terminal]:
    """Run `blindwatch`, or another Python program, with these arguments in a wide terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (80, 200))
    command = [sys.executable, *map(str, (*program, *arguments))]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
