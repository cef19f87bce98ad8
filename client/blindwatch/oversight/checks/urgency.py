"""Check that an authority outside the force was asked in time, where a deployment began before it had decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.records.server import AuthorisationRecorded, DeploymentClosed
from blindwatch.statements import trust
from blindwatch.statements.predicates import Authorisation, instant


def deadline(case: Case) -> datetime | None:
    """By when an authority had to be asked; None if the deployment did not begin urgently."""
    rules = case.profile.urgency
    urgent = [version.manifest for version in case.versions if version.manifest.urgent]
    if not urgent or rules is None:
        return None
    return instant(urgent[0].window.not_before) + timedelta(hours=rules.hours)


def _asked(case: Case, findings: Findings) -> None:
    for each in case.statements.of(Authorisation):
        version = case.version_of(each.content.manifest_digest)
        if version is None:
            findings.fault("An authorisation is for a version of the manifest that is not in the bundle.")
            continue
        manifest = version.statement.envelope
        findings.attempt(
            "An authorisation", partial(trust.check_authorisation, each.envelope, case.register, manifest)
        )
        said = f"{each.content.authority}, {each.content.reference}, at {each.content.decided_at}"
        findings.note(f"{each.content.decision.capitalize()}: {said}.")
    due = deadline(case)
    if due is None:
        findings.note("The deployment did not begin before an authorisation.")
    else:
        _check_in_time(case, due, findings)
    _check_refusals(case, findings)


def _check_in_time(case: Case, due: datetime, findings: Findings) -> None:
    recorded, closed = case.course.of(AuthorisationRecorded), case.course.last(DeploymentClosed)
    reached = recorded[0].at if recorded else closed.at if closed else case.latest
    told = f"The authority had to be asked by {due:%Y-%m-%dT%H:%M:%SZ}"
    if reached > due + TOLERANCE:
        findings.fault(f"{told}, and the deployment went on without.")
    findings.note(f"{told}.")


def _check_refusals(case: Case, findings: Findings) -> None:
    """A refusal ends the deployment at once."""
    for event in case.course.of(AuthorisationRecorded):
        closed = case.course.next(DeploymentClosed, event.index)
        if event.record.decision == "refused" and (closed is None or closed.at > event.at + TOLERANCE):
            findings.fault(f"The authority refused at {event.record.at}, and the deployment was not ended.")


CHECK: Final = Check(
    "urgency",
    "An authority was asked in time, if it was urgent",
    "If the deployment began before an authority outside the force had allowed it, that authority was asked within "
    "the time of the profile, and a refusal ended the deployment; if nobody asked, it ended by itself.",
    "What the authority said: an officer of the force put it down.",
    _asked,
)
