"""The operator's journal as the console writes it: alerts, decisions, checks, stops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from blindwatch.console.alerts import Alert, Reason, Stage
from blindwatch.console.announcing import Announcer
from blindwatch.operator.allowance import Allowance
from blindwatch.operator.fetching import Reading
from blindwatch.operator.journal import Course, Journal
from blindwatch.records.operator import (
    AttentionChecked,
    ConsoleStarted,
    Outcome,
    RetentionExecuted,
    Stopped,
)
from blindwatch.records.record import minute
from blindwatch.statements.package import PackageEntry, Priority
from blindwatch.statements.predicates import instant

_WIPED: Final = timedelta(minutes=2)
"""After an outcome, which the journal has to the minute: the images that went with it are out of memory by then."""


@dataclass(frozen=True)
class Notes:
    """What lasts of one deployment. The operator is who holds the key; nobody else vouches for what time decides."""

    journal: Journal
    deployment: str
    operator: str
    entries: Sequence[PackageEntry]
    evidence_recipient: str | None
    announcer: Announcer
    allowance: Allowance

    def started(self, version: int, threshold: str) -> None:
        """Write down by which threshold the console looks. Then tell others, also of a change since the last one."""
        before = self.journal.threshold(self.deployment)
        self.journal.note(
            ConsoleStarted(
                at=minute(),
                deployment=self.deployment,
                operator=self.operator,
                version=version,
                threshold=threshold,
            )
        )
        self.announcer.started(version, threshold, before)

    def alerted(self, reading: Reading) -> None:
        """Write down that a result is about to be shown as an alert."""
        self.journal.alert(self.deployment, [reading], self.entries, self.evidence_recipient, self.allowance)

    def held_back(self) -> list[str]:
        """The entries about which no more alerts are shown, in words."""
        return self.allowance.said(self.entries)

    def decided(
        self, alert: Alert, outcome: Outcome, operators: tuple[str, ...], reason: Reason | None
    ) -> None:
        """Write down an outcome, and who decided: one operator, two who agree, or the clock. Then tell others."""
        first, *others = operators or (self.operator,)
        self.journal.adjudicate(alert.id, outcome, first, reason, *others[:1])
        self.announcer.decided(alert, outcome, reason)

    def lapsed(self, at: datetime, age: timedelta) -> None:
        """Write down which alerts are over for so long that nothing may be left of them, and tell whom it concerns.

        Nothing is left of them here since they have their outcome. Only those that somebody was sent for are told of,
        each once.
        """
        if not self.announcer.is_heard:
            return
        for course, final in self.journal.ended(self.deployment):
            alert = course.alerted
            if at >= max(instant(alert.at) + age, instant(final.at) + _WIPED):
                self.journal.note(
                    RetentionExecuted(at=minute(), deployment=self.deployment, alert=alert.alert)
                )
                self.announcer.gone(alert.alert)

    def checked(self, operator: str, *, passed: bool) -> None:
        """Write down whether an operator saw that two people were different."""
        self.journal.note(
            AttentionChecked(at=minute(), deployment=self.deployment, operator=operator, passed=passed)
        )

    def stopped(self, operator: str, stop: str, *, told: bool) -> None:
        """Write down that an operator has stopped the deployment, by the digest of the statement."""
        self.journal.note(
            Stopped(at=minute(), deployment=self.deployment, operator=operator, stop=stop, told=told)
        )

    def left(self) -> Iterator[Alert]:
        """The alerts that an earlier run has left without an outcome. Their images are gone."""
        for course in self.journal.courses().values():
            if course.alerted.deployment == self.deployment and course.final is None:
                yield _left(course)


def _left(course: Course) -> Alert:
    alerted, at = course.alerted, instant(course.alerted.at)
    decided = course.decided[-1] if course.decided else None
    stage: Stage = "new" if decided is None else decided.outcome
    return Alert(
        id=alerted.alert,
        camera=alerted.camera,
        captured_at=at,
        raised_at=at,
        priority=Priority(alerted.priority),
        stage=stage,
    )
