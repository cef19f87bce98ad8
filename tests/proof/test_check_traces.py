"""Of the photograph of a check nothing is left: not in memory when it is sent, and never on the disk.

Real processes, real ciphertexts and a real server, whose workers stand still while the memory of the operator's
program is searched: what is not found then is gone before there is an answer. A leaking program is searched as well.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from blindwatch.demo.photographs import alter
from blindwatch.he.presets import preset
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import SIDE
from blindwatch.vision.portrait import encoded as jpeg
from blindwatch.vision.registry import Registry

from ..client.photographs import encoded, small
from ..client.running import SIMILARITY
from ..client.stations import Station, stationed
from ..serving import ServerProcess, eventually
from . import known, memory, writes
from .known import Sighting
from .search import Search, files, images
from .tap import LOOPBACK

PRESET: Final = preset("reveal-128")
LISTED: Final = (18, 31, 77)
_WAIT: Final = 90.0
_LEAK: Final = """
import sys
from pathlib import Path
from blindwatch.camera.camera import View
from blindwatch.cli.main import run
kept = []
def keep(view):
    kept.append(view)
    Path(sys.argv[1]).write_bytes(view.crop.tobytes())
View.wipe = keep
sys.exit(run(sys.argv[2:]))
"""
"""The operator's program, but that it does not overwrite the face, and writes it into a file."""


@dataclass
class Evidence:
    """What was found of the photograph, and where the program wrote."""

    station: Station
    search: Search
    while_given: set[str] = field(default_factory=set)
    while_sent: set[str] = field(default_factory=set)
    leaked: set[str] = field(default_factory=set)
    leaked_file: set[str] = field(default_factory=set)
    printed: list[bytes] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)
    calls: Path | None = None

    def look(self, process: subprocess.Popen[bytes]) -> set[str]:
        with memory.stopped([process.pid]):
            return self.search.chunks(memory.chunks(process.pid))


@contextmanager
def checking(words: list[str], photograph: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """The program, which is given the photograph, but not its end."""
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write(photograph)
        process.stdin.flush()
        yield process
        if process.poll() is None:
            process.kill()


def unread(process: subprocess.Popen[bytes]) -> int:
    """How many bytes of the photograph the program has not taken yet."""
    assert process.stdin is not None
    return int.from_bytes(fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)), sys.byteorder)


def send(evidence: Evidence, process: subprocess.Popen[bytes]) -> set[str]:
    """Let the program send the face, and look into its memory before there is an answer."""
    server = evidence.station.server
    server.pause()
    try:
        assert process.stdin is not None
        process.stdin.close()
        eventually(lambda: server.client("operator").health().queued > 0, _WAIT)
        found = evidence.look(process)
    finally:
        server.resume()
    assert process.stdout is not None
    evidence.printed.append(process.stdout.read())
    assert process.wait(_WAIT) == 0
    return found


def trace(evidence: Evidence, photograph: bytes, folder: Path) -> None:
    """Check somebody among empty folders, and note the calls."""
    places = {name: folder / name for name in ("here", "home", "temporary")}
    for place in places.values():
        place.mkdir()
    traced = writes.traced(folder / "calls") if writes.can_trace() else []
    evidence.calls = folder / "calls" if traced else None
    done = subprocess.run(
        [*traced, *evidence.station.words()],
        input=photograph,
        cwd=places["here"],
        env={
            **os.environ,
            "HOME": str(places["home"]),
            "TMPDIR": str(places["temporary"]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        timeout=2 * _WAIT,
        check=True,
    )
    evidence.printed.append(done.stdout)
    evidence.left = [each for place in places.values() for each in files(place)]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    if not memory.can_read(os.getpid()):
        pytest.skip("this system does not let us read the memory of processes")
    photograph = encoded(alter(small(LISTED[0])), ".jpg")
    faces = FacePipeline.named(Registry.load()).faces(photograph)
    common = jpeg(np.zeros((SIDE, SIDE, 3), np.uint8)).tobytes()  # tables that every JPEG has
    made = known.of_sighting(Sighting("the person", photograph, faces), PRESET)
    search = Search([each for each in made if each.data not in common])
    listed = [encoded(small(number)) for number in LISTED]
    with ExitStack() as stack:
        server = ServerProcess(tmp_path_factory.mktemp("server"), stack)
        folder = tmp_path_factory.mktemp("station")
        station = stationed(folder, server, listed, PRESET.name, SIMILARITY).opened()
        evidence = Evidence(station, search)
        with checking(station.words(), photograph) as process:
            eventually(lambda: unread(process) == 0, _WAIT)
            evidence.while_given = evidence.look(process)
            evidence.while_sent = send(evidence, process)
        trace(evidence, photograph, tmp_path_factory.mktemp("traced"))
        leak = tmp_path_factory.mktemp("leak") / "face"
        with checking([sys.executable, "-c", _LEAK, str(leak), *station.words()[3:]], photograph) as process:
            evidence.leaked = send(evidence, process)
        evidence.leaked_file = search.folder(leak.parent)
        yield evidence


def test_while_it_is_given_the_photograph_is_in_memory(evidence: Evidence) -> None:
    # Without this, finding nothing afterwards would mean nothing.
    assert any(what.startswith("photograph of the person") for what in evidence.while_given)


def test_once_it_is_sent_nothing_of_it_is_left_in_memory(evidence: Evidence) -> None:
    assert evidence.while_sent == set()


def test_a_program_that_keeps_the_face_is_found_out(evidence: Evidence) -> None:
    assert {"crop", "embedding"} <= {what.split(" of ")[0] for what in evidence.leaked}
    assert any(what.startswith("crop of the person") for what in evidence.leaked_file)


def test_the_checks_were_real_ones(evidence: Evidence) -> None:
    assert len(evidence.printed) == 3
    assert all(b"Match." in each for each in evidence.printed)


def test_nothing_of_it_is_on_the_disk(evidence: Evidence) -> None:
    assert evidence.left == []
    for folder in (evidence.station.folder, evidence.station.server.folder):
        assert evidence.search.folder(folder) == set()
    assert [each for each in files(evidence.station.journal) if images(each.read_bytes())] == []


def test_the_program_writes_to_the_journal_and_talks_to_the_server_alone(evidence: Evidence) -> None:
    if evidence.calls is None:
        pytest.skip("strace is not there, or may not trace")
    journal = str(evidence.station.journal)
    assert [each for each in writes.written(evidence.calls) if journal not in each] == []
    port = int(evidence.station.server.address.rsplit(":", 1)[1])
    assert writes.addressed(evidence.calls) == {(LOOPBACK, port)}
