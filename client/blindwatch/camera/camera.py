"""A camera's work on one photograph. What cannot be sent at once is dropped and counted, never kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Final

from pydantic import TypeAdapter, ValidationError

from blindwatch.errors import (
    ConfigurationError,
    DeploymentNotReady,
    ImageError,
    ModelMismatch,
    Problem,
    ServiceError,
    WrongKey,
    WrongPreset,
)
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.templates import Templates
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import CameraName, Probe, now

_NAME: Final[TypeAdapter[str]] = TypeAdapter(CameraName)
_OTHER_KEY: Final = "Use the encryption key that the custodian made for this deployment."


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

    name: str
    deployment: str
    key: EncryptionKey
    pipeline: FacePipeline
    client: ServerClient
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        try:
            _NAME.validate_python(self.name)
        except ValidationError:
            raise ConfigurationError(
                "The name of the camera is not valid.",
                "Use 1 to 64 letters, digits, dots, hyphens and underscores.",
            ) from None
        self._encryptor = Encryptor(self.key)

    def check_deployment(self) -> None:
        """Refuse a deployment of another key, preset or model than this camera's, or without a watchlist."""
        info = self.client.get_deployment(self.deployment)
        if info.preset != self.key.preset.name:
            raise WrongPreset("The deployment uses another preset than the camera's key.", _OTHER_KEY)
        if info.key_id != self.key.key_id:
            raise WrongKey("The deployment uses another key than the camera's.", _OTHER_KEY)
        if info.model_digest != self.pipeline.model_digest:
            raise ModelMismatch(
                "The deployment's watchlist was made with another model than the camera's.",
                "Choose the pipeline that the watchlist was enrolled with.",
            )
        if not info.ready:
            raise DeploymentNotReady(hint="Upload the watchlist first: blindwatch custodian upload")

    def look(self, image: Path | Image) -> Look:
        """Send every face of one image as a probe of its own."""
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
            else:
                problem = outcome
        dropped = len(faces) - len(sent)
        self.tally.sent += len(sent)
        self.tally.dropped += dropped
        return Look(vision_ms, tuple(sent), dropped, problem)

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
        try:
            self.client.post_probe(self.deployment, probe)
        except ServiceError as error:
            return error.problem
        return Sent(probe.probe_id, encrypt_ms, _since(started), len(ciphertext))


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
