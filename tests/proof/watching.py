"""A camera as a process of its own before a clip, with a server that can fall silent in the middle."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import memory, writes
from .deployment import Deployment, Server
from .search import files
from .tap import Traffic

PROBE: Final = 50_000
"""Bytes of a probe, at least."""
WAIT: Final = 90.0
_SAMPLE_SECONDS: Final = 0.5
_RESIDENT: Final = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


@contextmanager
def watching(
    deployment: Deployment, server: Server, clip: Path, *before: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The camera before a clip, among empty folders."""
    places = {name: deployment.camera_folder / name for name in ("here", "home", "temporary")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(places["home"]),
        "TMPDIR": str(places["temporary"]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    given = {
        "keys": deployment.keys / "encryption.key",
        "identity": deployment.identity,
        "register": deployment.register,
        "manifest": deployment.manifest,
        "server": server.taps["camera"].address,
        "source": clip,
    }
    words = [sys.executable, "-m", "blindwatch.cli.main", "camera", "run", "--json"]
    with subprocess.Popen(
        [*before, *words, *(f"--{name}={value}" for name, value in given.items())],
        cwd=places["here"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        yield process
        if process.poll() is None:
            process.terminate()


def wait_for_probe(traffic: Traffic) -> None:
    """Wait until a ciphertext more has gone to the server."""
    before, deadline = sum(map(len, traffic.sent)), time.monotonic() + WAIT
    while sum(map(len, traffic.sent)) < before + PROBE:
        assert time.monotonic() < deadline, "nothing was sent"
        time.sleep(0.05)


def last(printed: bytes) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return numbers


@dataclass(frozen=True)
class Cut:
    """What a camera did while nothing answered it, up to the end of its clip."""

    seconds: float
    resident: Sequence[int]
    """Bytes of its memory, by the kernel's count, twice a second."""
    printed: bytes
    left: Sequence[Path]
    """Files in the folders that are its own."""
    written: set[str] | None
    """Files that it wrote or made anywhere, by its system calls; none where they cannot be traced."""
    addressed: set[tuple[str, int]]

    @property
    def numbers(self) -> dict[str, Any]:
        """What it counted."""
        return last(self.printed.rsplit(b"The server has", 1)[0].rstrip())

    @property
    def grown(self) -> int:
        """Bytes by which its memory was larger in the second half of the time than in the first."""
        half = len(self.resident) // 2
        return max(self.resident[half:]) - max(self.resident[:half])


def cut_off(deployment: Deployment, server: Server, clip: Path, patience: float) -> Cut:
    """Run a camera over a clip; after its first probe nothing answers any more, and people still walk by."""
    traced = writes.traced(deployment.calls) if writes.can_trace() else []
    with watching(deployment, server, clip, *traced) as process:
        assert process.stdout is not None
        wait_for_probe(server.taps["camera"].traffic)
        camera = memory.children(process.pid)[0] if traced else process.pid
        began, resident = time.monotonic(), []
        with memory.stopped([server.pid]):
            while (size := _resident(camera)) is not None:
                assert time.monotonic() < began + patience, "the camera did not come to its end"
                resident.append(size)
                time.sleep(_SAMPLE_SECONDS)
            seconds = time.monotonic() - began
            printed, _ = process.communicate(timeout=WAIT)
    return Cut(
        seconds,
        resident,
        printed,
        files(deployment.camera_folder),
        writes.written(deployment.calls) if traced else None,
        writes.addressed(deployment.calls) if traced else set(),
    )


def _resident(pid: int) -> int | None:
    """Bytes of a process; none once it has ended."""
    try:
        found = _RESIDENT.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(found[1]) << 10 if found else None
