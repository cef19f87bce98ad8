"""Reading the records of a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from blindwatch.errors import BlindwatchError, MalformedLog
from blindwatch.records.operator import (
    Alerted,
    Answer,
    CheckAnswered,
    Checked,
    Compared,
    ComparisonAnswered,
    OperatorRecord,
)
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


def answered(records: Sequence[OperatorRecord]) -> list[tuple[Checked, Answer]]:
    """The checks of one person with what each has given, in the order of the records."""
    answers = {each.check: each.answer for each in records if isinstance(each, CheckAnswered)}
    return [(each, answers.get(each.check, "unanswered")) for each in records if isinstance(each, Checked)]


def compared(records: Sequence[OperatorRecord]) -> list[tuple[Compared, Answer]]:
    """The comparisons with one entry with what each has given, in the order of the records."""
    answers = {each.comparison: each.answer for each in records if isinstance(each, ComparisonAnswered)}
    made = (each for each in records if isinstance(each, Compared))
    return [(each, answers.get(each.comparison, "unanswered")) for each in made]


def alerts_by_entry(records: Iterable[OperatorRecord]) -> Counter[str]:
    """How many alerts there were about each entry, by its pseudonym."""
    return Counter(name for each in records if isinstance(each, Alerted) for name in each.about)


def _read(adapter: TypeAdapter[T], entry: bytes) -> T:
    try:
        return adapter.validate_python(cbor.decode(entry, limits.LOG_ENTRY), by_alias=True, by_name=False)
    except (ValidationError, BlindwatchError):
        raise MalformedLog("An entry of the log is not a record.") from None
