"""Check that nothing was kept longer than the profile allows, as far as the log tells."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.course import Passage
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.oversight.checks.wording import hours
from blindwatch.records.server import (
    AuditEnded,
    DeploymentClosed,
    DeploymentDestroyed,
    ProbesChallenged,
    Started,
)


def _in_time(case: Case, findings: Findings) -> None:
    _results(case, findings)
    _drawn(case, findings)
    _audit(case, findings)


def _results(case: Case, findings: Findings) -> None:
    """A result waits no longer than an alert is kept, and never beyond the destruction of its deployment."""
    limit = case.profile.clocks.alert_hours
    longest = timedelta(hours=limit) if limit else None
    gone = case.course.last(DeploymentDestroyed)
    counted = 0
    for name, passage in case.course.passages.items():
        for event in passage.released:
            until = _deleted(case, passage, event.index)
            counted += until is not None
            if until is None and gone is not None:
                findings.fault(f"The result of probe {name} was never deleted.")
            elif longest is not None and (until or case.latest) - event.at > longest + TOLERANCE:
                findings.fault(f"The result of probe {name} was kept for more than {hours(limit)}.")
    findings.note(f"{counted:,} results were deleted.")
    if longest is not None:
        findings.note(f"Results may be kept for {hours(limit)}.")


def _deleted(case: Case, passage: Passage, released: int) -> datetime | None:
    """When a result was gone: when it was deleted, or if it was lost before anybody could have it, when that was."""
    if passage.deleted:
        return passage.deleted[0].at
    started, closed = case.course.next(Started, released), case.course.last(DeploymentClosed, released)
    lost = closed or started
    return lost.at if lost else None


def _drawn(case: Case, findings: Findings) -> None:
    """What a challenge draws must not have waited for longer than undrawn probes are kept."""
    minutes = case.profile.clocks.challenge_minutes
    longest = timedelta(minutes=minutes) + TOLERANCE
    kept = 0
    for challenge in case.course.of(ProbesChallenged):
        for name in challenge.record.kept:
            passage = case.course.passages.get(name, Passage())
            kept += 1
            if any(challenge.at - event.at > longest for event in passage.released):
                findings.fault(f"Probe {name} was still there after more than {minutes:g} minutes, undrawn.")
    findings.note(f"{kept:,} probes were there to be kept when they were drawn.")


def _audit(case: Case, findings: Findings) -> None:
    limit = case.profile.clocks.replay_hours
    closed, ended = case.course.last(DeploymentClosed), case.course.last(AuditEnded)
    if closed is None:
        return
    until = ended.at if ended else case.latest
    if until - closed.at > timedelta(hours=limit) + TOLERANCE:
        findings.fault(
            f"What replay needs was kept for more than {hours(limit)} after the end of the deployment."
        )
    findings.note(
        f"What replay needs was destroyed at {ended.record.at}."
        if ended
        else f"What replay needs may be kept up to {hours(limit)} after the end of the deployment."
    )


CHECK: Final = Check(
    "clocks",
    "Nothing was kept too long",
    "By its own records the server deleted results, drawn probes and the secret of the masks within the times of the "
    "profile.",
    "That there are no copies. What was encrypted and kept all the same opens with the secret key alone.",
    _in_time,
)
