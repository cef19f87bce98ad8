"""Results that wait to be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Delete, Engine, delete, exists, func, insert, literal, select

from blindwatch.errors import DeploymentClosed
from blindwatch.store.destroying import empty_journal
from blindwatch.store.tables import CLOSURES, RESULTS
from blindwatch.wire import limits


@dataclass(frozen=True)
class Waiting:
    """A result that waits to be fetched, and the record of its release with its index in the log."""

    body: bytes = field(repr=False)
    record: bytes
    index: int


_WAITING: Final = (RESULTS.c.body, RESULTS.c.record, RESULTS.c.log_index)


class Results:
    """The waiting results of a store, oldest first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def holds(self, deployment: str, probe_id: str) -> bool:
        """Whether the result of this probe is waiting."""
        found = exists().where(RESULTS.c.deployment == deployment, RESULTS.c.probe_id == probe_id)
        with self._engine.connect() as connection:
            return bool(connection.execute(select(found)).scalar())

    def add(self, deployment: str, probe_id: str, result: Waiting, expires: float) -> None:
        """Keep a result until it is deleted or its time (seconds of the epoch) is over; raises DeploymentClosed."""
        row = {
            "deployment": deployment,
            "probe_id": probe_id,
            "body": result.body,
            "record": result.record,
            "log_index": result.index,
            "expires": expires,
        }
        # In one statement, so that none slips in between the count for a receipt and the deletion.
        values = select(*(literal(value, RESULTS.c[name].type) for name, value in row.items()))
        closed = exists().where(CLOSURES.c.id == deployment)
        with self._engine.begin() as connection:
            added = connection.execute(insert(RESULTS).from_select(list(row), values.where(~closed)))
        if not added.rowcount:
            raise DeploymentClosed

    def find(self, deployment: str, probe_id: str, at: float) -> Waiting | None:
        """The result of one probe or search, if it is waiting and not expired `at` this time."""
        found = select(*_WAITING).where(
            RESULTS.c.deployment == deployment, RESULTS.c.probe_id == probe_id, RESULTS.c.expires > at
        )
        with self._engine.connect() as connection:
            row = connection.execute(found).one_or_none()
        return row and Waiting(*row)

    def oldest(self, deployment: str, at: float) -> list[Waiting]:
        """The oldest results not expired `at` this time: as many as a batch holds, and at least one."""
        size = func.length(RESULTS.c.body)
        statement = (
            select(RESULTS.c.sequence, size)
            .where(RESULTS.c.deployment == deployment, RESULTS.c.expires > at)
            .order_by(RESULTS.c.sequence)
            .limit(limits.BATCH_RESULTS)
        )
        with self._engine.connect() as connection:
            chosen: list[int] = []
            room = limits.BATCH_TARGET
            for sequence, length in connection.execute(statement).all():
                room -= length
                if chosen and room < 0:
                    break
                chosen.append(sequence)
            rows = select(*_WAITING).where(RESULTS.c.sequence.in_(chosen)).order_by(RESULTS.c.sequence)
            return [Waiting(*row) for row in connection.execute(rows)]

    def delete(self, deployment: str, probe_id: str) -> bool:
        """Delete a result; false if there is none."""
        with self._engine.begin() as connection:
            return connection.execute(_one(deployment, probe_id)).rowcount > 0

    def expired(self, at: float) -> list[tuple[str, str]]:
        """The deployments and probes of the results that have expired `at` this time."""
        late = select(RESULTS.c.deployment, RESULTS.c.probe_id).where(RESULTS.c.expires <= at)
        with self._engine.connect() as connection:
            return [(deployment, probe_id) for deployment, probe_id in connection.execute(late)]

    def waiting(self, deployment: str) -> list[str]:
        """The probes whose results are waiting."""
        every = select(RESULTS.c.probe_id).where(RESULTS.c.deployment == deployment)
        with self._engine.connect() as connection:
            return list(connection.execute(every).scalars())

    def forget(self, results: Iterable[tuple[str, str]]) -> None:
        """Delete results, also from the journal."""
        with self._engine.begin() as connection:
            for deployment, probe_id in results:
                connection.execute(_one(deployment, probe_id))
        empty_journal(self._engine)


def _one(deployment: str, probe_id: str) -> Delete:
    return delete(RESULTS).where(RESULTS.c.deployment == deployment, RESULTS.c.probe_id == probe_id)
