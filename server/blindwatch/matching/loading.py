"""From a deployment's terms to the job that has workers load its list."""

from __future__ import annotations

from blindwatch.he import labels
from blindwatch.matching.jobs import Load, LoadGallery
from blindwatch.store.database import Store
from blindwatch.store.deployments import Deployment, Terms


def loading(store: Store, deployment: Deployment, terms: Terms) -> Load | LoadGallery:
    """What every worker does to serve these terms; raises MissingBlob."""
    blobs, manifest, watchlist = store.blobs, terms.manifest, terms.watchlist
    listed = terms.watchlist_statement.digest
    handle = labels.handle(listed, manifest.thresholds.gate)
    blocks = tuple(
        tuple(str(blobs.require(deployment.id, digest)) for digest in block) for block in watchlist.blocks
    )
    if manifest.use == "ranked":
        return LoadGallery(
            deployment=deployment.id,
            handle=handle,
            listed=listed,
            preset=manifest.preset,
            key_id=manifest.key_id,
            gallery=tuple(path for block in blocks for path in block),
        )
    return Load(
        deployment=deployment.id,
        handle=handle,
        listed=listed,
        bundle=str(blobs.require(deployment.id, manifest.bundle_digest)),
        preset=manifest.preset,
        key_id=manifest.key_id,
        threshold=manifest.thresholds.gate,
        mask_secret=deployment.mask_secret,
        prepared=str(store.prepared.path(deployment.id, listed)),
        blocks=blocks,
    )
