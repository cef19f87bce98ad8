"""Check what was taken away while a deployment ran, and that the log names the same papers as the bundle has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from blindwatch.oversight.checks.case import Case, Version
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.records.server import (
    AuthorisationRecorded,
    CameraRevoked,
    DeploymentAccepted,
    DeploymentClosed,
    DeploymentStopped,
    EntriesRemoved,
    ProbesChallenged,
)
from blindwatch.statements import trust
from blindwatch.statements.predicates import Authorisation, Challenge, Closing, Revocation, Stop, Tombstone


def _removals(case: Case, findings: Findings) -> None:
    lists: dict[str, Version] = {version.manifest.watchlist.digest: version for version in case.versions}
    before: dict[str, Tombstone] = {}
    found = sorted(case.statements.of(Tombstone), key=lambda each: each.content.sequence)
    for each in found:
        listed, about = each.content.watchlist_digest, f"Removal {each.content.sequence}"
        if listed not in lists:
            findings.fault(f"{about} is for a list that no version of the manifest names.")
            continue
        manifest = lists[listed].manifest
        findings.attempt(
            about,
            partial(trust.check_tombstone, each.envelope, case.register, manifest, before.get(listed)),
        )
        before[listed] = each.content
        findings.note(
            f"{about}: {len(each.content.removed):,} entries in all, because: {each.content.reason}"
        )
    findings.note(f"{len(found):,} removals from the list.")
    _revocations(case, findings)
    _stops(case, findings)


def _revocations(case: Case, findings: Findings) -> None:
    for revoked in case.statements.of(Revocation):
        check = partial(trust.check_revocation, revoked.envelope, case.register, case.newest.manifest)
        findings.attempt("A revocation of a camera", check)
        findings.note(f"A camera was revoked, because: {revoked.content.reason}")


def _stops(case: Case, findings: Findings) -> None:
    for stop in case.statements.of(Stop):
        version = case.version_of(stop.content.manifest_digest)
        if version is None:
            findings.fault("A stop is for a version of the manifest that is not in the bundle.")
            continue
        check = partial(trust.check_stop, stop.envelope, case.register, version.statement.envelope)
        findings.attempt("A stop", check)
        findings.note(f"Version {version.manifest.version} was stopped, because: {stop.content.reason}")


def _papers(case: Case, findings: Findings) -> None:
    held = {
        each.envelope.digest
        for kind in (Tombstone, Revocation, Authorisation, Stop, Challenge, Closing)
        for each in case.statements.of(kind)
    }
    named = list(_named(case))
    for what, index, digest in named:
        if digest not in held:
            findings.fault(f"Record {index} names {what} that is not in the bundle.")
    for event in case.course.of(DeploymentAccepted):
        version, record = case.version_of(event.record.manifest), event.record
        if version is None:
            findings.fault(f"Record {event.index} accepts a manifest that is not in the bundle.")
            continue
        manifest = version.manifest
        said = (manifest.version, manifest.watchlist.digest, manifest.bundle_digest)
        if (record.version, record.watchlist, record.bundle) != said:
            findings.fault(
                f"Record {event.index} says something else of the manifest than the manifest does."
            )
    unrecorded = held - {digest for _, _, digest in named}
    if unrecorded:
        findings.fault(f"The log does not record {len(unrecorded):,} of the statements that the bundle has.")
    accepted = {event.record.manifest for event in case.course.of(DeploymentAccepted)}
    for version in case.versions:
        if version.digest not in accepted:
            findings.fault(f"The log does not record version {version.manifest.version} of the manifest.")
    findings.note(f"{len(named) + len(accepted):,} records name a statement, by its digest.")


def _named(case: Case) -> Iterator[tuple[str, int, str]]:
    """The statements that records name: what each is, the index of the record, and the digest."""
    course = case.course
    for removed in course.of(EntriesRemoved):
        yield "a removal", removed.index, removed.record.tombstone
    for revoked in course.of(CameraRevoked):
        yield "a revocation", revoked.index, revoked.record.revocation
    for stopped in course.of(DeploymentStopped):
        yield "a stop", stopped.index, stopped.record.stop
    for authorised in course.of(AuthorisationRecorded):
        yield "an authorisation", authorised.index, authorised.record.authorisation
    for challenged in course.of(ProbesChallenged):
        yield "a challenge", challenged.index, challenged.record.challenge
    for closed in course.of(DeploymentClosed):
        if closed.record.closing is not None:
            yield "a closing", closed.index, closed.record.closing


CHECK: Final = Check(
    "removals",
    "What was taken away was taken away by signature",
    "Every removal of an entry, every revocation of a camera and every stop was signed by somebody who may, and "
    "none takes an earlier removal back.",
    "That the results kept to them: another check looks at that.",
    _removals,
)

PAPERS: Final = Check(
    "papers",
    "The log names the same papers as people signed",
    "Every manifest, removal, revocation, authorisation, stop, challenge and closing that the log names is in "
    "the bundle, word by word, and the log has recorded each that is there.",
    "That there were no others, which neither the log nor the bundle has.",
    _papers,
)
