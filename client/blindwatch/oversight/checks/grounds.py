"""Check checks of one person: nobody was checked without a record of where and why, and as the profile allows.

What is sent is known to the server and in its log; who sent it and why, to the operator's side alone. A commitment,
which an operator signed and the server's log has, joins the two.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from blindwatch.errors import PolicyViolation
from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.policy.profile import Checks
from blindwatch.records.operator import CheckAnswered, Checked
from blindwatch.records.reading import answered
from blindwatch.records.server import ProbeAccepted
from blindwatch.statements.predicates import instant


def _grounds(case: Case, findings: Findings) -> None:
    rules = case.profile.checks
    if rules is None:
        findings.note("The profile has no checks of one person.")
        return
    log = case.alerts
    made = answered(log.records)
    findings.note(f"{len(made):,} checks in the operator's log.")
    for each, answer in made:
        _check_rules(each, rules, findings)
        if (answer == "match") is not any(alert.alert == each.check for alert in log.alerted()):
            findings.fault(
                f"Check {each.check} and the alerts do not say the same of whether there was a match."
            )
    _check_sent(case, [each for each, _ in made], findings)
    counted = Counter(each.check for each in log.records if isinstance(each, CheckAnswered))
    for name, count in counted.items():
        if count > 1:
            findings.fault(f"Check {name} has {count} answers.")


def _check_rules(made: Checked, rules: Checks, findings: Findings) -> None:
    try:
        rules.allow(made.place, made.reason, made.harm)
    except PolicyViolation as wrong:
        findings.fault(f"Check {made.check} by {made.operator}: {wrong.detail}")


def _check_sent(case: Case, made: list[Checked], findings: Findings) -> None:
    noted = {each.check: each for each in made}
    if len(noted) < len(made):
        findings.fault("A check is in the operator's log more than once.")
    for sent in case.course.of(ProbeAccepted):
        check = noted.get(sent.record.probe_id)
        if check is None:
            findings.fault(
                f"Probe {sent.record.probe_id} of {sent.record.at} is in the server's log (record {sent.index}),"
                " and the operator's log does not say where and why."
            )
            continue
        if instant(check.at) > sent.at + TOLERANCE:
            findings.fault(f"Check {check.check} was sent at {sent.record.at}, and is noted of {check.at}.")
        if sent.record.grounds is None:
            findings.fault(f"Check {check.check} was taken without the authorisation of an operator.")
        elif sent.record.grounds != check.commitment:
            findings.fault(
                f"Check {check.check}: what the operator's log says of it is not what was signed with the probe."
            )


CHECK: Final = Check(
    "checks-grounds",
    "Nobody was checked without a reason, or in private without need",
    "Where the profile is for checks of one person: the operator's log says of each probe that the server took who "
    "sent it, where and why, before it was sent, just as was signed with the probe, and the profile allows that.",
    "That place and reason are true. Whether one person was checked again and again cannot be seen without keeping "
    "the photographs, and they are not kept.",
    _grounds,
)
