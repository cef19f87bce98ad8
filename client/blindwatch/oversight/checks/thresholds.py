"""Check the thresholds of all versions, and that each change of them is recorded."""

from __future__ import annotations

from typing import Any, Final

from blindwatch.oversight.checks.case import Case, Version
from blindwatch.oversight.checks.course import Event
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.records.server import ListLoaded, ThresholdChanged


def _recorded(case: Case, findings: Findings) -> None:
    course = case.course
    found = [(event, case.version_of(event.record.manifest)) for event in course.of(ListLoaded)]
    loaded = [(event, version) for event, version in found if version is not None]
    changes = course.of(ThresholdChanged)
    expected: set[int] = set()
    old: Version | None = None
    for (event, new), (_, following) in zip(loaded, [*loaded[1:], (None, None)], strict=True):
        findings.note(_told(event, new))
        before, old = old, new if following is not new else old
        change = next((each for each in changes if each.index == event.index + 1), None)
        if before is None or before.manifest.thresholds == new.manifest.thresholds:
            continue
        if change is None:
            findings.fault(f"Version {new.manifest.version} has another threshold, and no record says so.")
            continue
        expected.add(change.index)
        _compare(change, before, new, findings)
    for change in changes:
        if change.index not in expected:
            findings.fault(
                f"Record {change.index} says that the threshold was changed, and no version does it."
            )


def _compare(change: Event[ThresholdChanged], old: Version, new: Version, findings: Findings) -> None:
    record, manifest = change.record, new.manifest
    predicted = round(1000 * manifest.predicted.false_alerts_per_1000)
    said = (manifest.version, old.manifest.thresholds.fine, manifest.thresholds.fine, predicted)
    if (record.version, record.before, record.after, record.predicted) != said:
        findings.fault(
            f"Record {change.index} states a change of the threshold that is not the approved one."
        )


def _told(event: Event[Any], version: Version) -> str:
    manifest = version.manifest
    return (
        f"Version {manifest.version}, in force from {event.record.at}: similarity "
        f"{manifest.thresholds.similarity:.3f}, {manifest.predicted.false_alerts_per_1000:.3g} false alerts "
        f"predicted in 1,000 faces."
    )


CHECK: Final = Check(
    "thresholds",
    "The threshold is the approved one",
    "Every threshold that was in force was approved by a version of the manifest, and every change of it is in the "
    "log, with the false alerts that were predicted.",
    "That results were computed with it: that is what the computation of drawn probes is for.",
    _recorded,
)
