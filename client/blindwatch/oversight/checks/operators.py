"""Check the log of an operator's side: that it is whole, and that every alert was a result and had one outcome."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Final

from blindwatch.cli import files
from blindwatch.errors import LogError
from blindwatch.oversight.bundle import OPERATOR_EVIDENCE
from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.oversight.checks.operator_log import Alerts
from blindwatch.policy.profile import Profile
from blindwatch.records.operator import (
    FINAL,
    Adjudicated,
    ConsoleStarted,
    KeyForgotten,
    KeyReceived,
    RetentionExecuted,
)
from blindwatch.records.server import DeploymentClosed
from blindwatch.statements.predicates import instant
from blindwatch.wire import limits


def _adjudicated(case: Case, findings: Findings) -> None:
    alerts = case.operator_log
    findings.note(
        f"{alerts.checkpoint.size:,} records, {len(alerts.alerted()):,} of them alerts of the deployment."
    )
    for index in alerts.unreadable:
        findings.fault(f"Entry {index} of the operator's log is not a record.")
    _never_back(alerts, findings)
    _check_outcomes(alerts, findings)
    _check_people(case.profile, alerts, findings)
    _check_results(case, alerts, findings)
    _check_evidence(case, alerts, findings)
    _check_starts(case, alerts, findings)
    _check_ends(alerts, findings)
    if case.course.last(DeploymentClosed) is not None:
        _check_keys(alerts, findings)


def _never_back(alerts: Alerts, findings: Findings) -> None:
    latest = None
    for record in alerts.records:
        at = instant(record.at)
        if latest is not None and at < latest - TOLERANCE:
            findings.fault(f"The operator's log goes back in time, to {record.at}.")
        latest = max(at, latest or at)


def _check_outcomes(alerts: Alerts, findings: Findings) -> None:
    counted = Counter(each.alert for each in alerts.alerted())
    for name, count in sorted(counted.items()):
        if count > 1:
            findings.fault(f"Alert {name} is there {count} times.")
        decided = alerts.decided.get(name, [])
        final = [each for each in decided if each.outcome in FINAL]
        if len(final) != 1:
            findings.fault(f"Alert {name} has {len(final)} final outcomes.")
        elif decided[-1] is not final[0]:
            findings.fault(f"Alert {name} was decided about once more after its final outcome.")
    for name in sorted(alerts.decided.keys() - counted.keys()):
        findings.fault(f"Something was decided about {name}, which was no alert.")


def _check_people(rules: Profile, alerts: Alerts, findings: Findings) -> None:
    """Nobody is confirmed who was not sent to engagement, and as many agreed to that as the profile asks for.

    Who checks one person is with them already, so that nobody is sent.
    """
    for name, decided in alerts.decided.items():
        sent = [each for each in decided if each.outcome == "sent"]
        if (
            rules.checks is None
            and not sent
            and any(each.outcome.startswith("confirmed") for each in decided)
        ):
            findings.fault(f"Alert {name} was confirmed without having been sent to engagement.")
        for each in sent:
            if rules.verifiers > 1 and each.second in {None, each.operator}:
                findings.fault(f"Alert {name} was sent to engagement by one person, and two have to agree.")


def _check_results(case: Case, alerts: Alerts, findings: Findings) -> None:
    """Every alert comes from a result that the server's log has, and not before it."""
    for alert in alerts.alerted():
        passage = case.course.passages.get(alert.alert)
        found = [
            each
            for each in (passage.released if passage else [])
            if each.record.result == alert.result and each.record.problem is None
        ]
        if not found:
            findings.fault(f"Alert {alert.alert} is of a result that the server's log does not have.")
        elif instant(alert.at) < found[0].at - TOLERANCE:
            findings.fault(f"Alert {alert.alert} is of {alert.at}, before its result was released.")


def _check_evidence(case: Case, alerts: Alerts, findings: Findings) -> None:
    """Where the manifest names who it is sealed to, what led to each match is there as it was recorded."""
    if case.newest.manifest.evidence_recipient is None:
        return
    folder = case.bundle.operator_log / OPERATOR_EVIDENCE
    for alert in alerts.alerted():
        path = folder / f"{alert.alert}.age"
        data = files.read_at_most(path, limits.EVIDENCE, "evidence of an alert") if path.is_file() else b""
        if alert.evidence is None or hashlib.sha256(data).hexdigest() != alert.evidence:
            findings.fault(f"What led to alert {alert.alert} is not there as it was sealed.")


def _check_starts(case: Case, alerts: Alerts, findings: Findings) -> None:
    """Every console looked by the threshold of the version that it names."""
    approved = {each.manifest.version: str(each.manifest.thresholds.similarity) for each in case.versions}
    for record in alerts.records:
        if isinstance(record, ConsoleStarted) and approved.get(record.version) != record.threshold:
            findings.fault(
                f"A console looked by the threshold {record.threshold} under version {record.version} of the "
                "manifest, which is not that version's."
            )


def _check_ends(alerts: Alerts, findings: Findings) -> None:
    """Others were told that an alert is gone once, after its outcome, and only where somebody was sent."""
    outcomes: dict[str, set[str]] = {}
    gone: set[str] = set()
    for record in alerts.records:
        if isinstance(record, Adjudicated):
            outcomes.setdefault(record.alert, set()).add(record.outcome)
        elif isinstance(record, RetentionExecuted):
            found = outcomes.get(record.alert, set())
            if record.alert in gone:
                findings.fault(f"That alert {record.alert} is gone was told more than once.")
            elif not found & FINAL:
                findings.fault(f"That alert {record.alert} is gone was told before it had an outcome.")
            elif not found - FINAL:
                findings.fault(f"Others were told of alert {record.alert}, for which nobody was sent.")
            gone.add(record.alert)


def _check_keys(alerts: Alerts, findings: Findings) -> None:
    holding: set[str] = set()
    for record in alerts.records:
        if isinstance(record, KeyReceived):
            holding.add(record.operator)
        elif isinstance(record, KeyForgotten):
            holding.discard(record.operator)
    for name in sorted(holding):
        findings.fault(f"Operator {name} received the key, and did not record that it was forgotten.")


def _whole_or_fault(case: Case, findings: Findings) -> None:
    try:
        _adjudicated(case, findings)
    except LogError as error:
        findings.fault(f"The operator's log: {error.detail}")


CHECK: Final = Check(
    "operator-log",
    "Every alert came from a result, and was decided about once",
    "The operator's own log is whole. Each alert in it is of a result that the server's log has, and has exactly one "
    "final outcome. Consoles looked by the thresholds of the manifest. Others were told that an alert is gone once, "
    "after its outcome, and only where somebody was sent.",
    "That every match was shown as an alert, and that outcomes are true: they are what operators wrote down. Nobody "
    "but the operator vouches for the key of this log.",
    _whole_or_fault,
)
