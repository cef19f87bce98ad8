"""Check what was taken: in the window, of cameras that may send, and no more than the profile allows."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

from blindwatch.oversight.checks.case import Case, Version
from blindwatch.oversight.checks.course import Event
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.records.server import (
    CameraRevoked,
    DeploymentStopped,
    ListLoaded,
    ProbeAccepted,
    SearchAccepted,
)
from blindwatch.statements.predicates import instant

_MINUTE: Final = timedelta(minutes=1)
"""Records are cut down to their minute, and written a little after what they are about."""


def _taken(case: Case, findings: Findings) -> None:
    course = case.course
    taken: list[Event[Any]] = [*course.of(ProbeAccepted), *course.of(SearchAccepted)]
    for event in taken:
        version = _in_force(case, event)
        if version is None:
            findings.fault(f"{_told(event)} was taken under a version that is not in the bundle.")
            continue
        _check_window(event, version, findings)
        _check_stopped(case, event, version, findings)
        if isinstance(event.record, ProbeAccepted):
            _check_camera(case, event, version, findings)
    _check_budget(case, findings)
    for window in dict.fromkeys(version.manifest.window for version in case.versions):
        findings.note(f"The window is from {window.not_before} to {window.not_after}.")


def _in_force(case: Case, event: Event[Any]) -> Version | None:
    loaded = case.course.last(ListLoaded, event.index)
    return case.version_of(loaded.record.manifest) if loaded else None


def _check_window(event: Event[Any], version: Version, findings: Findings) -> None:
    window = version.manifest.window
    if event.at + _MINUTE <= instant(window.not_before):
        findings.fault(f"{_told(event)} was taken before the window, which begins at {window.not_before}.")
    if event.at >= instant(window.not_after) + _MINUTE:
        findings.fault(f"{_told(event)} was taken after the window, which ended at {window.not_after}.")


def _check_stopped(case: Case, event: Event[Any], version: Version, findings: Findings) -> None:
    for stopped in case.course.of(DeploymentStopped):
        late = stopped.index < event.index and event.at > stopped.at + _MINUTE
        if stopped.record.manifest == version.digest and late:
            findings.fault(f"{_told(event)} was taken although the deployment had been stopped.")


def _check_camera(case: Case, event: Event[ProbeAccepted], version: Version, findings: Findings) -> None:
    camera = next((each for each in version.manifest.cameras if each.name == event.record.camera), None)
    if camera is None:
        findings.fault(f"{_told(event)} is of a camera that the manifest does not have.")
        return
    for revoked in case.course.of(CameraRevoked):
        late = revoked.index < event.index and event.at > revoked.at + _MINUTE
        if revoked.record.camera_key == camera.key_id and late:
            findings.fault(f"{_told(event)} is of camera {camera.name}, which was revoked before.")


def _check_budget(case: Case, findings: Findings) -> None:
    most = case.profile.probes_per_deployment
    counted = Counter(event.record.camera for event in case.course.of(ProbeAccepted))
    for camera, count in sorted(counted.items()):
        findings.note(f"Camera {camera} sent {count:,} probes, of {most:,} at most.")
        if count > most:
            findings.fault(f"Camera {camera} sent {count:,} probes, and the profile allows {most:,}.")


def _told(event: Event[Any]) -> str:
    return f"Record {event.index} ({event.record.kind}, {event.record.at})"


CHECK: Final = Check(
    "window",
    "Faces were compared in the approved window only",
    "Everything that the server took came in the time of the manifest and before any stop, from cameras that it "
    "lists and that were not revoked, and within the number that the profile allows.",
    "That cameras did not see faces at other times: the server knows only what they send.",
    _taken,
)
