"""What cameras do: submit probes. These are in memory only, from their arrival to their result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from blindwatch.errors import (
    BlindwatchError,
    Busy,
    InternalError,
    MalformedMessage,
    ModelMismatch,
    ServerUnavailable,
    WrongKey,
    WrongPreset,
)
from blindwatch.he.preflight import check_ciphertext
from blindwatch.he.presets import preset
from blindwatch.matching import logs
from blindwatch.matching.deployments import DeploymentDesk
from blindwatch.matching.jobs import Match
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.workers import WorkerPool
from blindwatch.store.deployments import Deployment
from blindwatch.wire.messages import FailedResult, Probe, ProbeReceipt, Result, now


class ProbeDesk:
    """Takes probes while there is room for them, and turns every one it took into a result."""

    def __init__(self, deployments: DeploymentDesk, pool: WorkerPool, mailbox: Mailbox, room: int) -> None:
        self._deployments = deployments
        self._pool = pool
        self._mailbox = mailbox
        self._room = room
        self._arriving = 0
        self._taken: dict[tuple[str, str], asyncio.Task[None]] = {}

    @property
    def queued(self) -> int:
        """Probes that have no result yet, with those whose bodies are still arriving."""
        return len(self._taken) + self._arriving

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Room for one probe, had before its body is read, so that bodies cannot fill the memory."""
        if self.queued >= self._room:
            raise Busy(hint="Send fewer probes, or later.")
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    async def take(self, name: str, probe: Probe) -> ProbeReceipt:
        """Check a probe and put it to work."""
        _check(self._deployments.ready(name), probe)
        place = (name, probe.probe_id)
        if place in self._taken or await self._mailbox.holds(*place) or place in self._taken:
            raise MalformedMessage(
                "A probe of this identifier was taken already.", hint="Make a random one for every probe."
            )
        task = asyncio.create_task(self._answer(name, probe))
        self._taken[place] = task
        task.add_done_callback(lambda _: self._taken.pop(place))
        return ProbeReceipt(probe_id=probe.probe_id, accepted_at=now())

    async def finish(self, seconds: float) -> None:
        """Give the taken probes so long to get their results; what is left fails."""
        waiting = list(self._taken.values())
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _answer(self, name: str, probe: Probe) -> None:
        try:
            outcome = await self._match(name, probe)
        except asyncio.CancelledError:
            outcome = _failed(probe, ServerUnavailable())
        try:
            await self._mailbox.add(name, probe.probe_id, outcome.to_cbor())
        except Exception as error:  # noqa: BLE001 - nobody awaits this, and the text may hold the result
            logs.warning("result-lost", kind=type(error).__name__)

    async def _match(self, name: str, probe: Probe) -> Result | FailedResult:
        job = Match(deployment=name, probe_id=probe.probe_id, ciphertext=probe.ciphertext)
        try:
            released = await self._pool.match(job)
        except BlindwatchError as error:
            logs.warning("probe-failed", problem=error.problem.slug)
            return _failed(probe, error)
        except Exception as error:  # noqa: BLE001 - a probe that was taken gets a result, whatever happens
            logs.warning("probe-failed", kind=type(error).__name__)
            return _failed(probe, InternalError())
        return Result(
            probe_id=probe.probe_id,
            camera=probe.camera,
            captured_at=probe.captured_at,
            releases=released.releases,
            elapsed_ms=released.elapsed_ms,
        )


def _check(deployment: Deployment, probe: Probe) -> None:
    if probe.preset != deployment.preset:
        raise WrongPreset("The probe was encrypted under another preset than the deployment's.")
    if probe.key_id != deployment.key_id:
        raise WrongKey("The probe was encrypted to another key than the deployment's.")
    if probe.model_digest != deployment.model_digest:
        raise ModelMismatch(hint="Use the model that the watchlist was enrolled with.")
    check_ciphertext(preset(deployment.preset), probe.ciphertext)


def _failed(probe: Probe, error: BlindwatchError) -> FailedResult:
    return FailedResult(
        probe_id=probe.probe_id,
        camera=probe.camera,
        captured_at=probe.captured_at,
        problem=error.problem.urn,
    )
