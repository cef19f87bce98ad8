"""Check that the times in the log agree with each other, and with those of others: witnesses and signers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from blindwatch.errors import CosignatureMissing, UntrustedCheckpoint
from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.course import Event
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.oversight.checks.reading import WholeLog
from blindwatch.records.server import (
    CameraRevoked,
    DeploymentAccepted,
    DeploymentClosed,
    EntriesRemoved,
)
from blindwatch.statements.predicates import Closing, Revocation, Tombstone, instant
from blindwatch.tlog.cosignatures import check_cosignature

_SLACK: Final = TOLERANCE.total_seconds()


def _agree(case: Case, findings: Findings) -> None:
    log = case.log
    _never_back(log, findings)
    for who, size, at in _cosigned(case):
        _compare(log, who, size, at, findings)
    for told, signed, event in _signed(case):
        findings.note(f"{told} is signed at {_shown(signed)}, and recorded at {event.record.at}.")
        if event.at < signed - TOLERANCE:
            findings.fault(f"{told} is recorded at {event.record.at}, before it was signed.")
    if log.times:
        findings.note(f"The records of the log are of {_posix(min(log.times))} to {_posix(log.latest)}.")


def _never_back(log: WholeLog, findings: Findings) -> None:
    latest = 0.0
    for index, time in enumerate(log.times):
        if time < latest - _SLACK:
            findings.fault(f"Record {index} is of {_posix(time)}, and one before it of {_posix(latest)}.")
        latest = max(latest, time)


def _cosigned(case: Case) -> Iterator[tuple[str, int, int]]:
    """Which witness saw the log at which size, and when, in seconds of POSIX."""
    for signed in (case.log.signed, *case.seen):
        for name, witness in case.policy.witnesses.items():
            try:
                signed.verify(case.key)
                yield name, signed.checkpoint.size, check_cosignature(signed, witness.key)
            except (CosignatureMissing, UntrustedCheckpoint):
                continue


def _compare(log: WholeLog, who: str, size: int, at: int, findings: Findings) -> None:
    """No record that a witness saw is of later than that, and none that came afterwards of earlier."""
    told = f"{who} saw {size:,} records at {_posix(at)}"
    findings.note(f"{told}.")
    if max(log.times[:size], default=0.0) > at + _SLACK:
        findings.fault(f"{told}, and one of them is of {_posix(max(log.times[:size]))}.")
    if min(log.times[size:], default=float("inf")) < at - _SLACK:
        findings.fault(f"{told}, and one that came later is of {_posix(min(log.times[size:]))}.")


def _signed(case: Case) -> Iterator[tuple[str, datetime, Event[Any]]]:
    """What others have dated, and the record of it."""
    course = case.course
    accepted = {each.record.watchlist: each for each in reversed(course.of(DeploymentAccepted))}
    for version in case.versions:
        listed = version.manifest.watchlist
        if listed.digest in accepted:
            yield "The list", instant(listed.built_at), accepted[listed.digest]
    events: dict[str | None, Event[Any]] = {
        **{each.record.tombstone: each for each in course.of(EntriesRemoved)},
        **{each.record.revocation: each for each in course.of(CameraRevoked)},
        **{each.record.closing: each for each in course.of(DeploymentClosed)},
    }
    dated = (*_dated(case, Tombstone), *_dated(case, Revocation), *_dated(case, Closing))
    for told, digest, at in dated:
        if digest in events:
            yield told, at, events[digest]


def _dated(
    case: Case, kind: type[Tombstone] | type[Revocation] | type[Closing]
) -> Iterator[tuple[str, str, datetime]]:
    for each in case.statements.of(kind):
        yield f"The {kind.__name__.lower()}", each.envelope.digest, instant(each.content.issued_at)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _posix(seconds: float) -> str:
    return _shown(datetime.fromtimestamp(seconds, UTC))


CHECK: Final = Check(
    "times",
    "The server's clock was right",
    "Times in the log never go back, and fit those at which witnesses saw it and at which people signed what it "
    "records, within two minutes.",
    "That a time is exact, or that clocks which agree are right.",
    _agree,
)
