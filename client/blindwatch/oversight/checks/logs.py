"""Checks of the log as such: that it is whole, that witnesses have seen it, that it goes on from older copies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from blindwatch.errors import BlindwatchError
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import Check, Findings, Unchecked


def _whole(case: Case, findings: Findings) -> None:
    checkpoint = case.read_log().checkpoint
    findings.note(f"{checkpoint.size:,} records of {checkpoint.origin}, root {checkpoint.root.hex()}.")


def _cosigned(case: Case, findings: Findings) -> None:
    if case.policy.quorum is None:
        raise Unchecked("The manifest asks for no witness, so nobody but the server vouches for the log.")
    trusted = case.policy.check(case.log.signed)
    for name, time in sorted(trusted.cosigned.items()):
        findings.note(f"Cosigned by {name} at {datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC.")


def _extends(case: Case, findings: Findings) -> None:
    if not case.seen:
        raise Unchecked("No older checkpoint was given with --seen.")
    view = case.log.view()
    for signed in case.seen:
        try:
            old = signed.verify(case.key)
            view.check_extends(old)
        except BlindwatchError as error:
            findings.fault(error.detail)
            continue
        findings.note(f"It still has all {old.size:,} records that it had at an older checkpoint.")


def _readable(case: Case, findings: Findings) -> None:
    for index in case.log.unreadable:
        findings.fault(f"Entry {index} of the log is not a record.")
    for kind, count in sorted(case.log.counts.items()):
        findings.note(f"{count:,} times {kind}.")


CHECKS: Final = (
    Check(
        "log-whole",
        "The server's log is whole",
        "Every record is the one that the server signed: none was changed, removed or put in another place since.",
        "That the server wrote down everything that it did.",
        _whole,
    ),
    Check(
        "log-witnessed",
        "Independent witnesses have seen the log",
        "The witnesses that the approved manifest asks for have signed that they saw this very log, and that it had "
        "only grown since they saw it before.",
        "Anything about what the records say: witnesses do not read them.",
        _cosigned,
    ),
    Check(
        "log-extends",
        "The log goes on from older copies",
        "Everything that the log had when the older copies were taken is still there, unchanged. The server has not "
        "gone back, and did not show others another history.",
        "Anything about what was written and taken back between two copies.",
        _extends,
    ),
    Check(
        "records",
        "Every record can be read",
        "The log holds records of known kinds alone, of digests and numbers: there is no place in them for a face.",
        "That nothing is hidden in the digests.",
        _readable,
    ),
)
