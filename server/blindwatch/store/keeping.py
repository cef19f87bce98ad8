"""Encrypted probes that wait to be drawn for replay, and those that were drawn."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, and_, delete, insert, select, update

from blindwatch.errors import NotFound
from blindwatch.store.destroying import remove_folder
from blindwatch.store.tables import KEPT


class Keeping:
    """The probes that are kept, in a folder for each deployment, as their cameras signed and sent them.

    Who deletes one hides it from replay, which the log gives away; who reads one has what the server had before.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine

    def put(self, deployment: str, probe_id: str, body: bytes, until: float) -> None:
        """Let a probe wait to be drawn up to this time, in seconds of the epoch. It need not outlive the machine."""
        target = self._path(deployment, probe_id)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        row = {"deployment": deployment, "probe_id": probe_id, "drawn": False, "until": until}
        with self._engine.begin() as connection:
            connection.execute(insert(KEPT).values(row))
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)

    def draw(self, deployment: str, probe_ids: Iterable[str]) -> list[str]:
        """Keep these beyond the time in which they could be drawn; those of them that are there."""
        drawn = []
        with self._engine.begin() as connection:
            for probe_id in probe_ids:
                kept = update(KEPT).where(_one(deployment, probe_id)).values(drawn=True)
                if connection.execute(kept).rowcount:
                    drawn.append(probe_id)
        return drawn

    def drawn(self, deployment: str) -> list[str]:
        """The probes that were drawn."""
        found = select(KEPT.c.probe_id).where(KEPT.c.deployment == deployment, KEPT.c.drawn)
        with self._engine.connect() as connection:
            return sorted(connection.execute(found).scalars())

    def read(self, deployment: str, probe_id: str) -> bytes:
        """A probe that was drawn; raises NotFound."""
        if probe_id not in self.drawn(deployment):
            raise NotFound("No probe of this identifier is kept.")
        try:
            return self._path(deployment, probe_id).read_bytes()
        except OSError:
            raise NotFound("The probe is gone from the store.") from None

    def drop_of(self, deployment: str, probe_ids: Collection[str]) -> None:
        """Delete those of these probes that were not drawn."""
        self._drop(and_(KEPT.c.deployment == deployment, KEPT.c.probe_id.in_(probe_ids)))

    def drop_late(self, at: float) -> None:
        """Delete what nobody has drawn in its time, which is over at this one, in seconds of the epoch."""
        self._drop(KEPT.c.until <= at)

    def drop_undrawn(self, deployment: str) -> None:
        """Delete everything of a deployment that was not drawn."""
        self._drop(KEPT.c.deployment == deployment)

    def drop(self, deployment: str) -> int:
        """Delete everything of a deployment and return how many probes there were; raises NotDestroyed."""
        remove_folder(self._folder / deployment)
        with self._engine.begin() as connection:
            return connection.execute(delete(KEPT).where(KEPT.c.deployment == deployment)).rowcount

    def _drop(self, which: ColumnElement[bool]) -> None:
        found = select(KEPT.c.deployment, KEPT.c.probe_id).where(which, ~KEPT.c.drawn)
        with self._engine.begin() as connection:
            for deployment, probe_id in connection.execute(found).all():
                self._path(deployment, probe_id).unlink(missing_ok=True)
                connection.execute(delete(KEPT).where(_one(deployment, probe_id)))

    def _path(self, deployment: str, probe_id: str) -> Path:
        return self._folder / deployment / probe_id


def _one(deployment: str, probe_id: str) -> ColumnElement[bool]:
    return and_(KEPT.c.deployment == deployment, KEPT.c.probe_id == probe_id)
