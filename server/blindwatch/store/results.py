"""Results that wait to be fetched."""

from __future__ import annotations

from sqlalchemy import Engine, delete, exists, func, insert, literal, select

from blindwatch.errors import DeploymentClosed
from blindwatch.store.destroying import empty_journal
from blindwatch.store.tables import CLOSURES, RESULTS
from blindwatch.wire import limits


class Results:
    """The waiting results of a store, oldest first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def holds(self, deployment: str, probe_id: str) -> bool:
        """Whether the result of this probe is waiting."""
        found = exists().where(RESULTS.c.deployment == deployment, RESULTS.c.probe_id == probe_id)
        with self._engine.connect() as connection:
            return bool(connection.execute(select(found)).scalar())

    def add(self, deployment: str, probe_id: str, body: bytes, expires: float) -> None:
        """Keep a result until it is deleted or its time (seconds of the epoch) is over; raises DeploymentClosed."""
        row = {"deployment": deployment, "probe_id": probe_id, "body": body, "expires": expires}
        # In one statement, so that none slips in between the count for a receipt and the deletion.
        values = select(*(literal(value, RESULTS.c[name].type) for name, value in row.items()))
        closed = exists().where(CLOSURES.c.id == deployment)
        with self._engine.begin() as connection:
            added = connection.execute(insert(RESULTS).from_select(list(row), values.where(~closed)))
        if not added.rowcount:
            raise DeploymentClosed

    def find(self, deployment: str, probe_id: str, at: float) -> bytes | None:
        """The result of one probe or search, if it is waiting and not expired `at` this time."""
        body = select(RESULTS.c.body).where(
            RESULTS.c.deployment == deployment, RESULTS.c.probe_id == probe_id, RESULTS.c.expires > at
        )
        with self._engine.connect() as connection:
            return connection.execute(body).scalar()

    def oldest(self, deployment: str, at: float) -> list[bytes]:
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
            bodies = select(RESULTS.c.body).where(RESULTS.c.sequence.in_(chosen)).order_by(RESULTS.c.sequence)
            return list(connection.execute(bodies).scalars())

    def delete(self, deployment: str, probe_id: str) -> bool:
        """Delete a result; false if there is none."""
        one = delete(RESULTS).where(RESULTS.c.deployment == deployment, RESULTS.c.probe_id == probe_id)
        with self._engine.begin() as connection:
            return connection.execute(one).rowcount > 0

    def expire(self, at: float) -> int:
        """Delete what has expired `at` this time, also from the journal, and return how many there were."""
        with self._engine.begin() as connection:
            expired = connection.execute(delete(RESULTS).where(RESULTS.c.expires <= at)).rowcount
        empty_journal(self._engine)
        return expired
