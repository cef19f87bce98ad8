"""What custodians do: open a deployment, upload a watchlist, put it into use."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import Final

from blindwatch.errors import (
    BlindwatchError,
    DeploymentExists,
    DeploymentNotReady,
    MalformedMessage,
    UnknownDeployment,
    WrongUse,
)
from blindwatch.matching.jobs import Inspect, Load, LoadGallery
from blindwatch.matching.uses import RankedRules, RevealRules, check_allowed, rules
from blindwatch.matching.workers import WorkerPool
from blindwatch.store.database import Store
from blindwatch.store.deployments import Deployment
from blindwatch.wire.messages import DeploymentInfo, DeploymentOffer, Use, WatchlistManifest

MASK_SECRET_BYTES: Final = 32


class DeploymentDesk:
    """The deployments of this server. Custodians are served one at a time, so that uploads cannot mix."""

    def __init__(self, store: Store, pool: WorkerPool, allow_insecure: bool, allow_ranked: bool) -> None:
        self._store = store
        self._pool = pool
        self._allow_insecure = allow_insecure
        self._allow_ranked = allow_ranked
        self._turn = asyncio.Lock()
        self._held = {deployment.id: deployment for deployment in store.deployments.all()}
        for deployment in self._held.values():
            self._rules(deployment.preset)

    def __len__(self) -> int:
        return len(self._held)

    def watchlists(self) -> list[Load | LoadGallery]:
        """What every worker loads before its first job."""
        return [self._load(held, held.manifest) for held in self._held.values() if held.manifest is not None]

    def get(self, name: str) -> Deployment:
        """The deployment of this name."""
        try:
            return self._held[name]
        except KeyError:
            raise UnknownDeployment from None

    def used(self, name: str, use: Use) -> Deployment:
        """The deployment of this name, which must be for this use."""
        deployment = self.get(name)
        if rules(deployment.preset).use != use:
            raise WrongUse
        return deployment

    def blob_limit(self, name: str) -> int:
        """The most bytes of one piece of this deployment's watchlist."""
        return rules(self.get(name).preset).blob_limit

    def ready(self, name: str, use: Use) -> Deployment:
        """The deployment of this name, which must be for this use and have a watchlist."""
        deployment = self.used(name, use)
        if deployment.manifest is None:
            raise DeploymentNotReady
        return deployment

    def describe(self, name: str) -> DeploymentInfo:
        """What the roles may know of a deployment."""
        deployment = self.get(name)
        return DeploymentInfo(
            deployment=deployment.id,
            use=rules(deployment.preset).use,
            preset=deployment.preset,
            key_id=deployment.key_id,
            model_digest=deployment.model_digest,
            threshold=deployment.threshold,
            mask_commitment=hashlib.sha256(deployment.mask_secret).hexdigest(),
            ready=deployment.manifest is not None,
            entries=0 if deployment.manifest is None else deployment.manifest.entries,
        )

    async def open(self, name: str, offer: DeploymentOffer) -> bool:
        """Open a deployment; false if the very same one is open already."""
        offered_for = self._rules(offer.preset)
        if offered_for.use != offer.use:
            raise WrongUse("The preset of the offer is for another use than the offer.")
        offered_for.check_offer(offer)
        async with self._turn:
            offered = Deployment(
                id=name,
                preset=offer.preset,
                key_id=offer.key_id,
                model_digest=offer.model_digest,
                threshold=offer.threshold,
                bundle_digest=hashlib.sha256(offer.bundle).hexdigest(),
                mask_secret=secrets.token_bytes(MASK_SECRET_BYTES),
            )
            held = self._held.get(name)
            if held is not None:
                if _terms(held) != _terms(offered):
                    raise DeploymentExists(hint="Choose another name; a deployment does not change.")
                return False
            await self._admit(offered, offer.bundle)
            return True

    async def put_blob(self, name: str, digest: str, data: bytes) -> None:
        """Keep one ciphertext of a watchlist."""
        deployment = self.get(name)
        if hashlib.sha256(data).hexdigest() != digest:
            raise MalformedMessage("The body is not the one that the address names by its digest.")
        rules(deployment.preset).check_blob(deployment.key_id, data)
        async with self._turn:
            await asyncio.to_thread(self._store.blobs.put, name, data)

    async def put_watchlist(self, name: str, manifest: WatchlistManifest) -> None:
        """Put a watchlist into use, once every worker has loaded it."""
        deployment = self.get(name)
        rules(deployment.preset).check_shape(manifest)
        async with self._turn:
            if deployment.manifest == manifest:
                return
            load = self._load(deployment, manifest)
            await self._pool.enrol(load)
            await asyncio.to_thread(self._store.deployments.set_watchlist, name, manifest)
            self._held[name] = deployment.with_watchlist(manifest)
            named = {digest for block in manifest.blocks for digest in block}
            keep = frozenset(named | {deployment.bundle_digest})
            await asyncio.to_thread(self._store.blobs.keep_only, name, keep)
            if isinstance(load, Load):
                await asyncio.to_thread(self._store.prepared.keep_only, name, load.handle)

    async def _admit(self, offered: Deployment, bundle: bytes) -> None:
        await asyncio.to_thread(self._store.blobs.put, offered.id, bundle)
        path = self._store.blobs.require(offered.id, offered.bundle_digest)
        try:
            await self._pool.inspect(Inspect(bundle=str(path), preset=offered.preset, key_id=offered.key_id))
        except BlindwatchError:
            self._store.blobs.keep_only(offered.id, frozenset())
            raise
        await asyncio.to_thread(self._store.deployments.add, offered)
        self._held[offered.id] = offered

    def _load(self, deployment: Deployment, manifest: WatchlistManifest) -> Load | LoadGallery:
        blobs = self._store.blobs
        handle = hashlib.sha256(manifest.to_cbor()).hexdigest()
        blocks = tuple(
            tuple(str(blobs.require(deployment.id, digest)) for digest in block) for block in manifest.blocks
        )
        if rules(deployment.preset).use == "ranked":
            return LoadGallery(
                deployment=deployment.id,
                handle=handle,
                preset=deployment.preset,
                key_id=deployment.key_id,
                gallery=tuple(path for block in blocks for path in block),
            )
        return Load(
            deployment=deployment.id,
            handle=handle,
            bundle=str(blobs.require(deployment.id, deployment.bundle_digest)),
            preset=deployment.preset,
            key_id=deployment.key_id,
            threshold=deployment.threshold,
            mask_secret=deployment.mask_secret,
            prepared=str(self._store.prepared.path(deployment.id, handle)),
            blocks=blocks,
        )

    def _rules(self, name: str) -> RevealRules | RankedRules:
        found = rules(name)
        check_allowed(found, insecure=self._allow_insecure, ranked=self._allow_ranked)
        return found


def _terms(deployment: Deployment) -> tuple[object, ...]:
    """What a custodian offered; the mask secret is the server's own."""
    return (
        deployment.preset,
        deployment.key_id,
        deployment.model_digest,
        deployment.threshold,
        deployment.bundle_digest,
    )
