"""Check that every probe got one result, under the list and the removals that were in force."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.course import Event, Passage
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.records.server import (
    DeploymentAccepted,
    DeploymentClosed,
    EntriesRemoved,
    ListLoaded,
    ResultReleased,
    Started,
)

_PENDING: Final = timedelta(minutes=10)
"""How long a probe may wait for its result."""


def _answered(case: Case, findings: Findings) -> None:
    counts = {"released": 0, "failed": 0, "waiting": 0, "cut short": 0}
    for name, passage in case.course.passages.items():
        if len(passage.accepted) != 1:
            findings.fault(f"Probe {name} was accepted {len(passage.accepted)} times.")
        elif len(passage.released) > 1:
            findings.fault(f"Probe {name} has {len(passage.released)} results.")
        elif not passage.released:
            counts[_unanswered(case, name, passage, findings)] += 1
        else:
            event = passage.released[0]
            counts["failed" if event.record.problem else "released"] += 1
            _check_result(case, name, passage.accepted[0], event, findings)
    for what, count in counts.items():
        findings.note(f"{count:,} results: {what}.")


def _unanswered(case: Case, name: str, passage: Passage, findings: Findings) -> str:
    """Why a probe has no result: it still may get one, or a new start or the end of the deployment cut it short."""
    accepted = passage.accepted[0]
    if passage.deleted:
        findings.fault(f"The result of probe {name} was deleted and never released.")
    if case.course.next(Started, accepted.index) is not None:
        return "cut short"
    if case.course.next(DeploymentClosed, accepted.index) is not None:
        return "cut short"
    if case.latest - accepted.at > _PENDING:
        findings.fault(f"Probe {name} was accepted at {accepted.record.at} and has no result.")
    return "waiting"


def _check_result(
    case: Case, name: str, accepted: Event[Any], event: Event[ResultReleased], findings: Findings
) -> None:
    told = f"The result of probe {name} (record {event.index})"
    result = event.record
    if event.index < accepted.index:
        findings.fault(f"{told} comes before the probe.")
        return
    first = case.course.last(DeploymentAccepted, event.index)
    if first is not None and result.mask_commitment != first.record.mask_commitment:
        findings.fault(f"{told} names another secret of the masks than the one that was committed to.")
    if result.preset != case.newest.manifest.preset:
        findings.fault(f"{told} was computed under another preset than the approved one.")
    if result.problem is None:
        _check_list(case, told, accepted, event, findings)


def _check_list(
    case: Case, told: str, accepted: Event[Any], event: Event[ResultReleased], findings: Findings
) -> None:
    """The list is one that was in force on the way, and nothing removed before the probe came may be in it."""
    result = event.record
    if result.watchlist not in {each.record.watchlist for each in loaded_during(case, accepted, event)}:
        findings.fault(f"{told} was computed with another list than the one in force.")
        return
    oldest = _removed(case, accepted.index, result.watchlist)
    newest = _removed(case, event.index, result.watchlist)
    if not oldest <= result.tombstone <= newest:
        findings.fault(
            f"{told} was computed with removal {result.tombstone}, and removal {oldest} was in force."
        )


def loaded_during(
    case: Case, accepted: Event[Any], released: Event[ResultReleased]
) -> list[Event[ListLoaded]]:
    """The versions in force from the acceptance of a probe up to its result.

    Workers load a version just before the record that it is in force, so the next one may count as well.
    """
    course = case.course
    before, after = course.last(ListLoaded, accepted.index), course.next(ListLoaded, released.index)
    found = course.within(ListLoaded, accepted.index, released.index)
    soon = [after] if after is not None and after.at - released.at < TOLERANCE else []
    return [*([before] if before else []), *found, *soon]


def _removed(case: Case, index: int, watchlist: str | None) -> int:
    """The number of the removal from a list that was in force before an index; 0 if there was none."""
    course = case.course
    events: list[Event[Any]] = [*course.of(ListLoaded), *course.of(EntriesRemoved)]
    listed, sequence, found = None, 0, 0
    for event in sorted(events, key=lambda each: each.index):
        if event.index >= index:
            break
        if isinstance(event.record, EntriesRemoved):
            sequence = event.record.sequence
        elif event.record.watchlist != listed:
            listed, sequence = event.record.watchlist, 0
        if listed == watchlist:
            found = sequence
    return found


CHECK: Final = Check(
    "results",
    "Every probe got one result, with the list in force",
    "By the server's own records every face that came in was compared once, with the approved list as it was then, "
    "without the entries that had been removed.",
    "That a result is what the records say it is: that is what the computation of drawn probes is for.",
    _answered,
)
