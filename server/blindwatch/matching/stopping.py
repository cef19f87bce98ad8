"""Stops: an operator, a custodian or an officer halts a deployment, and only an approved new version goes on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from blindwatch.matching.authority import Authority
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.roster import Roster
from blindwatch.records.record import minute
from blindwatch.records.server import DeploymentStopped
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.store.database import Store


class StoppingDesk:
    """Takes signed stops. From the next probe or search on nothing is taken under the manifest that they name."""

    def __init__(self, store: Store, roster: Roster, authority: Authority, ledger: Ledger) -> None:
        self._deployments = store.deployments
        self._roster = roster
        self._register = authority.register
        self._ledger = ledger

    async def stop(self, name: str, statement: Envelope) -> None:
        """Take nothing more under the manifest in force; repeated, it changes nothing."""
        async with self._roster.turn:
            deployment, terms = self._roster.ready(name)
            if deployment.is_stopped:
                return
            stop = trust.check_stop(statement, self._register, terms.manifest_statement)
            await self._ledger.record(
                DeploymentStopped(
                    at=minute(), deployment=name, manifest=stop.manifest_digest, stop=statement.digest
                )
            )
            await asyncio.to_thread(self._deployments.stop, name, stop.manifest_digest, statement)
            self._roster.put(replace(deployment, stopped=deployment.stopped | {stop.manifest_digest}))
