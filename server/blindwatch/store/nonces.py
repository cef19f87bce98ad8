"""What is used up: nonces of cameras and authorisations of operators, and the number of probes and of searches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import IntegrityError

from blindwatch.errors import QueryBudgetUsed, ReplayedRequest, UnknownDeployment
from blindwatch.store.tables import NONCES, PROBE_COUNTS
from blindwatch.wire.signatures import Verified

MARGIN_SECONDS: Final = 300.0
"""How long a nonce outlives its signature, for the case that the server's clock is set back."""
_MINUTE: Final = 60.0
_SEARCHES: Final = "searches"
"""Where searches are counted, beside the cameras."""


@dataclass(frozen=True)
class Budget:
    """How many probes a camera may send, or operators searches: in each minute of the clock, and until the end."""

    per_minute: int
    per_deployment: int
    ends: float
    """Seconds of the epoch."""


class Nonces:
    """The used nonces of a store. The database decides which of two requests with one nonce was the first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def admit(self, deployment: str, signature: Verified, at: float, budget: Budget | None = None) -> None:
        """Use up a nonce and, where there is a budget, one probe of it; what is refused has used its nonce as well.

        Raises ReplayedRequest, QueryBudgetUsed or, if the deployment was closed just now, UnknownDeployment.
        """
        try:
            with self._engine.begin() as connection:
                # The first statement writes, so whoever comes second waits here and sees what the first one did.
                connection.execute(delete(NONCES).where(NONCES.c.kept_until <= at))
                _use(connection, deployment, signature.key_id, signature.nonce, signature.expires)
                refusal = None
                if budget is not None:
                    refusal = _spend(connection, deployment, signature.key_id, at, budget)
        except IntegrityError:
            raise UnknownDeployment from None
        if refusal is not None:
            raise refusal

    def use(self, deployment: str, key_id: str, nonce: str, expires: float) -> None:
        """Use up what a key has signed, by its name; raises ReplayedRequest, or UnknownDeployment."""
        try:
            with self._engine.begin() as connection:
                _use(connection, deployment, key_id, nonce, expires)
        except IntegrityError:
            raise UnknownDeployment from None

    def count_search(self, deployment: str, at: float, budget: Budget) -> None:
        """Use up one search, whoever of the operators makes it; raises QueryBudgetUsed or UnknownDeployment."""
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(NONCES).where(NONCES.c.kept_until <= at))
                refusal = _spend(connection, deployment, _SEARCHES, at, budget)
        except IntegrityError:
            raise UnknownDeployment from None
        if refusal is not None:
            raise refusal

    def spent(self, deployment: str, camera_key: str) -> int:
        """How many probes a camera has sent to a deployment."""
        with self._engine.connect() as connection:
            row = connection.execute(_count(deployment, camera_key)).one_or_none()
        return 0 if row is None else int(row.total)


def _use(connection: Connection, deployment: str, key_id: str, nonce: str, expires: float) -> None:
    row = {
        "deployment": deployment,
        "camera_key": key_id,
        "nonce": nonce,
        "kept_until": expires + MARGIN_SECONDS,
    }
    if not connection.execute(insert(NONCES).values(row).on_conflict_do_nothing()).rowcount:
        raise ReplayedRequest


def _spend(
    connection: Connection, deployment: str, camera_key: str, at: float, budget: Budget
) -> QueryBudgetUsed | None:
    """Count one probe, or say why it is one too many."""
    row = connection.execute(_count(deployment, camera_key)).one_or_none()
    minute = int(at // _MINUTE)
    total = 0 if row is None else row.total
    in_minute = row.in_minute if row is not None and row.minute == minute else 0
    if total >= budget.per_deployment:
        return QueryBudgetUsed(
            "There were as many probes or searches as the policy profile allows in one deployment.",
            retry_seconds=max(1, math.ceil(budget.ends - at)),
        )
    if in_minute >= budget.per_minute:
        return QueryBudgetUsed(
            "There were as many probes or searches as the policy profile allows in one minute.",
            retry_seconds=math.ceil((minute + 1) * _MINUTE - at),
        )
    counts = {"total": total + 1, "minute": minute, "in_minute": in_minute + 1}
    written = insert(PROBE_COUNTS).values(deployment=deployment, camera_key=camera_key, **counts)
    connection.execute(
        written.on_conflict_do_update(index_elements=["deployment", "camera_key"], set_=counts)
    )
    return None


def _count(deployment: str, camera_key: str) -> Select[tuple[Any, ...]]:
    return select(PROBE_COUNTS).where(
        PROBE_COUNTS.c.deployment == deployment, PROBE_COUNTS.c.camera_key == camera_key
    )
