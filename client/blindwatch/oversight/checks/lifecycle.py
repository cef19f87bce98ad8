"""Check that what happened to a deployment happened in the order in which it may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.course import Event
from blindwatch.oversight.checks.findings import Check, Findings, Unchecked
from blindwatch.records.record import OfDeployment
from blindwatch.records.server import (
    AuditEnded,
    DeploymentAccepted,
    DeploymentClosed,
    DeploymentDestroyed,
    EntriesRemoved,
    ListLoaded,
    ProbeAccepted,
    ProbesChallenged,
    ResultReleased,
    SearchAccepted,
    Started,
)

SLACK: Final = timedelta(minutes=1)
"""What was under way when a deployment closed may be recorded so much later."""


class Lifecycle:
    """Follows the events of a deployment, and says of each whether it may come where it does.

    After a crash the server does not know whether its last record counts: it may write it once more when it has
    started again.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._restarted = -1
        self._accepted: Event[DeploymentAccepted] | None = None
        self._loaded: Event[ListLoaded] | None = None
        self._removed: Event[EntriesRemoved] | None = None
        self._closed: Event[DeploymentClosed] | None = None
        self._destroyed: Event[DeploymentDestroyed] | None = None
        self._ended: Event[AuditEnded] | None = None
        self._rules: dict[type[Any], Callable[[Any], None]] = {
            Started: self._start,
            DeploymentAccepted: self._accept,
            ListLoaded: self._load,
            EntriesRemoved: self._remove,
            ProbeAccepted: self._take,
            SearchAccepted: self._take,
            ResultReleased: self._release,
            ProbesChallenged: self._challenge,
            DeploymentClosed: self._close,
            DeploymentDestroyed: self._destroy,
            AuditEnded: self._end,
        }

    def follow(self, event: Event[Any]) -> None:
        """Take in the next event."""
        if isinstance(event.record, OfDeployment):
            if self._accepted is None and not isinstance(event.record, DeploymentAccepted):
                self._fault(event, "comes before the deployment was accepted")
            if self._ended is not None and not isinstance(event.record, AuditEnded):
                self._fault(event, "comes after the audit had ended and everything was destroyed")
        self._rules.get(type(event.record), lambda _: None)(event)

    def tell(self) -> None:
        """Note the stations that were reached."""
        for what, event in (
            ("Accepted in its newest version", self._accepted),
            ("In force", self._loaded),
            ("Closed", self._closed),
            ("Destroyed", self._destroyed),
            ("Audit ended", self._ended),
        ):
            if event is not None:
                self._findings.note(f"{what} at {event.record.at}, record {event.index}.")

    def _start(self, event: Event[Started]) -> None:
        self._restarted = event.index

    def _accept(self, event: Event[DeploymentAccepted]) -> None:
        self._before_end(event)
        if self._accepted is not None:
            self._compare(event, self._accepted)
        self._accepted = event

    def _compare(self, event: Event[DeploymentAccepted], before: Event[DeploymentAccepted]) -> None:
        """What may differ between the acceptances of two versions, or of one before and after a crash."""
        old, new = before.record, event.record
        again = self._since(before) and new.manifest == old.manifest
        if new.version <= old.version and not again:
            self._fault(event, f"accepts version {new.version} after version {old.version}")
        # A server that crashed before it had the first version draws another secret.
        if new.mask_commitment != old.mask_commitment and not (again and self._loaded is None):
            self._fault(event, "commits to another secret of the masks")

    def _load(self, event: Event[ListLoaded]) -> None:
        self._before_end(event)
        accepted, record = self._accepted, event.record
        if accepted is not None and (record.version, record.manifest, record.watchlist) != (
            accepted.record.version,
            accepted.record.manifest,
            accepted.record.watchlist,
        ):
            self._fault(event, "puts another version into force than the one accepted last")
        if self._loaded is not None and self._loaded.record.version == record.version:
            if not self._since(self._loaded):
                self._fault(event, "puts the same version into force once more")
        elif self._loaded is not None and self._loaded.record.watchlist != record.watchlist:
            self._removed = None
        self._loaded = event

    def _remove(self, event: Event[EntriesRemoved]) -> None:
        self._in_force(event)
        before, sequence = self._removed, event.record.sequence
        expected = before.record.sequence + 1 if before else 1
        if sequence != expected and not (before and self._again(event, before)):
            self._fault(event, f"is removal {sequence}, and {expected} is the next")
        self._removed = event

    def _take(self, event: Event[Any]) -> None:
        self._in_force(event)

    def _release(self, event: Event[ResultReleased]) -> None:
        if self._closed is not None and event.at > self._closed.at + SLACK:
            self._fault(event, "releases a result after the deployment was closed")

    def _challenge(self, event: Event[ProbesChallenged]) -> None:
        self._in_force(event)
        if not event.record.first < event.record.end <= event.index:
            self._fault(event, "draws from records that were not there yet")

    def _close(self, event: Event[DeploymentClosed]) -> None:
        if self._closed is not None and not self._again(event, self._closed):
            self._fault(event, "closes a deployment that is closed already")
        self._closed = self._closed or event

    def _destroy(self, event: Event[DeploymentDestroyed]) -> None:
        if self._closed is None:
            self._fault(event, "destroys a deployment that was not closed")
        if self._destroyed is not None and not self._since(self._destroyed):
            self._fault(event, "destroys what was destroyed already")
        self._destroyed = event

    def _end(self, event: Event[AuditEnded]) -> None:
        if self._destroyed is None:
            self._fault(event, "ends the audit of a deployment that was not destroyed")
        if self._ended is not None and not self._since(self._ended):
            self._fault(event, "ends an audit that has ended already")
        self._ended = event

    def _in_force(self, event: Event[Any]) -> None:
        self._before_end(event)
        if self._loaded is None:
            self._fault(event, "comes before any version was in force")

    def _before_end(self, event: Event[Any]) -> None:
        if self._closed is not None and event.at > self._closed.at + SLACK:
            self._fault(event, "comes after the deployment was closed")

    def _again(self, event: Event[Any], before: Event[Any]) -> bool:
        """Whether a record is one that was written before a crash, once more."""
        return (
            self._since(before) and event.record.model_copy(update={"at": before.record.at}) == before.record
        )

    def _since(self, before: Event[Any]) -> bool:
        """Whether the server has started again since."""
        return self._restarted > before.index

    def _fault(self, event: Event[Any], what: str) -> None:
        self._findings.fault(f"Record {event.index} ({event.record.kind}, {event.record.at}) {what}.")


def _lawful(case: Case, findings: Findings) -> None:
    if not case.course.of(DeploymentAccepted):
        raise Unchecked("The log has nothing about the deployment.")
    lifecycle = Lifecycle(findings)
    for event in case.course.events:
        lifecycle.follow(event)
    lifecycle.tell()


CHECK: Final = Check(
    "lifecycle",
    "Everything happened in its order",
    "The deployment was accepted before anything was compared, and from its closing on nothing was, up to the "
    "destruction of what the server held.",
    "That nothing happened besides what the server wrote down.",
    _lawful,
)
