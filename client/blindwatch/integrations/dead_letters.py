"""Dead letters: events that no attempt could deliver, in a file, for a person to look at."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

from blindwatch.errors import ConfigurationError
from blindwatch.integrations.events import Event

_MODE: Final = 0o600


@dataclass(frozen=True)
class DeadLetters:
    """A private file with one JSON object in each line: when, to whom, why not, and the event as it was to be sent.

    Nothing is sent from it again: an alarm that comes an hour late sends somebody after a person who is long gone.
    """

    path: Path
    _lock: Lock = field(default_factory=Lock, repr=False)

    def check(self) -> None:
        """Refuse a file that cannot be written, before anything happens that would have to go there."""
        try:
            self._write(b"")
        except OSError as error:
            raise ConfigurationError(
                f"The file for events that were not delivered cannot be written ({error.strerror})."
            ) from None

    def add(self, destination: str, why: str, event: Event) -> bool:
        """Add one; false if the file cannot be written."""
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "destination": destination,
            "why": why,
            "event": json.loads(event.to_json()),
        }
        try:
            self._write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        except OSError:
            return False
        return True

    def _write(self, data: bytes) -> None:
        with self._lock:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
            with os.fdopen(descriptor, "ab") as file:
                file.write(data)
