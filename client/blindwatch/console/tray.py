"""The tray: every alert that has no outcome yet, or one that can still be undone, and what time does to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from blindwatch.console.alerts import URGENCY, Alert, Reason
from blindwatch.console.duplicates import Duplicates
from blindwatch.console.journal import Journal
from blindwatch.errors import AlertsOpen, NotFound
from blindwatch.records.operator import Outcome


@dataclass(frozen=True)
class Settled:
    """What is left of an alert: no image, no score, no entry."""

    id: str
    camera: str
    at: datetime
    outcome: Outcome
    reason: Reason | None


class Tray:
    """Holds alerts, and lets go of what is decided or too old. Nothing leaves it without being written down."""

    def __init__(
        self, journal: Journal, hours: float, clock: Callable[[], datetime], left: Iterable[Alert] = ()
    ) -> None:
        """Alerts go after so many hours; `left` are those that an earlier run has left, without images."""
        self._journal = journal
        self._age = timedelta(hours=hours)
        self._clock = clock
        self._alerts = {alert.id: alert for alert in left}
        self._duplicates = Duplicates()
        self.raised = len(self._alerts)
        self.settled: list[Settled] = []

    def raise_alert(self, alert: Alert, write: Callable[[], None]) -> bool:
        """Take in an alert, once `write` has written it down; false if it is one more sighting for another one.

        A check is not written down, as it is nobody's alert.
        """
        first = self._duplicates.first(alert, self._clock())
        if first is not None:
            known = self._alerts.get(first)
            if known is not None:
                self.put(replace(known, is_seen_again=True))
            return False
        if not alert.is_check:
            write()
            self._duplicates.note(alert, self._clock())
            self.raised += 1
        self.put(alert)
        return True

    @property
    def alerts(self) -> list[Alert]:
        """Everything in it."""
        return list(self._alerts.values())

    @property
    def open(self) -> list[Alert]:
        """All alerts without an outcome, the most urgent first, among these the oldest."""
        found = (alert for alert in self._alerts.values() if alert.is_open)
        return sorted(found, key=lambda alert: (URGENCY.index(alert.priority), alert.raised_at))

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many alerts have which outcome."""
        return Counter(each.outcome for each in self.settled)

    def get(self, identifier: str) -> Alert:
        """One alert; raises NotFound."""
        found = self._alerts.get(identifier)
        if found is None:
            raise NotFound("There is no such alert any more.", "It was decided, or its time was over.")
        return found

    def put(self, alert: Alert) -> None:
        """Hold an alert as it is from now on."""
        self._alerts[alert.id] = alert

    def drop(self, alert: Alert) -> None:
        """Let go of an alert."""
        del self._alerts[alert.id]

    def tick(self) -> None:
        """Settle what cannot be undone any more, and what is too old."""
        at = self._clock()
        for alert in self.alerts:
            if alert.decision is not None:
                if alert.undoable(at) is None:
                    self.settle(alert)
            elif at >= alert.raised_at + self._age:
                self._expire(alert)
        self._duplicates.forget(at)

    def settle(self, alert: Alert) -> None:
        """Write the decision about an alert down, and let go of the alert if that was its outcome."""
        made = alert.decision
        if made is None:
            return
        if alert.stage != "new":  # the first of two who agree decides nothing yet
            operators = alert.agreed if alert.stage == "sent" else (made.by,)
            self._journal.decided(alert, alert.stage, operators, made.reason)
        self._keep(replace(alert, decision=None), made.reason)

    def settle_all(self) -> None:
        """Let nothing be undone any more."""
        for alert in self.alerts:
            self.settle(alert)

    def check_over(self) -> None:
        """Refuse to report the deployment as over while an alert has no outcome; raises AlertsOpen."""
        self.settle_all()
        left = sum(not alert.is_check for alert in self.alerts)
        if left:
            raise AlertsOpen(
                f"{left} {'alert has' if left == 1 else 'alerts have'} no outcome yet.",
                "Decide about each of them first.",
            )

    def forget_new(self) -> None:
        """Let go of the images and scores of what nobody was sent for, so that nobody is any more."""
        self.settle_all()
        for alert in self.alerts:
            if alert.is_check:
                self.drop(alert)
            elif alert.stage == "new":
                self.put(alert.without_images())

    def forget_images(self) -> None:
        """Let go of all images and scores; what was not decided stays without them."""
        self.settle_all()
        self._alerts = {alert.id: alert.without_images() for alert in self.alerts if not alert.is_check}

    def _expire(self, alert: Alert) -> None:
        if not alert.is_check:
            self._journal.decided(alert, "expired", (), None)
            self.settled.append(Settled(alert.id, alert.camera, self._clock(), "expired", None))
        self.drop(alert)

    def _keep(self, alert: Alert, reason: Reason | None) -> None:
        if alert.stage == "new" or alert.is_open:  # the first is one of the second, which types do not know
            self.put(alert)
            return
        self.drop(alert)
        self.settled.append(Settled(alert.id, alert.camera, self._clock(), alert.stage, reason))
