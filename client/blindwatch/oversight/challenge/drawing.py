"""Which results a challenge can draw, which it draws, and whether the server kept just those."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from blindwatch.errors import MalformedLog
from blindwatch.oversight.challenge.state import Outcome
from blindwatch.records import replaying
from blindwatch.records.reading import server_record
from blindwatch.records.server import ResultReleased, Started
from blindwatch.statements.predicates import Challenge, instant
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import Checkpoint
from blindwatch.tlog.fetching import Fetch
from blindwatch.tlog.following import follow
from blindwatch.tlog.reading import LogView
from blindwatch.wire import limits

_SKEW: Final = timedelta(minutes=1)
"""Between the clocks of server and oversight body."""


@dataclass(frozen=True)
class Drawable:
    """A result that a challenge can draw: where its record is, the hash of that as a leaf, and whether the server
    was started anew since."""

    index: int
    probe_id: str
    at: datetime
    leaf: bytes
    lost: bool = False


@dataclass(frozen=True)
class Rules:
    """What a profile says of replay: the rate, and for how long a server keeps what may be drawn."""

    rate: float
    keeping: timedelta


def drawable(fetch: Fetch, newest: Checkpoint, first: int, deployment: str) -> list[Drawable]:
    """The results of a deployment from a record on, up to the newest checkpoint of the log; raises LogError."""
    found: list[Drawable] = []
    started = 0

    def each(start: int, entries: Sequence[bytes]) -> None:
        nonlocal started
        for index, entry in enumerate(entries, start):
            try:
                record = server_record(entry)
            except MalformedLog:
                continue  # the server draws nothing that it cannot read; a monitor reports it
            if isinstance(record, Started):
                started = index
            elif (
                isinstance(record, ResultReleased) and record.deployment == deployment and not record.problem
            ):
                leaf = merkle.leaf_hash(entry)
                found.append(Drawable(index, record.probe_id, instant(record.at), leaf))

    view = LogView(fetch, newest)
    follow(fetch, Checkpoint(newest.origin, first, view.root_at(first)), newest, each)
    return [replace(result, lost=result.index < started) for result in found]


def end_of(found: Sequence[Drawable], first: int, size: int, rate: float) -> int:
    """Where a challenge from `first` on ends, so that it does not draw too many, of a log of this size."""
    most = int(limits.CHALLENGED / 2 / rate)
    end = min(size, first + limits.CHALLENGE_RANGE)
    return min(end, found[most].index) if len(found) > most else end


def judged(
    challenge: Challenge,
    seed: bytes,
    found: Sequence[Drawable],
    kept: Sequence[str],
    rules: Rules,
    at: datetime,
) -> Outcome:
    """What came of a challenge that was sent at this time, with results of its range, by what the server has kept."""
    drawn = [each for each in found if replaying.draws(seed, each.leaf, rules.rate)]
    missing = [each for each in drawn if each.probe_id not in set(kept)]
    late = [each for each in missing if at >= each.at + rules.keeping - _SKEW]
    lost = [each for each in missing if each.lost and each not in late]
    return Outcome(
        first=challenge.first,
        end=challenge.end,
        results=len(found),
        kept=_of(kept, drawn),
        late=tuple(each.probe_id for each in late),
        lost=tuple(each.probe_id for each in lost),
        missing=tuple(each.probe_id for each in missing if each not in [*late, *lost]),
        extra=tuple(sorted(set(kept) - {each.probe_id for each in drawn})),
    )


def _of(kept: Sequence[str], drawn: Collection[Drawable]) -> tuple[str, ...]:
    ours = {each.probe_id for each in drawn}
    return tuple(each for each in kept if each in ours)
