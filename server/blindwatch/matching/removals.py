"""What custodians take away while a deployment runs: entries of the list, and cameras."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from blindwatch.errors import NotFound, StatementMismatch
from blindwatch.matching.authority import Authority
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.roster import Roster
from blindwatch.records.record import minute
from blindwatch.records.server import CameraRevoked, EntriesRemoved
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.store.database import Store


class RemovalDesk:
    """Takes signed removals. They hold for the next probe, since every job says which entries are removed."""

    def __init__(self, store: Store, roster: Roster, authority: Authority, ledger: Ledger) -> None:
        self._deployments = store.deployments
        self._roster = roster
        self._register = authority.register
        self._ledger = ledger

    async def remove(self, name: str, sequence: int, statement: Envelope) -> None:
        """Release nothing more for the entries of a tombstone."""
        async with self._roster.turn:
            deployment, terms = self._roster.ready(name)
            if deployment.tombstone_statement == statement:
                return
            tombstone = trust.check_tombstone(statement, self._register, terms.manifest, deployment.tombstone)
            if tombstone.sequence != sequence:
                raise StatementMismatch("The removal has another number than the address.")
            await self._ledger.record(
                EntriesRemoved(at=minute(), deployment=name, sequence=sequence, tombstone=statement.digest)
            )
            await asyncio.to_thread(self._deployments.remove_entries, name, sequence, statement)
            self._roster.put(replace(deployment, tombstone_statement=statement))

    def newest(self, name: str) -> Envelope:
        """The newest tombstone."""
        statement = self._roster.get(name).tombstone_statement
        if statement is None:
            raise NotFound("Nobody was removed from the list.")
        return statement

    def numbered(self, name: str, sequence: int) -> bytes:
        """The tombstone of this number, of the list in force."""
        self._roster.get(name)
        found = self._deployments.tombstone(name, sequence)
        if found is None:
            raise NotFound("There is no removal of this number.")
        return found

    async def revoke(self, name: str, camera_key: str, statement: Envelope) -> None:
        """Take nothing more from a camera."""
        async with self._roster.turn:
            deployment = self._roster.get(name)
            revocation = trust.check_revocation(statement, self._register, deployment.shown.manifest)
            if revocation.camera_key != camera_key:
                raise StatementMismatch("The revocation is for another camera than the address.")
            await self._ledger.record(
                CameraRevoked(
                    at=minute(), deployment=name, camera_key=camera_key, revocation=statement.digest
                )
            )
            await asyncio.to_thread(self._deployments.revoke, name, camera_key, statement)
            self._roster.put(replace(deployment, revoked=deployment.revoked | {camera_key}))
