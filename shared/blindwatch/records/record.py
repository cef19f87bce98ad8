"""Records: the entries of a transparency log, as strict CBOR. They hold digests and commitments, never ciphertexts.

Times are coarse, to the minute, so that a record does not tell when exactly somebody passed a camera.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Final

from blindwatch.wire import limits
from blindwatch.wire.messages import DeploymentId, Message, Timestamp

MINUTE: Final = "minutes"


class Record(Message):
    """One entry of a log. The field `kind` of every record says which one it is."""

    limit: ClassVar[int] = limits.LOG_ENTRY

    at: Timestamp


class OfDeployment(Record):
    """A record about one deployment."""

    deployment: DeploymentId


def minute(at: datetime | None = None) -> str:
    """A time, or the current one, cut down to its minute, as records carry it."""
    cut = (at or datetime.now(UTC)).astimezone(UTC).replace(second=0, microsecond=0)
    return cut.strftime("%Y-%m-%dT%H:%M:%SZ")
