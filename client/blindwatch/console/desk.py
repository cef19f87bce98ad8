"""The desk: who may do what with which alert. Not for several threads at once: whoever calls it has its lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum

from blindwatch.console import steps
from blindwatch.console.alerts import Alert, Reason, Stage
from blindwatch.console.journal import Journal
from blindwatch.console.tray import Tray
from blindwatch.errors import AlertTaken, NotTrained, WrongStep
from blindwatch.records.operator import Outcome


@dataclass(frozen=True)
class Flag:
    """For the supervisor: somebody took two different people for one."""

    operator: str
    at: datetime


class Notice(Enum):
    """What whoever decided has to know of it."""

    DECIDED = "Decided. You can undo it for ten seconds."
    SECOND = "You agree. A second person has to agree before anybody is sent."
    CHECK_PASSED = "That was a check: two different people. You saw it."
    CHECK_FAILED = "That was a check: these are two different people. Send nobody. Your supervisor is told."


class Desk:
    """Hands alerts to operators, one to each at a time, and takes their decisions."""

    def __init__(
        self,
        tray: Tray,
        journal: Journal,
        verifiers: int,
        trained: Callable[[str, date], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self.tray = tray
        self._journal = journal
        self._verifiers = verifiers
        self._trained = trained
        self._clock = clock
        self._away: set[str] = set()
        self.flags: list[Flag] = []

    # What operators see

    def held(self, operator: str) -> Alert | None:
        """The alert that an operator has."""
        at = self._clock()
        return next((alert for alert in self.tray.open if alert.holder(at) == operator), None)

    def undoable(self, operator: str) -> list[Alert]:
        """The alerts whose last decision this operator can still take back."""
        at = self._clock()
        found = ((alert, alert.undoable(at)) for alert in self.tray.alerts)
        return [alert for alert, decision in found if decision is not None and decision.by == operator]

    def waiting(self, operator: str) -> list[Alert]:
        """The alerts that this operator may take, in their order."""
        at = self._clock()
        return [
            alert
            for alert in self.tray.open
            if alert.stage == "new" and alert.holder(at) is None and operator not in alert.agreed
        ]

    def is_trained(self, operator: str) -> bool:
        """Whether this operator may decide today."""
        return self._trained(operator, self._clock().date())

    def is_away(self, operator: str) -> bool:
        """Whether this operator let an alert go by without doing anything."""
        return operator in self._away

    # What operators do

    def take(self, operator: str) -> Alert | None:
        """Hand the most urgent alert that waits to an operator who has none."""
        self._begin(operator)
        held = self.held(operator)
        if held is not None:
            return held
        waiting = self.waiting(operator)
        return self.claim(waiting[0].id, operator) if waiting else None

    def claim(self, identifier: str, operator: str) -> Alert:
        """Hand one alert to an operator, who gives back the one before; raises AlertTaken."""
        alert = self._found(identifier, operator)
        if not alert.is_open:
            raise WrongStep("It was decided already.", "Whoever decided can undo it for ten seconds.")
        self._give_back(operator)
        self.tray.put(alert.claimed(operator, self._clock()))
        return self.tray.get(identifier)

    def release(self, identifier: str, operator: str) -> None:
        """Give an alert back."""
        self.tray.put(replace(self._found(identifier, operator), claim=None))

    def consider(self, identifier: str, operator: str) -> None:
        """Note that an operator has read who is known to look alike."""
        self.claim(identifier, operator)
        self.tray.put(steps.considered(self.tray.get(identifier)))

    def decide(
        self, identifier: str, operator: str, seen: Stage, outcome: Outcome, reason: Reason | None
    ) -> Notice:
        """Decide about an alert that the operator saw at a stage; raises AlertError."""
        alert = self._found(identifier, operator)
        if alert.stage != seen:
            raise WrongStep("The alert has gone on in the meantime.", "Look at it again.")
        after = steps.decide(alert, outcome, operator, reason, self._verifiers, self._clock())
        if alert.is_check:
            return self._checked(after, operator)
        self.tray.settle(alert)
        self.tray.put(after)
        return Notice.SECOND if after.stage == "new" else Notice.DECIDED

    def undo(self, identifier: str, operator: str) -> None:
        """Take back the last decision about an alert."""
        before = steps.undone(self._found(identifier, operator), operator, self._clock())
        self._give_back(operator)
        self.tray.put(before)

    # What time does

    def tick(self) -> None:
        """Free what nobody works on, and let the tray do its part."""
        at = self._clock()
        for alert in self.tray.open:
            if alert.claim is not None and alert.holder(at) is None:
                self._away.add(alert.claim.operator)
                self.tray.put(replace(alert, claim=None))
        self.tray.tick()

    def _checked(self, alert: Alert, operator: str) -> Notice:
        passed = alert.stage == "rejected"
        self._journal.checked(operator, passed=passed)
        if not passed:
            self.flags.append(Flag(operator, self._clock()))
        self.tray.drop(alert)
        return Notice.CHECK_PASSED if passed else Notice.CHECK_FAILED

    def _begin(self, operator: str) -> None:
        """Whoever does something is there, and has to be trained."""
        if not self.is_trained(operator):
            raise NotTrained(hint="You can look on, and decide again once you are trained.")
        self._away.discard(operator)

    def _found(self, identifier: str, operator: str) -> Alert:
        """An alert that an operator may do something with now."""
        self._begin(operator)
        alert = self.tray.get(identifier)
        holder = alert.holder(self._clock())
        if holder not in {None, operator}:
            raise AlertTaken(f"{holder} has this alert.", "Take another one.")
        return alert

    def _give_back(self, operator: str) -> None:
        held = self.held(operator)
        if held is not None:
            self.tray.put(replace(held, claim=None))
