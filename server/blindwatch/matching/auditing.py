"""What oversight bodies do: draw probes for replay, and fetch what replay needs. The log has every view."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Final, Literal

from blindwatch.errors import MalformedMessage, NotClosed, NotFound, StatementMismatch
from blindwatch.matching.authority import Authority
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.pending import Pending
from blindwatch.matching.repeating import repeat
from blindwatch.matching.roster import Roster
from blindwatch.policy.profile import profile
from blindwatch.records import replaying
from blindwatch.records.reading import server_record
from blindwatch.records.record import minute
from blindwatch.records.server import AuditEnded, ProbesChallenged, ResultReleased, Viewed
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.store.blobs import read_verified
from blindwatch.store.database import Store
from blindwatch.tlog import merkle
from blindwatch.wire import limits
from blindwatch.wire.messages import KeptList, MaskSecret

_PAUSE_SECONDS: Final = 5.0


class AuditDesk:
    """Keeps what was drawn, hands it out, and destroys it when the time for it is over."""

    def __init__(
        self,
        store: Store,
        roster: Roster,
        authority: Authority,
        ledger: Ledger,
        pending: Pending,
    ) -> None:
        self._store = store
        self._roster = roster
        self._authority = authority
        self._ledger = ledger
        self._pending = pending
        self._turn = asyncio.Lock()

    async def challenge(self, name: str, end: int, statement: Envelope) -> KeptList:
        """Keep the probes that a challenge draws, and delete the others that it could have drawn."""
        deployment = self._roster.get(name)
        size = self._ledger.size
        challenge = trust.check_challenge(
            statement, self._authority.register, name, self._ledger.name.name, size
        )
        if challenge.end != end:
            raise MalformedMessage("The challenge ends at another record than the address.")
        if await asyncio.to_thread(self._ledger.root_at, end) != bytes.fromhex(challenge.root):
            raise StatementMismatch("The challenge is for another log than this one.")
        rate = profile(deployment.shown.manifest.profile.name).replay_rate
        entries = await asyncio.to_thread(self._ledger.entries, challenge.first, end)
        released, drawn = _draw(name, entries, replaying.seed(statement), rate)
        if len(drawn) > limits.CHALLENGED:
            raise MalformedMessage("The challenge draws too many at once.", "Draw from fewer records.")
        async with self._turn:
            found = self._pending.take(name, drawn)
            for probe_id, body in found.items():
                await asyncio.to_thread(self._store.keeping.put, name, probe_id, body)
            kept = sorted({*drawn} & {*self._store.keeping.held(name)})
            record = ProbesChallenged(
                at=minute(),
                deployment=name,
                challenge=statement.digest,
                first=challenge.first,
                end=end,
                kept=tuple(kept),
            )
            await self._ledger.record(record)
            self._pending.take(name, released)
        return KeptList(probes=tuple(kept))

    async def kept(self, name: str) -> KeptList:
        """The probes that are kept."""
        self._known(name)
        return KeptList(probes=tuple(await asyncio.to_thread(self._store.keeping.held, name)))

    async def probe(self, name: str, probe_id: str) -> bytes:
        """One of them, as a message."""
        self._known(name)
        body = await asyncio.to_thread(self._store.keeping.read, name, probe_id)
        await self._note_view(name, "kept-probe")
        return body

    async def ciphertext(self, name: str, digest: str) -> bytes:
        """A ciphertext of the list in force, or the public keys."""
        deployment = self._roster.get(name)
        if digest not in deployment.shown.watchlist.blobs | {deployment.bundle_digest}:
            raise NotFound("The deployment has no ciphertext of this digest.")
        path = self._store.blobs.require(name, digest)
        data = await asyncio.to_thread(read_verified, path)
        await self._note_view(name, "ciphertext")
        return data

    async def mask_secret(self, name: str) -> MaskSecret:
        """The secret that seeded the masks, once the deployment is over and up to the end of the audit."""
        if self._roster.is_open(name):
            raise NotClosed("The secret of the masks is given out when the deployment is over.")
        secret = await asyncio.to_thread(self._store.closures.mask_secret, name)
        if not secret:
            raise NotFound("There is no secret of the masks any more, or there never was one.")
        await self._note_view(name, "mask-secret")
        return MaskSecret(secret=secret)

    async def keep_forgetting(self) -> None:
        """Destroy what nobody has drawn in time, and what audits are over for, for as long as the server runs."""
        await repeat("forgetting", lambda: self.forget_late(time.time()), _PAUSE_SECONDS)

    async def forget_late(self, at: float) -> None:
        """Destroy what the time of is over, in seconds of the epoch."""
        async with self._turn:
            self._pending.drop_late(at)
            for name in await asyncio.to_thread(self._store.closures.audits_due, at):
                await self._end(name)

    async def _end(self, name: str) -> None:
        kept = await asyncio.to_thread(self._store.keeping.drop, name)
        await self._ledger.record(AuditEnded(at=minute(), deployment=name, kept=kept))
        await asyncio.to_thread(self._store.closures.end_audit, name)

    def _known(self, name: str) -> None:
        if name not in self._roster.names:
            self._roster.get(name)

    async def _note_view(self, name: str, what: Literal["kept-probe", "mask-secret", "ciphertext"]) -> None:
        await self._ledger.record(Viewed(at=minute(), deployment=name, what=what, count=1))


def _draw(name: str, entries: Iterable[bytes], seed: bytes, rate: float) -> tuple[list[str], list[str]]:
    """The probes of all results of a deployment among these records, and those of them that are drawn."""
    released, drawn = [], []
    for entry in entries:
        record = server_record(entry)
        if isinstance(record, ResultReleased) and record.deployment == name and record.problem is None:
            released.append(record.probe_id)
            if replaying.draws(seed, merkle.leaf_hash(entry), rate):
                drawn.append(record.probe_id)
    return released, drawn
