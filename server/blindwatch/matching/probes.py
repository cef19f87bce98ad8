"""What cameras do: submit probes."""

from __future__ import annotations

import hashlib
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from blindwatch.errors import BlindwatchError, Forbidden, ModelMismatch, WrongKey, WrongPreset
from blindwatch.he.preflight import check_probe
from blindwatch.he.presets import preset
from blindwatch.matching.authorising import ProbeGate
from blindwatch.matching.cameras import Sender
from blindwatch.matching.intake import Intake
from blindwatch.matching.jobs import Match, Released
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.pending import Pending
from blindwatch.matching.roster import Roster
from blindwatch.matching.workers import WorkerPool
from blindwatch.policy.profile import profile
from blindwatch.records import replaying
from blindwatch.records.record import Record, minute
from blindwatch.records.server import ProbeAccepted, ResultReleased
from blindwatch.statements import trust
from blindwatch.statements.predicates import Tombstone
from blindwatch.store.deployments import Deployment
from blindwatch.wire.messages import FailedResult, KeptProbe, Probe, ProbeReceipt, Result, now

_MINUTE: Final = 60.0


class ProbeDesk:
    """Takes probes while there is room for them, and turns every one it took into a result."""

    def __init__(
        self,
        roster: Roster,
        pool: WorkerPool,
        mailbox: Mailbox,
        ledger: Ledger,
        pending: Pending,
        gate: ProbeGate,
        room: int,
    ) -> None:
        self._roster = roster
        self._pool = pool
        self._pending = pending
        self._gate = gate
        self._intake = Intake("probe", mailbox, ledger, room)

    @property
    def queued(self) -> int:
        """Probes that have no result yet, with those whose bodies are still arriving."""
        return self._intake.queued

    def reserve(self) -> AbstractContextManager[None]:
        """Room for one probe, to be had before its body is read."""
        return self._intake.reserve()

    async def take(self, name: str, body: bytes, sender: Sender) -> ProbeReceipt:
        """Check a probe of this camera and put it to work."""
        probe = Probe.from_cbor(body)
        deployment, terms = self._roster.taking(name, "reveal")
        if probe.camera != sender.camera:
            raise Forbidden("The probe names another camera than the one that signed it.")
        # Once more, now that the body is there.
        trust.check_open(terms.manifest, datetime.now(UTC))
        _check(deployment, probe)
        grounds = await self._gate.admit(terms.manifest, probe)
        sent = KeptProbe(probe=body, signed=sender.signature.base, signature=sender.signature.value)
        piece = _Piece(name, probe, grounds, sent, self._roster, self._pool, self._pending)
        await self._intake.take(name, probe.probe_id, piece)
        return ProbeReceipt(probe_id=probe.probe_id, accepted_at=now())

    async def finish(self, seconds: float) -> None:
        """Give the taken probes so long to get their results; what is left fails."""
        await self._intake.finish(seconds)


@dataclass(frozen=True)
class _Piece:
    """A probe on its way to its result."""

    deployment: str
    probe: Probe
    grounds: str | None
    sent: KeptProbe
    roster: Roster
    pool: WorkerPool
    pending: Pending

    @cached_property
    def accepted(self) -> Record:
        return ProbeAccepted(
            at=minute(),
            deployment=self.deployment,
            probe_id=self.probe.probe_id,
            camera=self.probe.camera,
            ciphertext=hashlib.sha256(self.probe.ciphertext).hexdigest(),
            grounds=self.grounds,
        )

    async def work(self) -> Result | FailedResult:
        """Compare a probe, again if entries were removed in the meantime: nothing is released for these."""
        while True:
            tombstone = self.roster.get(self.deployment).tombstone
            released = await self.pool.match(_job(self.deployment, self.probe, tombstone))
            if self.roster.get(self.deployment).tombstone == tombstone:
                return _result(self.probe, released, tombstone)

    def failed(self, error: BlindwatchError) -> Result | FailedResult:
        return FailedResult(
            probe_id=self.probe.probe_id,
            camera=self.probe.camera,
            captured_at=self.probe.captured_at,
            problem=error.problem.urn,
        )

    async def released(self, outcome: Result | FailedResult) -> Record:
        deployment = self.roster.get(self.deployment)
        answered = outcome if isinstance(outcome, Result) else None
        rules = profile(deployment.shown.manifest.profile.name)
        if answered is not None and rules.replay_rate:
            until = time.time() + _MINUTE * rules.clocks.challenge_minutes
            self.pending.put(self.deployment, self.probe.probe_id, self.sent.to_cbor(), until)
        return ResultReleased(
            at=minute(),
            deployment=self.deployment,
            probe_id=self.probe.probe_id,
            result=replaying.digest(outcome),
            preset=deployment.preset,
            watchlist=answered.watchlist if answered else None,
            tombstone=answered.tombstone if answered else 0,
            mask_commitment=deployment.mask_commitment,
            problem=outcome.problem if isinstance(outcome, FailedResult) else None,
        )


def _job(name: str, probe: Probe, tombstone: Tombstone | None) -> Match:
    return Match(
        deployment=name,
        camera=probe.camera,
        probe_id=probe.probe_id,
        ciphertext=probe.ciphertext,
        crop=probe.crop,
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
        crop=released.crop,
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
    check_probe(preset(deployment.preset), probe.ciphertext)
