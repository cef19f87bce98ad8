"""Deletion that a receipt may be signed for: what cannot be deleted is an error."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Engine

from blindwatch.cli import files
from blindwatch.errors import NotDestroyed


def remove_folder(folder: Path) -> None:
    """Delete a folder with all that is in it; raises NotDestroyed. One that is not there is no error."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
        files.settle(folder.parent)
    except OSError as error:
        raise NotDestroyed(
            f"A folder of the deployment cannot be deleted ({error.strerror}).",
            "Give the server its rights over the store again; it goes on trying.",
        ) from None


def empty_journal(engine: Engine) -> None:
    """Write the journal into the database and empty it, so that it holds nothing that was deleted."""
    with engine.connect() as connection:
        busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    if busy:
        raise NotDestroyed("The journal of the store is in use.", "The server goes on trying.")
