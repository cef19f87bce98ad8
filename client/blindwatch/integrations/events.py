"""Events: what happened, under a reference of its own. No image, no name, no score, no number of the server's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "alert.adjudicated",
    "deployment.started",
    "deployment.ended",
    "deployment.purged",
    "camera.offline",
    "threshold.changed",
    "retention.executed",
]
_ID_BYTES: Final = 16


@dataclass(frozen=True)
class Event:
    """Something that happened in a deployment; `id` tells a second delivery from a second event."""

    kind: Kind
    deployment: str
    at: datetime
    data: Mapping[str, str | None]
    id: str = field(default_factory=lambda: f"evt_{secrets.token_hex(_ID_BYTES)}")

    def to_json(self) -> bytes:
        """What is sent, the same to everybody and at every attempt: type, timestamp and data."""
        content = {
            "id": self.id,
            "type": self.kind,
            "timestamp": self.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "data": {"deployment": self.deployment, **self.data},
        }
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
