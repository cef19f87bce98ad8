"""The end of a deployment: what it held is destroyed, and the server signs a receipt."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from blindwatch.errors import NotFound
from blindwatch.matching import logs
from blindwatch.matching.authority import Authority
from blindwatch.matching.roster import Roster
from blindwatch.matching.workers import WorkerPool
from blindwatch.policy.profile import profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Destroyed, Receipt, instant
from blindwatch.store.closures import Closure
from blindwatch.store.database import Store
from blindwatch.store.deployments import Deployment
from blindwatch.wire.messages import now

_NAP_SECONDS: Final = 5.0
_KEPT: Final = ("manifest-digest", "mask-secret", "receipt")


class ClosingDesk:
    """Closes deployments: when it is asked to, and when their time is over.

    That a deployment is over is noted before anything is deleted, so that an end which was interrupted is
    brought to its end when the server starts again.
    """

    def __init__(self, store: Store, pool: WorkerPool, roster: Roster, authority: Authority) -> None:
        self._store = store
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
            return await self._finish(self._closures[name])

    def receipt(self, name: str) -> bytes:
        """The receipt of a deployment that is closed."""
        closure = self._closures.get(name)
        if closure is None or closure.receipt is None:
            raise NotFound("There is no receipt: no deployment of this name was closed.")
        return closure.receipt

    async def resume(self) -> None:
        """Finish what was interrupted, before anything is served."""
        for closure in list(self._closures.values()):
            await self._finish(closure)

    async def close_expired(self, at: datetime) -> None:
        """Close what the time of its manifest and the clock of its profile have run out for."""
        async with self._roster.turn:
            for deployment in self._roster.open():
                if at >= _deadline(deployment):
                    await self._begin(deployment, None)
                    await self._finish(self._closures[deployment.id])
                    logs.warning("deployment-expired")

    async def keep_expiring(self) -> None:
        """Close what has expired for as long as the server runs."""
        while True:
            await self.close_expired(datetime.now(UTC))
            await asyncio.sleep(_NAP_SECONDS)

    async def _begin(self, deployment: Deployment, closing_digest: str | None) -> None:
        counted = await asyncio.to_thread(self._count, deployment)
        closure = await asyncio.to_thread(self._store.closures.begin, deployment, closing_digest, counted)
        self._closures[closure.id] = closure
        self._roster.close(deployment.id)
        await self._pool.drop(deployment.id)

    def _count(self, deployment: Deployment) -> tuple[Destroyed, ...]:
        sizes = {path.name: path.stat().st_size for path in self._store.blobs.held(deployment.id)}
        keys = sizes.pop(deployment.bundle_digest, 0)
        return (
            Destroyed(what="watchlist-ciphertexts", count=len(sizes), size=sum(sizes.values())),
            Destroyed(what="evaluation-keys", count=int(keys > 0), size=keys),
            self._store.closures.results(deployment.id),
        )

    async def _finish(self, closure: Closure) -> bytes:
        if closure.receipt is not None:
            return closure.receipt
        await asyncio.to_thread(self._destroy, closure.id)
        receipt = Receipt(
            deployment=closure.id,
            manifest_digest=closure.manifest_digest,
            closing_digest=closure.closing_digest,
            signer=self._authority.name,
            destroyed_at=now(),
            destroyed=closure.destroyed,
            kept=_KEPT,
        )
        signed = receipt.envelope().signed_by(self._authority.identity).to_json()
        await asyncio.to_thread(self._store.closures.finish, closure.id, signed)
        self._closures[closure.id] = Closure(
            closure.id, closure.manifest_digest, closure.closing_digest, closure.destroyed, signed
        )
        return signed

    def _destroy(self, name: str) -> None:
        self._store.prepared.drop(name)
        self._store.blobs.drop(name)
        self._store.closures.forget(name)


def _deadline(deployment: Deployment) -> datetime:
    manifest = deployment.shown.manifest
    hours = profile(manifest.profile.name).clocks.list_after_end_hours
    return instant(manifest.window.not_after) + timedelta(hours=hours)
