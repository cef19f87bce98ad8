"""A camera before people who walk past at a set rate: the real one for videos, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

import numpy as np

from blindwatch.bench.crowd import TILE, Walker
from blindwatch.camera import identity as identities
from blindwatch.camera.camera import Camera, Sent, View
from blindwatch.camera.frames import Frame
from blindwatch.camera.live import Watch
from blindwatch.camera.mandate import Mandate
from blindwatch.camera.sending import SEND_SECONDS
from blindwatch.camera.watching import Watcher
from blindwatch.cli import files
from blindwatch.errors import Problem
from blindwatch.he.keys import EncryptionKey
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.register import Register
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import Probe, now

FRAMES_A_SECOND: Final = 4
COLUMNS: Final = 4
ROWS: Final = 2
CELL: Final = 200
"""Pixels from one person to the next: so far that nobody is taken for somebody else who was there before."""
LEAD_SECONDS: Final = 3.0
"""Before the first one of the crowd; meanwhile somebody walks past whom nobody counts, so that all is warm."""
STAY_SECONDS: Final = 1.0
_END_SECONDS: Final = 2.0
_GREY: Final = 96


@dataclass(frozen=True)
class Place:
    """The files of a camera, and where its server is."""

    key: Path
    identity: Path
    manifest: Path
    register: Path
    server: str


@dataclass(frozen=True)
class Noted:
    """One probe, the embedding in it, and whether the server is known to have taken it."""

    probe_id: str
    embedding: Embedding
    is_taken: bool


@dataclass(frozen=True)
class Walked:
    """What came of a walk. Times are of the monotonic clock, which all processes share."""

    handed: Sequence[float]
    """When the first picture of each walker was handed to the camera."""
    probes: Sequence[Noted]
    """Those that were sent."""


class Parade:
    """Pictures in which people stand for a second, each at another place, as a stream that waits for nobody."""

    waits = False
    damaged = losses = 0
    is_lost = False

    def __init__(self, walkers: Sequence[Walker], rate: float) -> None:
        """The first walker comes at once, the others from `LEAD_SECONDS` on, `rate` of them a second."""
        self._walkers = walkers
        self._begins = [0.0, *(LEAD_SECONDS + number / rate for number in range(len(walkers) - 1))]
        self._started = 0.0
        self._frame = 0
        self._closing = Event()
        self.handed: list[float] = []

    def read(self) -> Frame | None:
        """The next picture, when it is time for it."""
        at = self._frame / FRAMES_A_SECOND
        self._frame += 1
        if at > self._begins[-1] + STAY_SECONDS + _END_SECONDS:
            return None
        picture = np.full((ROWS * CELL, COLUMNS * CELL, 3), _GREY, np.uint8)
        present = [
            number for number, begins in enumerate(self._begins) if begins <= at < begins + STAY_SECONDS
        ]
        for number in present:
            row, column = divmod(number % (ROWS * COLUMNS), COLUMNS)
            area = slice(row * CELL, row * CELL + TILE), slice(column * CELL, column * CELL + TILE)
            picture[area] = self._walkers[number].tile
        self._started = self._started or time.monotonic()
        self._closing.wait(max(0.0, self._started + at - time.monotonic()))
        taken = time.monotonic()
        self.handed += [taken] * (max(present, default=-1) + 1 - len(self.handed))
        return None if self._closing.is_set() else Frame(picture, at, taken, now())

    def close(self) -> None:
        """Show nothing more."""
        self._closing.set()


@dataclass
class _Noting(Camera):
    """The camera, which notes what no camera may: who was in which probe."""

    probes: list[Noted] = field(default_factory=list)

    def send(
        self, face: View, captured_at: str, on_wiped: Callable[[], None] = lambda: None
    ) -> Sent | Problem:
        """Send a face, and keep its embedding."""
        self._embedding = face.embedding.copy()
        return super().send(face, captured_at, on_wiped)

    def _post(self, probe: Probe) -> Problem | None:
        problem = super()._post(probe)
        self.probes.append(Noted(probe.probe_id, self._embedding, problem is None))
        return problem


def walk(place: Place, walkers: Sequence[Walker], rate: float) -> Walked:
    """Have everybody walk past, `rate` of them a second, and send what is seen."""
    signing = identities.load(place.identity)
    approved = Envelope.from_json(files.read(place.manifest, "deployment's manifest"))
    mandate = Mandate.verified(approved, Register.load(place.register), signing.public_key())
    key = EncryptionKey.from_bytes(files.read(place.key, "encryption key"))
    pipeline, parade = FacePipeline.named(Registry.load()), Parade(walkers, rate)
    with ServerClient(place.server, Signing(signing), timeout=SEND_SECONDS) as client:
        camera = _Noting(mandate, key, pipeline, client)
        camera.check_deployment()
        Watch(camera, parade, Watcher(pipeline)).run(Event(), lambda _status: None)
    return Walked(parade.handed, camera.probes)
