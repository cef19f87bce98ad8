"""Reading the records of a log."""

from __future__ import annotations

from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from blindwatch.errors import BlindwatchError, MalformedLog
from blindwatch.records.operator import OperatorRecord
from blindwatch.records.server import ServerRecord
from blindwatch.wire import cbor, limits

T = TypeVar("T")

_SERVER: Final[TypeAdapter[ServerRecord]] = TypeAdapter(ServerRecord)
_OPERATOR: Final[TypeAdapter[OperatorRecord]] = TypeAdapter(OperatorRecord)


def server_record(entry: bytes) -> ServerRecord:
    """A record of a match server; raises MalformedLog."""
    return _read(_SERVER, entry)


def operator_record(entry: bytes) -> OperatorRecord:
    """A record of an operator's side; raises MalformedLog."""
    return _read(_OPERATOR, entry)


def _read(adapter: TypeAdapter[T], entry: bytes) -> T:
    try:
        return adapter.validate_python(cbor.decode(entry, limits.LOG_ENTRY), by_alias=True, by_name=False)
    except (ValidationError, BlindwatchError):
        raise MalformedLog("An entry of the log is not a record.") from None
