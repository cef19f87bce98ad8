"""The gate for cameras: a request passes if the deployment's manifest lists its key and it comes in time, once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import Request

from blindwatch.errors import BlindwatchError, RevokedCamera
from blindwatch.matching import logs
from blindwatch.matching.roster import Roster
from blindwatch.policy.profile import Profile, profile
from blindwatch.statements import trust
from blindwatch.statements.predicates import DeploymentManifest, instant
from blindwatch.store.nonces import Budget, Nonces
from blindwatch.wire import signatures
from blindwatch.wire.messages import stamp
from blindwatch.wire.signatures import Verified

_NEVER: Final = timedelta(0)


@dataclass(frozen=True)
class Sender:
    """A camera, by the signature of one request."""

    deployment: str
    camera: str
    signature: Verified
    budget: Budget


class CameraGate:
    """Authenticates the requests of cameras before their bodies are read. What it refuses, it logs by its reason."""

    def __init__(self, roster: Roster, nonces: Nonces) -> None:
        self._roster = roster
        self._nonces = nonces
        self._heard: dict[tuple[str, str], datetime] = {}

    def identify(self, name: str, request: Request, late: timedelta = _NEVER) -> Sender:
        """The camera that signed a request to a deployment, if it may send one now, or so long after the end."""
        deployment = self._roster.get(name)
        terms = deployment.shown
        fields = signatures.joined(request.scope["headers"])
        signed = signatures.Request.of(
            request.method, request.scope["raw_path"], request.scope["query_string"], fields
        )
        now = time.time()
        with _noted():
            signature = signatures.verify(signed, fields, terms.camera_keys, now)
            if signature.key_id in deployment.revoked:
                raise RevokedCamera(hint="Ask the custodian for a new version of the manifest.")
            _check_open(terms.manifest, datetime.fromtimestamp(now, UTC), late)
        camera = terms.camera_names[signature.key_id]
        return Sender(
            name, camera, signature, budget_of(terms.manifest, profile(terms.manifest.profile.name))
        )

    async def admit(self, sender: Sender, *, probe: bool) -> None:
        """Let a request pass, for the first and only time; a probe counts towards the camera's budget."""
        budget = sender.budget if probe else None
        with _noted():
            await asyncio.to_thread(
                self._nonces.admit, sender.deployment, sender.signature, time.time(), budget
            )
        self._heard[sender.deployment, sender.camera] = datetime.now(UTC)

    def heard_at(self, name: str, camera: str) -> str | None:
        """When a camera called last, if it did since the server started."""
        heard = self._heard.get((name, camera))
        return None if heard is None else stamp(heard)


def _check_open(manifest: DeploymentManifest, at: datetime, late: timedelta) -> None:
    ends = instant(manifest.window.not_after)
    if not ends <= at < ends + late:
        trust.check_open(manifest, at)


def budget_of(manifest: DeploymentManifest, rules: Profile) -> Budget:
    """How much a deployment may be asked."""
    ends = instant(manifest.window.not_after).timestamp()
    return Budget(rules.probes_per_minute, rules.probes_per_deployment, ends)


@contextmanager
def _noted() -> Iterator[None]:
    try:
        yield
    except BlindwatchError as error:
        logs.warning("camera-refused", why=error.problem.slug)
        raise
