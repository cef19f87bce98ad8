"""What cameras have said they saw, by the minute."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from blindwatch.errors import UnknownDeployment
from blindwatch.store.tables import FACE_COUNTS
from blindwatch.wire.messages import FacesSeen

_NUMBERS: Final = ("faces", "dropped", "unusable")


class Counts:
    """The minutes of the cameras of a store: of each camera and minute there is one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, deployment: str, camera: str, minute: str) -> FacesSeen | None:
        """What a camera saw in a minute, if it has said so."""
        columns = FACE_COUNTS.c
        found = select(*(columns[each] for each in _NUMBERS)).where(
            columns.deployment == deployment, columns.camera == camera, columns.minute == minute
        )
        with self._engine.connect() as connection:
            row = connection.execute(found).one_or_none()
        return None if row is None else FacesSeen(camera=camera, **dict(zip(_NUMBERS, row, strict=True)))

    def add(self, deployment: str, minute: str, seen: FacesSeen) -> None:
        """Keep what a camera says; raises UnknownDeployment if it was closed just now."""
        row = {"deployment": deployment, "minute": minute, **seen.model_dump()}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(FACE_COUNTS).values(row))
        except IntegrityError:
            raise UnknownDeployment from None
