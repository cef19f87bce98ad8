"""The end of a deployment: what it held is destroyed, and the server signs a receipt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from blindwatch.errors import NotDestroyed, NotFound
from blindwatch.matching import logs
from blindwatch.matching.authority import Authority
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.pending import Pending
from blindwatch.matching.repeating import repeat
from blindwatch.matching.roster import Roster
from blindwatch.matching.workers import WorkerPool
from blindwatch.policy.profile import profile
from blindwatch.records.record import minute
from blindwatch.records.server import AuthorisationRecorded, DeploymentClosed, DeploymentDestroyed
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Destroyed, Receipt, instant
from blindwatch.store.closures import Closure
from blindwatch.store.database import Store
from blindwatch.store.deployments import Deployment
from blindwatch.tlog.policy import Policy
from blindwatch.wire.messages import now

_PAUSE_SECONDS: Final = 5.0
_HOUR: Final = 3600.0
_KEPT: Final = ("manifest-digest", "mask-secret", "probes-drawn", "receipt")


class ClosingDesk:
    """Closes deployments: when it is asked to, and when their time is over.

    That a deployment is over is noted before anything is deleted, so that an end which was interrupted is
    brought to its end when the server starts again.
    """

    def __init__(
        self,
        store: Store,
        pool: WorkerPool,
        roster: Roster,
        authority: Authority,
        mailbox: Mailbox,
        pending: Pending,
        ledger: Ledger,
    ) -> None:
        self._store = store
        self._mailbox = mailbox
        self._pending = pending
        self._ledger = ledger
        self._pool = pool
        self._roster = roster
        self._authority = authority
        self._closures = {closure.id: closure for closure in store.closures.all()}

    async def close(self, name: str, statement: Envelope) -> bytes:
        """Close a deployment and return the receipt; asked for once more, return it once more."""
        async with self._roster.turn:
            if name not in self._closures:
                deployment = self._roster.get(name)
                trust.check_closing(statement, self._authority.register, deployment.shown.manifest_statement)
                await self._begin(deployment, statement.digest)
        return await self._finish(name)

    async def authorise(self, name: str, statement: Envelope) -> None:
        """Note what an authority was asked or has decided. A refusal closes the deployment at once."""
        async with self._roster.turn:
            deployment = self._roster.get(name)
            manifest = deployment.shown.manifest_statement
            decided = trust.check_authorisation(statement, self._authority.register, manifest)
            noted = AuthorisationRecorded(
                at=minute(), deployment=name, decision=decided.decision, authorisation=statement.digest
            )
            await self._ledger.record(noted)
            await asyncio.to_thread(self._store.deployments.authorise, name, statement)
            self._roster.put(replace(deployment, authorisation_statement=statement))
            if decided.decision == "refused":
                await self._begin(self._roster.get(name), statement.digest)
        if decided.decision == "refused":
            await self._finish(name)

    def receipt(self, name: str) -> bytes:
        """The receipt of a deployment that is closed."""
        closure = self._closures.get(name)
        if closure is None or closure.receipt is None:
            raise NotFound("There is no receipt: no deployment of this name was closed.")
        return closure.receipt

    def log_policies(self) -> list[Policy]:
        """Who has to see the log up to the end of the audits."""
        now = time.time()
        return [closure.witnesses for closure in self._closures.values() if now < closure.audit_until]

    async def resume(self) -> None:
        """Finish what was interrupted, before there are workers. What cannot be finished now is tried again later."""
        for closure in self._unfinished():
            await self._record_end(closure)  # once more: whether it was, is not known
            with _noted():
                await self._destroy(closure)

    async def close_due(self, at: datetime) -> None:
        """Close what the manifest's time and the profile's clock have run out for, and finish what was begun."""
        async with self._roster.turn:
            for deployment in self._roster.open():
                if at >= _deadline(deployment):
                    await self._begin(deployment, None)
                    logs.warning("deployment-expired")
        for closure in self._unfinished():
            with _noted():
                await self._finish(closure.id)

    async def keep_closing(self) -> None:
        """Close what is due for as long as the server runs."""
        await repeat("closing", lambda: self.close_due(datetime.now(UTC)), _PAUSE_SECONDS)

    def _unfinished(self) -> list[Closure]:
        return [closure for closure in self._closures.values() if closure.receipt is None]

    async def _begin(self, deployment: Deployment, closing_digest: str | None) -> None:
        files = await asyncio.to_thread(self._files, deployment)
        hours = profile(deployment.shown.manifest.profile.name).clocks.replay_hours
        until = time.time() + hours * _HOUR
        closure = await asyncio.to_thread(
            self._store.closures.begin, deployment, closing_digest, files, until
        )
        self._roster.close(deployment.id)
        self._pending.drop(deployment.id)
        self._closures[closure.id] = closure
        await self._record_end(closure)

    async def _record_end(self, closure: Closure) -> None:
        ended = DeploymentClosed(
            at=minute(),
            deployment=closure.id,
            manifest=closure.manifest_digest,
            closing=closure.closing_digest,
        )
        await self._ledger.record(ended)

    def _files(self, deployment: Deployment) -> tuple[Destroyed, ...]:
        sizes = {path.name: path.stat().st_size for path in self._store.blobs.held(deployment.id)}
        keys = sizes.pop(deployment.bundle_digest, 0)
        prepared, prepared_size = self._store.prepared.size(deployment.id)
        return (
            Destroyed(what="watchlist-ciphertexts", count=len(sizes), size=sum(sizes.values())),
            Destroyed(what="evaluation-keys", count=int(keys > 0), size=keys),
            Destroyed(what="prepared-files", count=prepared, size=prepared_size),
        )

    async def _finish(self, name: str) -> bytes:
        async with self._roster.workers:
            closure = self._closures[name]
            if closure.receipt is not None:
                return closure.receipt
            await self._pool.drop(name)
            return await self._destroy(closure)

    async def _destroy(self, closure: Closure) -> bytes:
        """Delete what is left of a deployment, and only then sign the receipt; raises NotDestroyed."""
        await self._mailbox.close_deployment(closure.id)
        await asyncio.to_thread(self._delete, closure.id)
        receipt = Receipt(
            deployment=closure.id,
            manifest_digest=closure.manifest_digest,
            closing_digest=closure.closing_digest,
            signer=self._authority.name,
            destroyed_at=now(),
            destroyed=closure.destroyed,
            kept=_KEPT,
        )
        envelope = receipt.envelope().signed_by(self._authority.identity)
        gone = DeploymentDestroyed(at=minute(), deployment=closure.id, receipt=envelope.digest)
        await self._ledger.record(gone)
        signed = envelope.to_json()
        await asyncio.to_thread(self._store.closures.finish, closure.id, signed)
        self._closures[closure.id] = replace(closure, receipt=signed)
        return signed

    def _delete(self, name: str) -> None:
        self._store.prepared.drop(name)
        self._store.blobs.drop(name)
        self._store.closures.forget(name)


@contextmanager
def _noted() -> Iterator[None]:
    """What cannot be destroyed keeps nothing else from being destroyed."""
    try:
        yield
    except NotDestroyed:
        logs.warning("not-destroyed")


def _deadline(deployment: Deployment) -> datetime:
    """When a deployment ends by itself: after its window, or when an authority should have been asked by then."""
    manifest = deployment.shown.manifest
    rules = profile(manifest.profile.name)
    end = instant(manifest.window.not_after) + timedelta(hours=rules.clocks.list_after_end_hours)
    if manifest.urgent and rules.urgency is not None and deployment.authorisation_statement is None:
        end = min(end, instant(manifest.window.not_before) + timedelta(hours=rules.urgency.hours))
    return end
