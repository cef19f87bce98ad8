"""Check checks of one person: nobody was checked without a record of where and why, and as the profile allows.

What is sent is known to the server and in its log; who sent it and why, to the operator's side alone. A commitment,
which an operator signed and the server's log has, joins the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from blindwatch.errors import BlindwatchError, PolicyViolation
from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.policy.profile import Checks
from blindwatch.records.operator import CheckAnswered, Checked, Compared, ComparisonAnswered, OperatorRecord
from blindwatch.records.reading import answered, compared
from blindwatch.records.server import ProbeAccepted
from blindwatch.statements.authorising import check_authorised
from blindwatch.statements.predicates import instant
from blindwatch.wire.messages import Probe


def _grounds(case: Case, findings: Findings) -> None:
    rules = case.profile.checks
    if rules is None:
        findings.note("The profile has no checks of one person.")
        return
    log = case.alerts
    made = answered(log.records)
    findings.note(f"{len(made):,} checks in the operator's log.")
    for each, answer in made:
        _check_allowed(f"Check {each.check} by {each.operator}", each, rules, findings)
        if (answer == "match") is not any(alert.alert == each.check for alert in log.alerted()):
            findings.fault(
                f"Check {each.check} and the alerts do not say the same of whether there was a match."
            )
    _check_sent(case, [each for each, _ in made], findings)
    _once(
        "Check", (each.check for each in log.records if isinstance(each, CheckAnswered)), "answers", findings
    )
    _check_compared(case, log.records, rules, findings)


def _check_compared(case: Case, records: Sequence[OperatorRecord], rules: Checks, findings: Findings) -> None:
    """Comparisons with one entry, in which no server has a part: the operator's log alone has them."""
    made = [each for each, _ in compared(records)]
    findings.note(f"{len(made):,} comparisons with one entry in the operator's log, which no other log has.")
    windows = [version.manifest.window for version in case.versions]
    for each in made:
        said, at = f"Comparison {each.comparison} by {each.operator}", instant(each.at)
        _check_allowed(said, each, rules, findings)
        if not any(instant(w.not_before) - TOLERANCE <= at < instant(w.not_after) for w in windows):
            findings.fault(f"{said} is of {each.at}, outside the window of the deployment.")
    answers = Counter(each.comparison for each in records if isinstance(each, ComparisonAnswered))
    _once("Comparison", (each.comparison for each in made), "records", findings)
    _once("Comparison", answers.elements(), "answers", findings)
    for name in sorted(answers.keys() - {each.comparison for each in made}):
        findings.fault(f"Comparison {name} has an answer, and the operator's log does not say where and why.")


def _once(what: str, names: Iterable[str], of: str, findings: Findings) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            findings.fault(f"{what} {name} has {count} {of}.")


def _check_allowed(said: str, made: Checked | Compared, rules: Checks, findings: Findings) -> None:
    try:
        rules.allow(made.place, made.reason, made.harm)
    except PolicyViolation as wrong:
        findings.fault(f"{said}: {wrong.detail}")


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
    _check_signers(case, noted, findings)


def _check_signers(case: Case, noted: Mapping[str, Checked], findings: Findings) -> None:
    """Of the drawn probes: who signed is who checked, as the operator's log has it. `kept-probes` has the rest."""
    for name, kept in case.bundle.kept():
        check = noted.get(name)
        if kept is None or check is None:
            continue
        with suppress(BlindwatchError):
            given = check_authorised(Probe.from_cbor(kept.probe), case.bundle.deployment, case.register)
            if given.operator != check.operator:
                findings.fault(f"Check {name} was authorised by another operator than its record names.")


CHECK: Final = Check(
    "checks-grounds",
    "Nobody was checked without a reason, or in private without need",
    "Where the profile is for checks of one person: the operator's log says of each probe that the server took who "
    "sent it, where and why, before it was sent, just as was signed with the probe, and the profile allows that; "
    "drawn probes were signed by who is said to have sent them. The profile allows as well what the log says of "
    "comparisons with one entry.",
    "That place and reason are true. That every comparison with one entry is there: no other log has one. Whether "
    "one person was checked again and again cannot be seen without keeping the photographs, and they are not kept.",
    _grounds,
)
