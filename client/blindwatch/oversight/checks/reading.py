"""Reading the whole log of a bundle once, for all checks: its events of one deployment, and the times of all."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blindwatch.errors import MalformedLog
from blindwatch.oversight.checks.course import Course, Event
from blindwatch.records.reading import server_record
from blindwatch.records.record import OfDeployment
from blindwatch.records.server import Started
from blindwatch.statements.predicates import instant
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.fetching import from_folder
from blindwatch.tlog.following import verify_whole
from blindwatch.tlog.keys import VerifierKey
from blindwatch.tlog.reading import LogView

Progress = Callable[[int], None]
"""Is told how many entries were read."""


@dataclass
class WholeLog:
    """A log that is what was signed."""

    folder: Path
    signed: SignedCheckpoint
    course: Course
    counts: Counter[str]
    unreadable: list[int]
    times: array[float]
    """Of every entry, in seconds of POSIX; that of the entry before where one cannot be read."""

    @property
    def checkpoint(self) -> Checkpoint:
        """What was signed."""
        return self.signed.checkpoint

    @property
    def latest(self) -> float:
        """The latest time of any record, in seconds of POSIX; 0 of an empty log."""
        return max(self.times, default=0.0)

    def view(self) -> LogView:
        """For proofs."""
        return LogView(from_folder(self.folder), self.checkpoint)


@dataclass
class _Reader:
    deployment: str
    progress: Progress
    events: list[Event[Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    unreadable: list[int] = field(default_factory=list)
    times: array[float] = field(default_factory=lambda: array("d"))

    def take(self, first: int, entries: Sequence[bytes]) -> None:
        for index, entry in enumerate(entries, first):
            self._read(index, entry)
        self.progress(first + len(entries))

    def _read(self, index: int, entry: bytes) -> None:
        try:
            record = server_record(entry)
        except MalformedLog:
            self.unreadable.append(index)
            self.times.append(self.times[-1] if self.times else 0.0)
            return
        self.counts[record.kind] += 1
        self.times.append(instant(record.at).timestamp())
        ours = isinstance(record, OfDeployment) and record.deployment == self.deployment
        if ours or isinstance(record, Started):
            self.events.append(Event(index, merkle.leaf_hash(entry), record))


def read_whole(
    folder: Path, key: VerifierKey, deployment: str, progress: Progress = lambda _: None
) -> WholeLog:
    """Verify a log from its first entry to its checkpoint, and read it; raises a LogError."""
    reader = _Reader(deployment, progress)
    signed = verify_whole(folder, key, reader.take)
    return WholeLog(folder, signed, Course(reader.events), reader.counts, reader.unreadable, reader.times)
