"""What of a duty is told to others: decisions once they count, when the time of an alert is over, cameras that fell
silent, the beginning with its threshold, and the end.

An alert that nobody was sent for is nobody's business: of it nothing leaves the console, not even that there was one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from secrets import token_hex

from blindwatch.console.alerts import Alert, Reason
from blindwatch.errors import BlindwatchError
from blindwatch.integrations.events import Event, Kind
from blindwatch.integrations.outbox import Outbox
from blindwatch.operator.journal import REFERENCE_BYTES
from blindwatch.records.operator import Outcome


class Announcer:
    """Makes events of one deployment."""

    def __init__(self, deployment: str, outbox: Outbox, reference: Callable[[str], str]) -> None:
        """`reference` gives what an alert is called elsewhere: not as the match server calls its probe."""
        self._deployment = deployment
        self._outbox = outbox
        self._reference = reference
        self._silent: frozenset[str] = frozenset()
        self._has_ended = False

    @property
    def is_heard(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._outbox.couriers)

    def decided(self, alert: Alert, outcome: Outcome, reason: Reason | None) -> None:
        """Tell of a decision that cannot be undone any more and is written down, if somebody was sent."""
        before = alert if alert.decision is None else alert.decision.before
        if not self.is_heard or (outcome != "sent" and before.stage == "new"):
            return
        self._tell(
            "alert.adjudicated",
            alert=self._name(alert.id),
            camera=alert.camera,
            captured=_minute(alert.captured_at),
            priority=alert.priority.value,
            outcome=outcome,
            reason=None if reason is None else reason.value,
        )

    def gone(self, alert: str) -> None:
        """Tell that the time of an alert is over, and that this side has no image and no score of it any more."""
        what = {"deleted": "images-and-scores", "clock": "alert-hours"}
        self._tell("retention.executed", alert=self._name(alert), **what)

    def started(self, version: int, threshold: str, before: str | None) -> None:
        """Tell that operators have the key and look, and by which version of the manifest and which threshold.

        A console has one threshold for as long as it runs: with another one it is started again, with another list.
        So it is then that a change is told, if the last console looked by another threshold.
        """
        self._tell("deployment.started", version=str(version), threshold=threshold)
        if before not in {None, threshold}:
            self._tell("threshold.changed", version=str(version), threshold=threshold, before=before)

    def ended(self, reason: str) -> None:
        """Tell, once, that nothing is fetched any more."""
        if not self._has_ended:
            self._has_ended = True
            self._tell("deployment.ended", reason=reason)

    def silent(self, cameras: Iterable[str]) -> None:
        """Tell of each camera that is silent now and was not when this was called before."""
        now = frozenset(cameras)
        for camera in sorted(now - self._silent):
            self._tell("camera.offline", camera=camera)
        self._silent = now

    def _name(self, alert: str) -> str:
        try:
            return self._reference(alert)
        except BlindwatchError:
            return token_hex(REFERENCE_BYTES)  # whoever is told cannot follow it, and is told all the same

    def _tell(self, kind: Kind, **data: str | None) -> None:
        self._outbox.send(Event(kind, self._deployment, datetime.now(UTC), data))


def _minute(at: datetime) -> str:
    """To the minute: the server knows to the second when it was sent each probe."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
