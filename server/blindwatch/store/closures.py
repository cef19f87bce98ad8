"""Deployments that are over: what was destroyed of each, and the receipt of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sqlalchemy import Engine, delete, func, insert, select, update

from blindwatch.statements.predicates import Destroyed
from blindwatch.store.deployments import Deployment
from blindwatch.store.tables import CLOSURES, DEPLOYMENTS, RESULTS
from blindwatch.wire.messages import now


@dataclass(frozen=True)
class Closure:
    """The end of one deployment: begun, and done once there is a receipt."""

    id: str
    manifest_digest: str
    closing_digest: str | None
    destroyed: tuple[Destroyed, ...]
    receipt: bytes | None = field(default=None, repr=False)


class Closures:
    """The closed deployments of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def results(self, deployment: str) -> Destroyed:
        """How many results are waiting, and of how many bytes."""
        counted = select(func.count(), func.coalesce(func.sum(func.length(RESULTS.c.body)), 0))
        with self._engine.connect() as connection:
            count, size = connection.execute(counted.where(RESULTS.c.deployment == deployment)).one()
        return Destroyed(what="results", count=count, size=size)

    def begin(
        self, deployment: Deployment, closing_digest: str | None, destroyed: tuple[Destroyed, ...]
    ) -> Closure:
        """Note that a deployment is over, before anything of it is destroyed."""
        closure = Closure(
            deployment.id, deployment.shown.manifest_statement.digest, closing_digest, destroyed
        )
        row = {
            "id": closure.id,
            "manifest_digest": closure.manifest_digest,
            "closing_digest": closing_digest,
            "mask_secret": deployment.mask_secret,
            "destroyed": json.dumps([each.model_dump() for each in destroyed]),
            "begun_at": now(),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(CLOSURES).values(row))
        return closure

    def forget(self, deployment: str) -> None:
        """Delete every row of the deployment, from the journal as well."""
        with self._engine.begin() as connection:
            connection.execute(delete(DEPLOYMENTS).where(DEPLOYMENTS.c.id == deployment))
        with self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def finish(self, deployment: str, receipt: bytes) -> None:
        """Keep the receipt."""
        done = update(CLOSURES).where(CLOSURES.c.id == deployment).values(receipt=receipt)
        with self._engine.begin() as connection:
            connection.execute(done)

    def all(self) -> list[Closure]:
        """Every closure, done or begun."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(CLOSURES).order_by(CLOSURES.c.id)).all()
        return [
            Closure(
                id=row.id,
                manifest_digest=row.manifest_digest,
                closing_digest=row.closing_digest,
                destroyed=tuple(Destroyed.model_validate(each) for each in json.loads(row.destroyed)),
                receipt=row.receipt,
            )
            for row in rows
        ]
