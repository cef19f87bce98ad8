"""The server's log: one JSON object a line, with no data of any request in it."""

from __future__ import annotations

import json
import logging
from typing import Final

from blindwatch.wire.messages import now

_LOGGER: Final = logging.getLogger("blindwatch.server")

Field = str | int | float


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event = {"at": now(), "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(event | getattr(record, "fields", {}))


def configure() -> None:
    """Send the log to standard error, and nothing of what libraries would log by themselves."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def info(event: str, **fields: Field) -> None:
    """Note something usual."""
    _LOGGER.info(event, extra={"fields": fields})


def warning(event: str, **fields: Field) -> None:
    """Note something that somebody should look at."""
    _LOGGER.warning(event, extra={"fields": fields})
