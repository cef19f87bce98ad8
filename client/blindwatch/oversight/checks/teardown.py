"""Check the end of a deployment: that it was closed, and who says that what is destroyed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from blindwatch.errors import NotAuthorised
from blindwatch.oversight.bundle import Statement
from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.course import Event
from blindwatch.oversight.checks.findings import Check, Findings, Unchecked
from blindwatch.oversight.checks.urgency import deadline
from blindwatch.oversight.checks.wording import hours
from blindwatch.records.server import AuthorisationRecorded, DeploymentClosed, DeploymentDestroyed
from blindwatch.statements import trust
from blindwatch.statements.predicates import Closing, Receipt, instant
from blindwatch.statements.register import PersonRole

_KEY: Final = "secret-key"
"""What custodians and operators call the wrapped key in their receipts."""


def _destroyed(case: Case, findings: Findings) -> None:
    closed = case.course.last(DeploymentClosed)
    if closed is None:
        _still_open(case, findings)
        raise Unchecked("The deployment is not over yet.")
    _check_closing(case, closed, findings)
    receipts = _receipts(case, findings)
    _check_server(case, closed, receipts, findings)
    if not any(role is PersonRole.CUSTODIAN and _has_key(receipt) for role, receipt in receipts):
        findings.fault("No custodian has signed that the secret key is destroyed.")
    if not any(role is PersonRole.OPERATOR and _has_key(receipt) for role, receipt in receipts):
        findings.fault("No operator has signed that their copy of the key is destroyed.")


def _still_open(case: Case, findings: Findings) -> None:
    limit = case.profile.clocks.list_after_end_hours
    due = instant(case.newest.manifest.window.not_after) + timedelta(hours=limit)
    if case.latest > due + TOLERANCE:
        findings.fault(f"The deployment should have been closed by {due:%Y-%m-%dT%H:%M:%SZ}, and was not.")


def _check_closing(case: Case, closed: Event[DeploymentClosed], findings: Findings) -> None:
    version = case.version_of(closed.record.manifest)
    if version is None:
        findings.fault("The deployment was closed by a manifest that is not in the bundle.")
        return
    if closed.record.closing is None:
        due = min([instant(version.manifest.window.not_after), *_early(case, closed.index)])
        if closed.at < due - TOLERANCE:
            findings.fault("The deployment was closed before its time was over, and nobody had signed that.")
        findings.note(f"The deployment ended by time, at {closed.record.at}.")
    for each in case.statements.of(Closing):
        if each.envelope.digest == closed.record.closing:
            check = partial(trust.check_closing, each.envelope, case.register, version.statement.envelope)
            findings.attempt("The closing", check)
            findings.note(f"Closed at {closed.record.at}, because: {each.content.reason}")


def _early(case: Case, index: int) -> list[datetime]:
    """When an urgent deployment ended by itself, if nobody had asked the authority by then."""
    due = deadline(case)
    asked = any(each.index < index for each in case.course.of(AuthorisationRecorded))
    return [] if due is None or asked else [due]


def _receipts(case: Case, findings: Findings) -> list[tuple[PersonRole, Receipt]]:
    """The receipts of this deployment that hold, with the roles of their signers."""
    held: list[tuple[PersonRole, Receipt]] = []
    for each in case.statements.of(Receipt):
        about = f"The receipt of {each.content.signer}"
        if each.content.deployment != case.bundle.deployment or not case.version_of(
            each.content.manifest_digest
        ):
            findings.fault(f"{about} is for another deployment.")
            continue
        findings.attempt(about, partial(_hold, case, each, held))
        gone = ", ".join(f"{part.count:,} {part.what}" for part in each.content.destroyed if part.count)
        findings.note(f"{about}: {gone or 'nothing'}, at {each.content.destroyed_at}.")
    return held


def _hold(case: Case, statement: Statement[Receipt], held: list[tuple[PersonRole, Receipt]]) -> None:
    """Take a receipt in with the role of whom it names, who must have signed it."""
    signers = case.register.signers(statement.envelope).valid
    signer = next((person for person in signers if person.name == statement.content.signer), None)
    if signer is None:
        raise NotAuthorised("The receipt is not signed by whom it names.")
    held.append((signer.role, statement.content))


def _check_server(
    case: Case,
    closed: Event[DeploymentClosed],
    receipts: list[tuple[PersonRole, Receipt]],
    findings: Findings,
) -> None:
    limit = case.profile.clocks.list_after_end_hours
    gone = case.course.last(DeploymentDestroyed)
    if gone is None:
        findings.fault("The log does not record that what the server held is destroyed.")
        return
    if gone.at - closed.at > timedelta(hours=limit) + TOLERANCE:
        findings.fault(f"The server destroyed what it held more than {hours(limit)} after the end.")
    named = [
        each.content for each in case.statements.of(Receipt) if each.envelope.digest == gone.record.receipt
    ]
    if not named:
        findings.fault("The server's receipt, which the log names, is not in the bundle.")
    elif (PersonRole.SERVER, named[0]) not in receipts:
        findings.fault("The receipt that the log names is not signed by a server of the register.")
    elif named[0].manifest_digest != closed.record.manifest:
        findings.fault("The server's receipt is for another version of the manifest than was closed.")


def _has_key(receipt: Receipt) -> bool:
    return any(part.what == _KEY and part.count for part in receipt.destroyed)


CHECK: Final = Check(
    "teardown",
    "What was held is destroyed, and the key with it",
    "Somebody who may has closed the deployment, or its time was over. The server, a custodian and an operator have "
    "signed what they destroyed, and the last two among it the secret key, without which nothing opens.",
    "That nobody kept a copy of the key or of anything else. A receipt holds its signer to what it says.",
    _destroyed,
)
