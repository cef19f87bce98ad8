"""What cameras do: submit probes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from blindwatch.errors import BlindwatchError, Forbidden, ModelMismatch, WrongKey, WrongPreset
from blindwatch.he.preflight import check_ciphertext
from blindwatch.he.presets import preset
from blindwatch.matching.intake import Intake
from blindwatch.matching.jobs import Match, Released
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.roster import Roster
from blindwatch.matching.workers import WorkerPool
from blindwatch.statements import trust
from blindwatch.statements.predicates import Tombstone
from blindwatch.store.deployments import Deployment
from blindwatch.wire.messages import FailedResult, Probe, ProbeReceipt, Result, now


class ProbeDesk:
    """Takes probes while there is room for them, and turns every one it took into a result."""

    def __init__(self, roster: Roster, pool: WorkerPool, mailbox: Mailbox, room: int) -> None:
        self._roster = roster
        self._pool = pool
        self._intake = Intake("probe", mailbox, room)

    @property
    def queued(self) -> int:
        """Probes that have no result yet, with those whose bodies are still arriving."""
        return self._intake.queued

    def reserve(self) -> AbstractContextManager[None]:
        """Room for one probe, to be had before its body is read."""
        return self._intake.reserve()

    async def take(self, name: str, probe: Probe, camera: str) -> ProbeReceipt:
        """Check a probe of this camera and put it to work."""
        deployment, terms = self._roster.ready(name, "reveal")
        if probe.camera != camera:
            raise Forbidden("The probe names another camera than the one that signed it.")
        # Once more, now that the body is there.
        trust.check_open(terms.manifest, datetime.now(UTC))
        _check(deployment, probe)
        await self._intake.take(
            name, probe.probe_id, lambda: self._match(name, probe), lambda error: _failed(probe, error)
        )
        return ProbeReceipt(probe_id=probe.probe_id, accepted_at=now())

    async def finish(self, seconds: float) -> None:
        """Give the taken probes so long to get their results; what is left fails."""
        await self._intake.finish(seconds)

    async def _match(self, name: str, probe: Probe) -> Result:
        """Compare a probe, again if entries were removed in the meantime: nothing is released for these."""
        while True:
            tombstone = self._roster.get(name).tombstone
            released = await self._pool.match(_job(name, probe, tombstone))
            if self._roster.get(name).tombstone == tombstone:
                return _result(probe, released, tombstone)


def _job(name: str, probe: Probe, tombstone: Tombstone | None) -> Match:
    return Match(
        deployment=name,
        probe_id=probe.probe_id,
        ciphertext=probe.ciphertext,
        removed_from=tombstone.watchlist_digest if tombstone else "",
        removed=tombstone.removed if tombstone else (),
    )


def _result(probe: Probe, released: Released, tombstone: Tombstone | None) -> Result:
    applied = tombstone if tombstone and tombstone.watchlist_digest == released.listed else None
    return Result(
        probe_id=probe.probe_id,
        camera=probe.camera,
        captured_at=probe.captured_at,
        watchlist=released.listed,
        releases=released.releases,
        tombstone=applied.sequence if applied else 0,
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
