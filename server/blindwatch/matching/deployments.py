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
    EmptyWatchlist,
    MalformedMessage,
    TooLarge,
    UnknownDeployment,
    WrongPreset,
)
from blindwatch.he.preflight import check_ciphertext
from blindwatch.he.presets import Preset, preset
from blindwatch.matching.jobs import Inspect, Load
from blindwatch.matching.workers import WorkerPool
from blindwatch.store.database import Store
from blindwatch.store.deployments import Deployment
from blindwatch.wire import limits
from blindwatch.wire.messages import DeploymentInfo, DeploymentOffer, WatchlistManifest

MASK_SECRET_BYTES: Final = 32


class DeploymentDesk:
    """The deployments of this server. Custodians are served one at a time, so that uploads cannot mix."""

    def __init__(self, store: Store, pool: WorkerPool, allow_insecure: bool) -> None:
        self._store = store
        self._pool = pool
        self._allow_insecure = allow_insecure
        self._turn = asyncio.Lock()
        self._held = {deployment.id: deployment for deployment in store.deployments.all()}
        for deployment in self._held.values():
            self._preset(deployment.preset)

    def __len__(self) -> int:
        return len(self._held)

    def watchlists(self) -> list[Load]:
        """What every worker loads before its first job."""
        return [self._load(held, held.manifest) for held in self._held.values() if held.manifest is not None]

    def get(self, name: str) -> Deployment:
        """The deployment of this name."""
        try:
            return self._held[name]
        except KeyError:
            raise UnknownDeployment from None

    def ready(self, name: str) -> Deployment:
        """The deployment of this name, which must have a watchlist."""
        deployment = self.get(name)
        if deployment.manifest is None:
            raise DeploymentNotReady
        return deployment

    def describe(self, name: str) -> DeploymentInfo:
        """What the roles may know of a deployment."""
        deployment = self.get(name)
        return DeploymentInfo(
            deployment=deployment.id,
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
        self._preset(offer.preset).check_threshold(offer.threshold)
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
        check_ciphertext(preset(deployment.preset), data)
        async with self._turn:
            await asyncio.to_thread(self._store.blobs.put, name, data)

    async def put_watchlist(self, name: str, manifest: WatchlistManifest) -> None:
        """Put a watchlist into use, once every worker has loaded it."""
        deployment = self.get(name)
        _check_shape(preset(deployment.preset), manifest)
        async with self._turn:
            if deployment.manifest == manifest:
                return
            await self._pool.enrol(self._load(deployment, manifest))
            await asyncio.to_thread(self._store.deployments.set_watchlist, name, manifest)
            self._held[name] = deployment.with_watchlist(manifest)
            named = {digest for block in manifest.blocks for digest in block}
            keep = frozenset(named | {deployment.bundle_digest})
            await asyncio.to_thread(self._store.blobs.keep_only, name, keep)

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

    def _load(self, deployment: Deployment, manifest: WatchlistManifest) -> Load:
        blobs = self._store.blobs
        return Load(
            deployment=deployment.id,
            handle=hashlib.sha256(manifest.to_cbor()).hexdigest(),
            bundle=str(blobs.require(deployment.id, deployment.bundle_digest)),
            preset=deployment.preset,
            key_id=deployment.key_id,
            threshold=deployment.threshold,
            mask_secret=deployment.mask_secret,
            blocks=tuple(
                tuple(str(blobs.require(deployment.id, digest)) for digest in block)
                for block in manifest.blocks
            ),
        )

    def _preset(self, name: str) -> Preset:
        chosen = preset(name)
        if chosen.is_insecure and not self._allow_insecure:
            raise WrongPreset(
                "The preset encrypts nothing, so this server refuses it.",
                hint="Choose a preset that is not called insecure.",
            )
        return chosen


def _terms(deployment: Deployment) -> tuple[object, ...]:
    """What a custodian offered; the mask secret is the server's own."""
    return (
        deployment.preset,
        deployment.key_id,
        deployment.model_digest,
        deployment.threshold,
        deployment.bundle_digest,
    )


def _check_shape(chosen: Preset, manifest: WatchlistManifest) -> None:
    if manifest.entries == 0:
        raise EmptyWatchlist
    # Planning takes a step for each block, so it must not begin for any number of them.
    if manifest.entries > limits.BLOCKS * max(layout.capacity for layout in chosen.layouts):
        raise TooLarge(f"The watchlist has more entries than {limits.BLOCKS} blocks hold.")
    if [len(block) for block in manifest.blocks] != [
        layout.parts for layout in chosen.plan(manifest.entries)
    ]:
        raise MalformedMessage("The watchlist has other blocks than the preset plans for its entries.")
