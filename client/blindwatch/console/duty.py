"""An operator's time on duty: everything that the pages show and do, safe to call from any thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event, RLock, Thread
from typing import Final

from blindwatch.console.assignment import Assignment
from blindwatch.console.desk import Desk
from blindwatch.console.drills import Drills
from blindwatch.console.halting import Halt
from blindwatch.console.noting import Notes
from blindwatch.console.raising import Maker
from blindwatch.console.signals import Signals
from blindwatch.console.tray import Tray
from blindwatch.errors import BlindwatchError, CosignatureMissing, LogError, OutsideWindow
from blindwatch.integrations.counts import Counts
from blindwatch.operator.fetching import Reading
from blindwatch.statements.predicates import Window, instant
from blindwatch.statements.signing import Identity
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import CameraList

TICK_SECONDS: Final = 0.5


def utc() -> datetime:
    """The current time."""
    return datetime.now(UTC)


@dataclass
class Key:
    """The released key: until when it may be used, and how to let go of it."""

    window: Window
    forget: Callable[[], None]
    """Lets go of it, and records that; may be called once."""
    is_held: bool = True

    @property
    def until(self) -> datetime:
        """When its time is over."""
        return instant(self.window.not_after)

    def drop(self) -> None:
        """Let go of the key, once."""
        if self.is_held:
            self.is_held = False
            self.forget()


class Duty:
    """Holds the desk, the key and the signals of one deployment under one lock, and counts what changes."""

    def __init__(
        self,
        assignment: Assignment,
        notes: Notes,
        key: Key,
        maker: Maker,
        drills: Drills,
        clock: Callable[[], datetime] = utc,
    ) -> None:
        self.assignment = assignment
        self.key = key
        self.signals = Signals(clock())
        self.halt: Halt | None = None
        self.over = Event()
        """Set when nothing is fetched or opened any more."""
        self.version = 0
        """Of what an operator has to see at once; it grows with every change."""
        self._notes = notes
        self._maker = maker
        self._drills = drills
        self._clock = clock
        self._lock = RLock()
        rules = assignment.rules
        tray = Tray(notes, rules.clocks.alert_hours, clock, notes.left())
        self._desk = Desk(tray, notes, rules.verifiers, assignment.training.is_trained, clock)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """The desk, for as long as nobody else has it; what is done to it is noticed."""
        with self._lock:
            before = self._marks()
            try:
                yield self._desk
            finally:
                if self._marks() != before:
                    self.version += 1

    def now(self) -> datetime:
        """The time by the clock of the duty."""
        return self._clock()

    # What the threads tell

    def opened(self, reading: Reading, crop: bytes | None) -> None:
        """Count a result, and raise an alert if it is a match."""
        alert = None
        if reading.matches:
            alert = self._maker.alert(reading, crop, self._clock())
        with self.desk() as desk:
            self.signals.count(reading.problem, self._clock())
            if alert is not None:
                with self._writing():
                    desk.tray.raise_alert(alert, lambda: self._notes.alerted(reading))

    def reached(self) -> None:
        """Note that the server answers. Does not wait for the lock: the server would see for how long."""
        self.signals.server_lost = self.signals.withheld = None

    def lost(self, error: BlindwatchError) -> None:
        """Note that the server does not answer, or keeps results back; does not wait either."""
        if isinstance(error, CosignatureMissing):
            self.signals.withheld = self.signals.withheld or self._clock()
        else:
            self.signals.server_lost = self.signals.server_lost or self._clock()

    def ended(self, error: BlindwatchError) -> None:
        """Note why nothing is fetched or opened any more."""
        with self.desk():
            if self.signals.end is None and not self.over.is_set():
                self.signals.end = error
                self._end(error.problem.slug)
            if isinstance(error, OutsideWindow):
                self._drop_key()

    def heard(self, listed: CameraList) -> None:
        """Note when the server heard of each camera; does not wait either."""
        self.signals.heard = {
            each.camera: None if each.heard_at is None else instant(each.heard_at) for each in listed.cameras
        }

    def tick(self) -> None:
        """Let time do its part."""
        with self.desk() as desk:
            with self._writing():
                desk.tick()
            if self._clock() >= self.key.until:
                self.ended(OutsideWindow("The time that the key was released for is over."))
            self._notes.announcer.silent(self.silences())
            drill = None if self.over.is_set() else self._drills.next(self._clock())
            if drill is not None:
                desk.tray.raise_alert(drill, lambda: None)

    def lapse(self) -> None:
        """Tell others of alerts that they know of and whose time is over."""
        age = timedelta(hours=self.assignment.rules.clocks.alert_hours)
        with self.desk(), self._writing():
            self._notes.lapsed(self._clock(), age)

    def held_back(self) -> list[str]:
        """The entries about which no more alerts are shown, in words."""
        return self._notes.held_back()

    def silences(self) -> dict[str, timedelta]:
        """The cameras of which nothing was heard for too long, and for how long; none if nobody could have heard."""
        if self.signals.server_lost is not None or self.over.is_set():
            return {}
        at = self._clock()
        found = {each: self.signals.silent(each, at) for each in self.assignment.cameras}
        return {each: silence for each, silence in found.items() if silence is not None}

    def counts(self) -> Counts:
        """What may be counted elsewhere: of alerts, those alone that have their outcome."""
        with self.desk() as desk:
            signals = self.signals
            return Counts(
                results=signals.faces,
                failures=signals.problems.total(),
                outcomes=dict[str, int](desk.tray.outcomes.items()),
                key_is_held=self.key.is_held,
                server_answers=signals.server_lost is None and not self.over.is_set(),
                cameras_offline=len(self.silences()),
            )

    # What operators do, besides deciding

    def stop(self, operator: str, identity: Identity, client: ServerClient) -> Halt:
        """Stop: fetch and open nothing more, forget the key, and tell the server; once for all."""
        with self.desk() as desk:
            if self.halt is not None:
                return self.halt
            self._end("stopped")
            about = (self.assignment.deployment, self.assignment.manifest_digest)
            self.halt = halt = Halt(operator, self._clock(), *about, identity)
            self._drop_key()
            with self._writing():
                desk.tray.forget_new()
        digest = halt.tell(client)
        with self.desk(), self._writing():
            self._notes.stopped(operator, digest, told=halt.told.is_set())
        if not halt.told.is_set():
            Thread(target=halt.keep_telling, args=(client,), daemon=True).start()
        return halt

    def finish(self) -> None:
        """End the duty, once every alert has an outcome; raises AlertsOpen."""
        with self.desk() as desk:
            desk.tray.check_over()
            self.abandon()

    def abandon(self) -> int:
        """End the duty however it stands; returns how many alerts are left without an outcome."""
        with self.desk() as desk:
            self.over.set()
            with self._writing():
                desk.tray.forget_images()
            self._drop_key()
            self._end("left" if desk.tray.open else "finished")
            return len(desk.tray.open)

    def _drop_key(self) -> None:
        with self._writing():
            self.key.drop()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Fetch nothing more once something cannot be written down."""
        try:
            yield
        except LogError as error:
            self.signals.journal = error
            self._end(error.problem.slug)

    def _end(self, reason: str) -> None:
        """Fetch nothing more, and tell others so."""
        self.over.set()
        self._notes.announcer.ended(reason)

    def _marks(self) -> tuple[object, ...]:
        """What an operator would have to see at once if it were another than before."""
        alerts = tuple(replace(alert, candidates=(), probe_image=None) for alert in self._desk.tray.alerts)
        signals = self.signals
        facts = (signals.server_lost, signals.withheld, signals.end, signals.journal)
        return (
            alerts,
            len(self._desk.tray.settled),
            len(self._desk.flags),
            facts,
            self.key.is_held,
            self.halt,
        )
