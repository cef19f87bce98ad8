"""A camera's work on the faces that it sees. What cannot be sent at once is dropped and counted, never kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Final

import numpy as np

from blindwatch.camera.counting import DROPPED, SENT, Counts
from blindwatch.camera.forgetting import scrub
from blindwatch.camera.mandate import Mandate
from blindwatch.camera.sealing import Sealer
from blindwatch.camera.zone import Zone
from blindwatch.errors import (
    AlreadyCounted,
    DeploymentNotReady,
    ImageError,
    LogError,
    NoFace,
    OutsideWindow,
    Problem,
    ServiceError,
    StatementMismatch,
)
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.image import Image, load
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import framed
from blindwatch.vision.quantise import templates
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import FacesSeen, Probe, now

PASSING: Final = (ServiceError, LogError)
"""What may be over by the next probe."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class View:
    """All that is in clear of one face."""

    crop: Image = field(repr=False)
    """As it is embedded."""
    portrait: Image = field(repr=False)
    """As people compare it."""
    embedding: Embedding = field(repr=False)

    def wipe(self) -> None:
        """Overwrite it."""
        for plain in (self.crop, self.portrait, self.embedding):
            plain.fill(0)


@dataclass(frozen=True)
class Sent:
    """One probe that the server took. Times are in milliseconds, the size in bytes."""

    probe_id: str
    encrypt_ms: float
    send_ms: float
    size: int


@dataclass
class Tally:
    """What a camera has done so far with photographs: numbers, and nothing about anybody."""

    images: int = 0
    faces: int = 0
    sent: int = 0
    dropped: int = 0
    unusable: int = 0
    """Images that could not be read or showed no face."""


@dataclass(frozen=True)
class Look:
    """What came of one image."""

    vision_ms: float
    sent: tuple[Sent, ...] = ()
    dropped: int = 0
    problem: Problem | None = None
    """Why the image gave nothing, or why the last probe was dropped."""


@dataclass
class Camera:
    """Turns faces into encrypted probes for one deployment. Not for several threads."""

    mandate: Mandate
    key: EncryptionKey
    pipeline: FacePipeline
    client: ServerClient
    clock: Callable[[], datetime] = _now
    zone: Zone | None = None
    tally: Tally = field(default_factory=Tally)
    new_name: Callable[[], str] = lambda: token_hex(16)
    """What the next probe is called, as 32 hexadecimal digits."""
    authorise: Callable[[Probe], Probe] = lambda probe: probe
    """What an operator adds to a probe before it is sent, where the profile asks for that."""

    def __post_init__(self) -> None:
        self.mandate.check_means(self.key, self.pipeline.model_digest)
        self.counts = Counts(self.clock)
        self._encryptor = Encryptor(self.key)
        self._sealer = Sealer(self.mandate.manifest, self.name)

    @property
    def name(self) -> str:
        """The name that the camera has in the manifest."""
        return self.mandate.camera

    def check_time(self) -> None:
        """Refuse to work before or after the window; raises OutsideWindow."""
        self.mandate.check_time(self.clock())

    def check_deployment(self) -> None:
        """Refuse a time outside the window, and a server that has another manifest or no list in force."""
        self.check_time()
        info = self.client.get_deployment(self.mandate.manifest.deployment)
        if info.manifest_digest != self.mandate.digest:
            raise StatementMismatch(
                "The server has another version of the manifest than the camera.",
                "Give the camera the one that was uploaded.",
            )
        if not info.ready:
            raise DeploymentNotReady(hint="Upload the watchlist first: blindwatch custodian upload")

    def look(self, image: Path | Image) -> Look:
        """Send every face of one image as a probe of its own; raises OutsideWindow before or after the window."""
        self.check_time()
        captured_at, started = now(), time.perf_counter()
        self.tally.images += 1
        try:
            faces = self._faces(image)
        except ImageError as error:
            self.tally.unusable += 1
            return Look(_since(started), problem=error.problem)
        vision_ms = _since(started)
        self.tally.faces += len(faces)
        sent: list[Sent] = []
        problem = None
        for face in faces:
            outcome = self.send(face, captured_at)
            if isinstance(outcome, Sent):
                sent.append(outcome)
                self.tally.sent += 1
            else:
                problem = outcome
                self.tally.dropped += 1
        return Look(vision_ms, tuple(sent), len(faces) - len(sent), problem)

    def send(
        self,
        face: View,
        captured_at: str,
        on_wiped: Callable[[], None] = lambda: None,
    ) -> Sent | Problem:
        """Encrypt and seal a face, forget all that is in clear of it, which is told of; then send and count it."""
        started, probe_id = time.perf_counter(), self.new_name()
        # What the network has freed: of what an encryption takes up for good, the unused rest would keep a piece.
        scrub(self.key.preset.dimension)
        template = templates(face.embedding[np.newaxis], self.key.preset)
        ciphertext = self._encryptor.probe(template)
        sealed = self._sealer.seal(face.portrait, probe_id)
        face.wipe()
        template.coarse.fill(0)
        template.fine.fill(0)
        scrub(self.key.preset.dimension)
        on_wiped()
        encrypt_ms, started = _since(started), time.perf_counter()
        probe = Probe(
            probe_id=probe_id,
            camera=self.name,
            preset=self.key.preset.name,
            key_id=self.key.key_id,
            model_digest=self.pipeline.model_digest,
            captured_at=captured_at,
            ciphertext=ciphertext,
            crop=sealed,
        )
        problem = self._post(self.authorise(probe))
        self.counts.add(SENT if problem is None else DROPPED)
        return problem or Sent(probe.probe_id, encrypt_ms, _since(started), len(ciphertext) + len(sealed))

    def report(self, *, everything: bool = False) -> Problem | None:
        """Tell the server of the minutes that are over, or of the current one as well; why it cannot be told now."""
        for which, seen in self.counts.waiting(everything=everything).items():
            told = FacesSeen(camera=self.name, faces=seen.faces, dropped=seen.dropped, unusable=seen.unusable)
            try:
                self.client.put_counts(self.mandate.manifest.deployment, which, told)
            except AlreadyCounted:
                self.counts.carry(which)
            except (*PASSING, OutsideWindow) as error:
                return error.problem
            else:
                self.counts.done(which)
        return None

    def _faces(self, source: Path | Image) -> list[View]:
        image = load(source)
        found = self.pipeline.detect(image)
        if self.zone is not None:
            found = [each for each in found if self.zone.holds(each, image)]
        if not found:
            raise NoFace
        described = [self.pipeline.describe(image, each) for each in found]
        faces = [View(each.crop, framed(image, each.landmarks), each.embedding) for each in described]
        if isinstance(source, Path):
            image.fill(0)
        return faces

    def _post(self, probe: Probe) -> Problem | None:
        self.check_time()
        try:
            self.client.post_probe(self.mandate.manifest.deployment, probe)
        except PASSING as error:
            return error.problem
        return None


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
