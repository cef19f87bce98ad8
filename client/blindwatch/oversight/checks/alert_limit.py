"""Check that no entry of the list had more alerts than the profile allows: each teaches whoever tries faces out."""

from __future__ import annotations

from collections import Counter
from typing import Final

from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.records.operator import AlertsHeldBack
from blindwatch.records.reading import alerts_by_entry


def _limited(case: Case, findings: Findings) -> None:
    most = case.profile.alerts_per_entry
    if most is None:
        findings.note("The profile has no limit on alerts about one entry.")
        return
    records = case.alerts.records
    counted = alerts_by_entry(records)
    findings.note(
        f"{len(counted):,} entries had alerts, one of them {max(counted.values(), default=0):,} at most; the profile "
        f"allows {most:,} for each."
    )
    held = [each for each in records if isinstance(each, AlertsHeldBack)]
    for each in held:
        findings.note(f"Entry {each.entry} had all of its alerts at {each.at}; any others were held back.")
    for name, count in sorted(counted.items()):
        if count > most:
            findings.fault(f"Entry {name} had {count:,} alerts, and the profile allows {most:,}.")
    _check_said(Counter(each.entry for each in held), counted, most, findings)


def _check_said(said: Counter[str], counted: Counter[str], most: int, findings: Findings) -> None:
    """That alerts are held back is recorded once of each entry that had all of its alerts, and of no other."""
    for name in sorted({name for name, count in counted.items() if count >= most} - said.keys()):
        findings.fault(f"Entry {name} had all of its alerts, and no record says that others were held back.")
    for name, count in sorted(said.items()):
        if counted[name] < most:
            findings.fault(
                f"Alerts about entry {name} were held back, which had {counted[name]:,} of {most:,}."
            )
        if count > 1:
            findings.fault(f"That alerts about entry {name} are held back is there {count:,} times.")


CHECK: Final = Check(
    "alerts-per-entry",
    "No entry had more alerts than the profile allows",
    "By the operator's log no entry of the list had more alerts than the profile allows, and of each that had all of "
    "them a record says that others were held back. Who it was, the salt in the operator's journal says.",
    "That nobody saw more: another console has another log, and who decrypts by another program writes nothing down. "
    "That an entry had all of its alerts is no fault, but a reason to ask why: somebody may have tried faces out "
    "against it.",
    _limited,
)
