"""What a log says of one deployment, put in order: the course of every probe, and what happened to the deployment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from blindwatch.records.record import Record
from blindwatch.records.server import (
    ProbeAccepted,
    ResultDeleted,
    ResultReleased,
    SearchAccepted,
)
from blindwatch.statements.predicates import instant

Kind = TypeVar("Kind", bound=Record, covariant=True)


@dataclass(frozen=True)
class Event(Generic[Kind]):
    """A record with its index in the log, and its leaf hash."""

    index: int
    leaf: bytes
    record: Kind

    @property
    def at(self) -> datetime:
        """When it was, to the minute."""
        return instant(self.record.at)


@dataclass
class Passage:
    """What became of one probe or search: each should have happened once, in this order."""

    accepted: list[Event[ProbeAccepted | SearchAccepted]] = field(default_factory=list)
    released: list[Event[ResultReleased]] = field(default_factory=list)
    deleted: list[Event[ResultDeleted]] = field(default_factory=list)


class Course:
    """All events of one deployment in the order of the log, and the starts of the server."""

    def __init__(self, events: Iterable[Event[Record]]) -> None:
        self.events = tuple(events)
        self.passages: dict[str, Passage] = {}
        self._by_kind: dict[type[Record], list[Event[Any]]] = {}
        for event in self.events:
            self._by_kind.setdefault(type(event.record), []).append(event)
            self._pass(event)

    def of(self, kind: type[Kind]) -> list[Event[Kind]]:
        """The events of one kind."""
        return self._by_kind.get(kind, [])

    def last(self, kind: type[Kind], before: int | None = None) -> Event[Kind] | None:
        """The last event of one kind, or the last one before an index of the log."""
        found = self.of(kind)
        end = len(found) if before is None else bisect_left(found, before, key=_index)
        return found[end - 1] if end else None

    def next(self, kind: type[Kind], after: int) -> Event[Kind] | None:
        """The first event of one kind after an index of the log."""
        found = self.of(kind)
        start = bisect_right(found, after, key=_index)
        return found[start] if start < len(found) else None

    def within(self, kind: type[Kind], first: int, end: int) -> list[Event[Kind]]:
        """The events of one kind in a range of the log, whose end is no longer in it."""
        found = self.of(kind)
        return found[bisect_left(found, first, key=_index) : bisect_left(found, end, key=_index)]

    def _pass(self, event: Event[Any]) -> None:
        match event.record:
            case ProbeAccepted(probe_id=name) | SearchAccepted(search_id=name):
                self._passage(name).accepted.append(event)
            case ResultReleased(probe_id=name):
                self._passage(name).released.append(event)
            case ResultDeleted(probe_id=name):
                self._passage(name).deleted.append(event)

    def _passage(self, name: str) -> Passage:
        return self.passages.setdefault(name, Passage())


def _index(event: Event[Any]) -> int:
    return event.index
