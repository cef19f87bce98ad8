"""Deployments and their watchlists."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlalchemy import Engine, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from blindwatch.store.tables import DEPLOYMENTS, WATCHLISTS
from blindwatch.wire.messages import WatchlistManifest, now


@dataclass(frozen=True)
class Deployment:
    """One deployment as it is kept. The mask secret is not part of what it shows of itself."""

    id: str
    preset: str
    key_id: str
    model_digest: str
    threshold: int
    bundle_digest: str
    mask_secret: bytes = field(repr=False)
    manifest: WatchlistManifest | None = field(default=None, repr=False)

    def with_watchlist(self, manifest: WatchlistManifest) -> Deployment:
        """The same deployment with this watchlist."""
        return replace(self, manifest=manifest)


class Deployments:
    """The deployments of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, deployment: Deployment) -> None:
        """Keep a new deployment, which has no watchlist yet."""
        row = {
            "id": deployment.id,
            "preset": deployment.preset,
            "key_id": deployment.key_id,
            "model_digest": deployment.model_digest,
            "threshold": deployment.threshold,
            "bundle_digest": deployment.bundle_digest,
            "mask_secret": deployment.mask_secret,
            "created_at": now(),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(DEPLOYMENTS).values(row))

    def set_watchlist(self, deployment: str, manifest: WatchlistManifest) -> None:
        """Keep a watchlist in the place of the one before."""
        content = {"manifest": manifest.to_cbor(), "enrolled_at": now()}
        statement = upsert(WATCHLISTS).values(deployment=deployment, **content)
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=[WATCHLISTS.c.deployment], set_=content)
            )

    def all(self) -> list[Deployment]:
        """Every deployment with its watchlist."""
        statement = select(DEPLOYMENTS, WATCHLISTS.c.manifest).select_from(DEPLOYMENTS.outerjoin(WATCHLISTS))
        with self._engine.connect() as connection:
            rows = connection.execute(statement.order_by(DEPLOYMENTS.c.id)).all()
        return [
            Deployment(
                id=row.id,
                preset=row.preset,
                key_id=row.key_id,
                model_digest=row.model_digest,
                threshold=row.threshold,
                bundle_digest=row.bundle_digest,
                mask_secret=row.mask_secret,
                manifest=None if row.manifest is None else WatchlistManifest.from_cbor(row.manifest),
            )
            for row in rows
        ]
