"""Alerts, clocks and journals for tables of what may become of an alert."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from blindwatch.console.alerts import Alert, Candidate, Reason
from blindwatch.console.bands import Band
from blindwatch.console.desk import Desk
from blindwatch.console.tray import Tray
from blindwatch.errors import LogUnwritable
from blindwatch.records.operator import Outcome
from blindwatch.statements.package import PackageEntry, Priority

START = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
FACE, FOUND = b"\xff\xd8\xff the face that passed", b"\xff\xd8\xff the face on the list"
NOTE = "A brother, two years older"
HOURS = 24.0
ANNA, BEN = "e.novak", "g.okoro"


@dataclass
class Clock:
    """A clock that stands still until it is told to go on."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Notebook:
    """A journal in memory, which can be full."""

    alerts: list[str] = field(default_factory=list)
    outcomes: list[tuple[str, Outcome, tuple[str, ...], Reason | None]] = field(default_factory=list)
    checks: list[tuple[str, bool]] = field(default_factory=list)
    is_full: bool = False

    def alerted(self, alert: Alert) -> None:
        self._check_room()
        self.alerts.append(alert.id)

    def decided(
        self, alert: Alert, outcome: Outcome, operators: tuple[str, ...], reason: Reason | None
    ) -> None:
        self._check_room()
        self.outcomes.append((alert.id, outcome, operators, reason))

    def checked(self, operator: str, *, passed: bool) -> None:
        self._check_room()
        self.checks.append((operator, passed))

    def _check_room(self) -> None:
        if self.is_full:
            raise LogUnwritable


def entry(reference: str = "K3QZ7A2M", priority: Priority = Priority.RED) -> PackageEntry:
    return PackageEntry(
        reference=reference,
        category="wanted-by-court",
        priority=priority,
        instruction="Stop and speak; warrant",
        image_date=date(2024, 5, 6),
        known_relative=None,
    )


def alert(number: int = 1, about: PackageEntry | None = None, **changes: Any) -> Alert:
    """An alert of a reference of its own, with both images; `changes` are fields of it."""
    about = about or entry(f"AAAAAA{number:02}".translate(str.maketrans("0189", "ABCD")))
    made = Alert(
        id=f"{number:032x}",
        camera="gate-1",
        captured_at=START,
        raised_at=START,
        priority=about.priority,
        candidates=(Candidate(about, Band.ABOVE, FOUND),),
        probe_image=FACE,
    )
    return replace(made, **changes)


def with_relative(number: int = 1, **changes: Any) -> Alert:
    made = alert(number, **changes)
    noted = made.candidates[0].entry.model_copy(update={"known_relative": NOTE})
    return replace(made, candidates=(replace(made.candidates[0], entry=noted),))


@dataclass
class Office:
    """A desk with its clock and its journal. Everybody but those named is trained."""

    verifiers: int = 1
    untrained: tuple[str, ...] = ()
    left: Iterable[Alert] = ()
    hours: float = HOURS

    def __post_init__(self) -> None:
        self.clock, self.notes = Clock(), Notebook()
        self.tray = Tray(self.notes, self.hours, self.clock, self.left)
        self.desk = Desk(self.tray, self.notes, self.verifiers, self._is_trained, self.clock)

    def _is_trained(self, operator: str, _: date) -> bool:
        return operator not in self.untrained

    def raised(self, *alerts: Alert) -> Desk:
        for each in alerts:
            self.tray.raise_alert(each, partial(self.notes.alerted, each))
        return self.desk

    def pass_(self, **time: float) -> None:
        """Let time pass, and have the desk notice."""
        self.clock.pass_(**time)
        self.desk.tick()
