"""A camera's work on one photograph. What cannot be sent at once is dropped and counted, never kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from blindwatch.camera.mandate import Mandate
from blindwatch.errors import (
    DeploymentNotReady,
    ImageError,
    Problem,
    ServiceError,
    StatementMismatch,
)
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.templates import Templates
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import Probe, now


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Sent:
    """One probe that the server took. Times are in milliseconds, the size in bytes."""

    probe_id: str
    encrypt_ms: float
    send_ms: float
    size: int


@dataclass
class Tally:
    """What a camera has done so far: numbers, and nothing about anybody."""

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
    """Turns images into encrypted probes for one deployment. Not for several threads."""

    mandate: Mandate
    key: EncryptionKey
    pipeline: FacePipeline
    client: ServerClient
    clock: Callable[[], datetime] = _now
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.mandate.check_means(self.key, self.pipeline.model_digest)
        self._encryptor = Encryptor(self.key)

    @property
    def name(self) -> str:
        """The name that the camera has in the manifest."""
        return self.mandate.camera

    def check_deployment(self) -> None:
        """Refuse a time outside the window, and a server that has another manifest or no list in force."""
        self.mandate.check_time(self.clock())
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
        self.mandate.check_time(self.clock())
        captured_at, started = now(), time.perf_counter()
        self.tally.images += 1
        try:
            faces = self.pipeline.faces(image)
        except ImageError as error:
            self.tally.unusable += 1
            return Look(_since(started), problem=error.problem)
        vision_ms = _since(started)
        self.tally.faces += len(faces)
        sent: list[Sent] = []
        problem = None
        for face in faces:
            outcome = self._submit(templates([face.embedding], self.key.preset), captured_at)
            if isinstance(outcome, Sent):
                sent.append(outcome)
                self.tally.sent += 1
            else:
                problem = outcome
                self.tally.dropped += 1
        return Look(vision_ms, tuple(sent), len(faces) - len(sent), problem)

    def _submit(self, template: Templates, captured_at: str) -> Sent | Problem:
        started = time.perf_counter()
        ciphertext = self._encryptor.probe(template)
        encrypt_ms, started = _since(started), time.perf_counter()
        probe = Probe(
            probe_id=token_hex(16),
            camera=self.name,
            preset=self.key.preset.name,
            key_id=self.key.key_id,
            model_digest=self.pipeline.model_digest,
            captured_at=captured_at,
            ciphertext=ciphertext,
        )
        self.mandate.check_time(self.clock())
        try:
            self.client.post_probe(self.mandate.manifest.deployment, probe)
        except ServiceError as error:
            return error.problem
        return Sent(probe.probe_id, encrypt_ms, _since(started), len(ciphertext))


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
