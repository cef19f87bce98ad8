"""Deployments that are over: what was destroyed of each, and the receipt of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Connection, Engine, delete, func, insert, select, update

from blindwatch.statements.predicates import Destroyed
from blindwatch.store.deployments import Deployment
from blindwatch.store.destroying import empty_journal
from blindwatch.store.tables import (
    AUTHORISATIONS,
    CLOSURES,
    DEPLOYMENTS,
    NONCES,
    RESULTS,
    REVOCATIONS,
    STOPS,
    TERMS,
    TOMBSTONES,
)
from blindwatch.tlog.policy import Policy
from blindwatch.wire.messages import now


@dataclass(frozen=True)
class Closure:
    """The end of one deployment: begun, and done once there is a receipt."""

    id: str
    manifest_digest: str
    closing_digest: str | None
    destroyed: tuple[Destroyed, ...]
    audit_until: float
    """When what replay needs is destroyed as well, in seconds of the epoch."""
    log_policy: str
    receipt: bytes | None = field(default=None, repr=False)

    @cached_property
    def witnesses(self) -> Policy:
        """Who has to see the log up to the end of the audit."""
        return Policy.parse(self.log_policy.encode())


class Closures:
    """The closed deployments of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(
        self,
        deployment: Deployment,
        closing_digest: str | None,
        files: tuple[Destroyed, ...],
        audit_until: float,
    ) -> Closure:
        """Note that a deployment is over, before anything of it is destroyed. It gets no more results from now on."""
        manifest_digest = deployment.shown.manifest_statement.digest
        row: dict[str, Any] = {
            "id": deployment.id,
            "manifest_digest": manifest_digest,
            "closing_digest": closing_digest,
            "mask_secret": deployment.mask_secret,
            "destroyed": "[]",
            "begun_at": now(),
            "audit_until": audit_until,
            "log_policy": deployment.shown.manifest.log_policy,
        }
        with self._engine.begin() as connection:
            # Writing first keeps everybody else from writing until the rows are counted.
            connection.execute(insert(CLOSURES).values(row))
            destroyed = (*files, *_rows(connection, deployment.id))
            counted = json.dumps([each.model_dump() for each in destroyed])
            connection.execute(
                update(CLOSURES).where(CLOSURES.c.id == deployment.id).values(destroyed=counted)
            )
        return Closure(
            deployment.id, manifest_digest, closing_digest, destroyed, audit_until, row["log_policy"]
        )

    def forget(self, deployment: str) -> None:
        """Delete every row of the deployment, from the journal as well; raises NotDestroyed."""
        with self._engine.begin() as connection:
            connection.execute(delete(DEPLOYMENTS).where(DEPLOYMENTS.c.id == deployment))
        empty_journal(self._engine)

    def finish(self, deployment: str, receipt: bytes) -> None:
        """Keep the receipt."""
        done = update(CLOSURES).where(CLOSURES.c.id == deployment).values(receipt=receipt)
        with self._engine.begin() as connection:
            connection.execute(done)

    def mask_secret(self, deployment: str) -> bytes:
        """The secret of the masks of a deployment that is over; empty once it is destroyed."""
        found = select(CLOSURES.c.mask_secret).where(CLOSURES.c.id == deployment)
        with self._engine.connect() as connection:
            return connection.execute(found).scalar() or b""

    def audits_due(self, at: float) -> list[str]:
        """The deployments whose audits are over `at` this time, and whose secret of the masks is still there."""
        late = select(CLOSURES.c.id).where(
            CLOSURES.c.receipt.is_not(None), CLOSURES.c.audit_until <= at, CLOSURES.c.mask_secret != b""
        )
        with self._engine.connect() as connection:
            return list(connection.execute(late).scalars())

    def end_audit(self, deployment: str) -> None:
        """Destroy the secret of the masks, in the journal as well; raises NotDestroyed."""
        done = update(CLOSURES).where(CLOSURES.c.id == deployment).values(mask_secret=b"")
        with self._engine.begin() as connection:
            connection.execute(done)
        empty_journal(self._engine)

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
                audit_until=row.audit_until,
                log_policy=row.log_policy,
                receipt=row.receipt,
            )
            for row in rows
        ]


def _rows(connection: Connection, deployment: str) -> tuple[Destroyed, ...]:
    """What the tables hold of a deployment; SQLite overwrites what is deleted from them."""
    statements = (
        *(TERMS.c.manifest, TERMS.c.watchlist, TOMBSTONES.c.statement),
        *(REVOCATIONS.c.statement, STOPS.c.statement, AUTHORISATIONS.c.statement),
    )
    kinds = {"results": (RESULTS.c.body,), "statements": statements, "nonces": (NONCES.c.nonce,)}
    return tuple(_counted(connection, deployment, what, columns) for what, columns in kinds.items())


def _counted(
    connection: Connection, deployment: str, what: str, columns: tuple[Column[Any], ...]
) -> Destroyed:
    found = [
        connection.execute(
            select(func.count(), func.coalesce(func.sum(func.length(column)), 0)).where(
                column.table.c.deployment == deployment
            )
        ).one()
        for column in columns
    ]
    return Destroyed(what=what, count=sum(count for count, _ in found), size=sum(size for _, size in found))
