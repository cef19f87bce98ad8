"""What custodians do: offer a deployment, upload the list that it names, put it into force."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from blindwatch.errors import (
    BlindwatchError,
    DeploymentNotReady,
    MalformedMessage,
    MissingBlob,
    OutsideWindow,
    StatementMismatch,
)
from blindwatch.matching.authority import Authority
from blindwatch.matching.jobs import Inspect, Load, LoadGallery
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.loading import loading
from blindwatch.matching.roster import Roster
from blindwatch.matching.uses import rules
from blindwatch.matching.workers import WorkerPool
from blindwatch.records.record import Record, minute
from blindwatch.records.server import DeploymentAccepted, ListLoaded, ThresholdChanged
from blindwatch.statements import trust
from blindwatch.statements.predicates import instant
from blindwatch.store.database import Store
from blindwatch.store.deployments import Deployment, Terms
from blindwatch.wire import limits
from blindwatch.wire.messages import DeploymentInfo, DeploymentOffer, Logged

MASK_SECRET_BYTES: Final = 32


class DeploymentDesk:
    """Opens deployments and puts their versions into force."""

    def __init__(
        self, store: Store, pool: WorkerPool, roster: Roster, authority: Authority, ledger: Ledger
    ) -> None:
        self._store = store
        self._pool = pool
        self._roster = roster
        self._authority = authority
        self._ledger = ledger
        for deployment in roster.open():
            authority.rules(deployment.preset)
        store.blobs.keep_deployments(roster.names)

    def watchlists(self) -> list[Load | LoadGallery]:
        """What every worker loads before its first job."""
        return [
            loading(self._store, held, held.in_force)
            for held in self._roster.open()
            if held.in_force is not None
        ]

    def blob_limit(self, name: str) -> int:
        """The most bytes of one piece of this deployment's watchlist."""
        return rules(self._roster.get(name).preset).blob_limit

    def describe(self, name: str) -> DeploymentInfo:
        """What the roles may know of a deployment."""
        deployment = self._roster.get(name)
        terms = deployment.shown
        return DeploymentInfo(
            deployment=deployment.id,
            use=terms.manifest.use,
            preset=deployment.preset,
            key_id=deployment.key_id,
            model_digest=deployment.model_digest,
            threshold=terms.manifest.thresholds.gate,
            mask_commitment=deployment.mask_commitment,
            ready=deployment.in_force is not None,
            entries=terms.manifest.watchlist.entries,
            version=terms.manifest.version,
            manifest_digest=terms.manifest_statement.digest,
            watchlist_digest=terms.watchlist_statement.digest,
            tombstone=deployment.tombstone.sequence if deployment.tombstone else 0,
            stopped=deployment.is_stopped,
        )

    async def offer(self, name: str, offer: DeploymentOffer) -> bool:
        """Keep a new deployment, or a newer version of one; false if the very same is held already."""
        terms = await asyncio.to_thread(self._authority.terms, name, offer)
        if offer.bundle is not None and _sha256(offer.bundle) != terms.manifest.bundle_digest:
            raise StatementMismatch("The public keys are not those that the manifest names.")
        async with self._roster.workers:
            if self._roster.find(name) is None:
                await self._admit(name, terms, offer.bundle)
                return True
            async with self._roster.turn:
                held = self._roster.get(name)
                if held.newest.digests == terms.digests:
                    return False
                trust.check_succeeds(terms.manifest, held.newest.manifest)
                terms = await self._recorded(terms, held.mask_commitment)
                await asyncio.to_thread(self._store.deployments.offer, name, terms)
                self._roster.put(replace(held, waiting=terms))
                return True

    async def accepted(self, name: str) -> Logged:
        """The record that the version in force was accepted, or before there is one the version that waits."""
        terms = self._roster.get(name).shown
        record = await asyncio.to_thread(self._ledger.entry, terms.accepted)
        [logged] = await self._ledger.proven(
            [(terms.accepted, record)], terms.log_policy, limits.WITNESS_SECONDS
        )
        return logged

    async def _recorded(self, terms: Terms, mask_commitment: str) -> Terms:
        """The terms, once the log says that they are accepted."""
        accepted = DeploymentAccepted(
            at=minute(),
            deployment=terms.manifest.deployment,
            version=terms.manifest.version,
            manifest=terms.manifest_statement.digest,
            watchlist=terms.watchlist_statement.digest,
            bundle=terms.manifest.bundle_digest,
            mask_commitment=mask_commitment,
        )
        return replace(terms, accepted=await self._ledger.record(accepted))

    async def put_blob(self, name: str, digest: str, data: bytes) -> None:
        """Keep one ciphertext of a watchlist, which the watchlist must name."""
        deployment = self._roster.get(name)
        if _sha256(data) != digest:
            raise MalformedMessage("The body is not the one that the address names by its digest.")
        if digest not in deployment.blobs:
            raise StatementMismatch("The watchlist does not name this ciphertext.")
        rules(deployment.preset).check_blob(deployment.key_id, data)
        async with self._roster.turn:
            self._roster.get(name)  # it may have been closed while the body arrived
            await asyncio.to_thread(self._store.blobs.put, name, data)

    async def activate(self, name: str) -> None:
        """Put the version that waits into force, once every worker has loaded and validated its list."""
        async with self._roster.workers:
            deployment = self._roster.get(name)
            terms = deployment.waiting
            if terms is None:
                return
            if datetime.now(UTC) >= instant(terms.manifest.window.not_after):
                raise OutsideWindow("The manifest has expired.", "Have a new one approved.")
            self._check_complete(deployment, terms)
            load = loading(self._store, deployment, terms)
            await self._pool.enrol(load)
            async with self._roster.turn:
                # As it is by now: entries may have been removed, or the deployment closed. Whoever closed it then has
                # the workers let go of it, once they are free.
                await self._put_into_force(self._roster.get(name), terms)

    async def _put_into_force(self, deployment: Deployment, terms: Terms) -> None:
        before, listed = deployment.in_force, terms.watchlist_statement.digest
        same_list = before is not None and before.watchlist_statement.digest == listed
        await self._ledger.record(*_changes(before, terms))
        await asyncio.to_thread(self._store.deployments.activate, deployment.id, terms, same_list=same_list)
        kept = deployment.tombstone_statement if same_list else None
        self._roster.put(replace(deployment, in_force=terms, waiting=None, tombstone_statement=kept))
        named = terms.watchlist.blobs | {deployment.bundle_digest}
        await asyncio.to_thread(self._store.blobs.keep_only, deployment.id, named)
        if terms.manifest.use == "reveal":
            await asyncio.to_thread(self._store.prepared.keep_only, deployment.id, listed)

    def _check_complete(self, deployment: Deployment, terms: Terms) -> None:
        held = {path.name for path in self._store.blobs.held(deployment.id)}
        missing = len(terms.watchlist.blobs - held)
        if missing:
            raise MissingBlob(
                f"{missing} ciphertexts of the watchlist were not uploaded yet.", "Upload them and try again."
            )

    async def _admit(self, name: str, terms: Terms, bundle: bytes | None) -> None:
        if bundle is None:
            raise DeploymentNotReady("The first offer of a deployment has its public keys with it.")
        manifest = terms.manifest
        await asyncio.to_thread(self._store.blobs.put, name, bundle)
        path = self._store.blobs.require(name, manifest.bundle_digest)
        try:
            await self._pool.inspect(
                Inspect(bundle=str(path), preset=manifest.preset, key_id=manifest.key_id)
            )
        except BlindwatchError:
            self._store.blobs.drop(name)
            raise
        mask_secret = secrets.token_bytes(MASK_SECRET_BYTES)
        terms = await self._recorded(terms, hashlib.sha256(mask_secret).hexdigest())
        await asyncio.to_thread(self._store.deployments.add, name, mask_secret, terms)
        self._roster.put(Deployment(name, mask_secret, waiting=terms))


def _changes(before: Terms | None, after: Terms) -> list[Record]:
    """What the log has of a version that comes into force in the place of another."""
    manifest = after.manifest
    loaded = ListLoaded(
        at=minute(),
        deployment=manifest.deployment,
        version=manifest.version,
        manifest=after.manifest_statement.digest,
        watchlist=after.watchlist_statement.digest,
    )
    if before is None or before.manifest.thresholds == manifest.thresholds:
        return [loaded]
    changed = ThresholdChanged(
        at=minute(),
        deployment=manifest.deployment,
        version=manifest.version,
        before=before.manifest.thresholds.fine,
        after=manifest.thresholds.fine,
        predicted=round(1000 * manifest.predicted.false_alerts_per_1000),
    )
    return [loaded, changed]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
