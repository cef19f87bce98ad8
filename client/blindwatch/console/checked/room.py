"""The room in which somebody is checked: one person at a time, one answer, and no face for longer than a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Final

from blindwatch.camera.sources import opened
from blindwatch.console import steps
from blindwatch.console.alerts import Alert, Reason
from blindwatch.console.checked import outcomes
from blindwatch.console.checked.answers import MINUTE, Shown
from blindwatch.console.duty import Key, utc
from blindwatch.console.raising import Maker
from blindwatch.console.rooms import room as rooms
from blindwatch.errors import Busy, NotFound, NotTrained, OutsideWindow, WrongStep
from blindwatch.operator.checks import Grounds
from blindwatch.operator.examining import Answered, Examiner
from blindwatch.operator.journal import Course, Journal
from blindwatch.operator.taking import Taken, given, watched
from blindwatch.policy.profile import Profile
from blindwatch.records.operator import Outcome
from blindwatch.vision.pipeline import FacePipeline

NOWHERE: Final = Grounds("", "", "", None)


@dataclass(frozen=True)
class Setting:
    """Who may check, and with which camera of this machine, if photographs are not handed over."""

    trained: Callable[[str, date], bool]
    device: str | None = None
    """The number of a device, or the address of a stream."""


def _busy() -> Busy:
    return Busy("A check is under way.", "Wait until it has its answer.")


class Room(rooms.Room):
    """Checks people, shows the answer, and takes what became of it; safe to call from any thread."""

    def __init__(
        self,
        examiner: Examiner,
        journal: Journal,
        maker: Maker,
        key: Key,
        setting: Setting,
        clock: Callable[[], datetime] = utc,
    ) -> None:
        super().__init__(key, _busy, clock)
        self.examiner = examiner
        self.draft = NOWHERE
        """The grounds of a check that was not made, so that nobody has to choose them again."""
        self._journal = journal
        self._maker = maker
        self._setting = setting
        self._is_over = False
        self._shown: Shown | None = None
        self._waiting = self._read()

    @property
    def operator(self) -> str:
        """Who checks."""
        return self.examiner.standing.operator

    @property
    def operators(self) -> tuple[str, ...]:
        """Whoever checks, alone."""
        return (self.operator,)

    @property
    def rules(self) -> Profile:
        """The policy profile."""
        return self.examiner.standing.rules

    @property
    def has_device(self) -> bool:
        """Whether a camera at this machine takes the photographs."""
        return self._setting.device is not None

    @property
    def has_faces(self) -> bool:
        """Whether there are faces of the list to look at."""
        return self.examiner.album is not None

    @property
    def has_key(self) -> bool:
        """Whether the key is there."""
        return super().has_key and not self._is_over

    @property
    def is_trained(self) -> bool:
        """Whether the operator may check anybody today."""
        return self._setting.trained(self.operator, self._clock().date())

    @property
    def shown(self) -> Shown | None:
        """The answer that is looked at, as it is now."""
        self.tick()
        return self._shown

    @property
    def waiting(self) -> list[Course]:
        """The matches without an outcome that nobody looks at now, the oldest first."""
        shown = self._shown
        open_now = None if shown is None or shown.alert is None else shown.alert.id
        return [each for each in self._waiting if each.alerted.alert != open_now]

    def check(self, place: str, reason: str, harm: str | None, photograph: bytearray) -> None:
        """Check the one person on a photograph, whose bytes are overwritten, or whom the camera sees.

        Raises PolicyViolation if the grounds are not as the profile has them, before there is a picture, and
        what else keeps a check from having an answer.
        """
        with self._alone():
            self._check_may()
            if self._shown is not None and self._shown.alert is not None:
                raise WrongStep("A match is open.", "Say what became of it, or close it.")
            self.close()
            self.draft = Grounds(self.operator, place, reason, harm)
            try:
                answered = self.examiner.check(self.draft, partial(self._taken, photograph))
            finally:
                self._waiting = self._read()
            self._check_may()  # the time of the key may have ended in between
            with self._changing():
                self._shown, self.draft = self._answer(answered), NOWHERE

    def consider(self) -> None:
        """Note that the operator has read who is known to look alike."""
        with self._changing():
            shown, alert = self._match()
            self._shown = replace(shown, alert=steps.considered(alert))

    def conclude(self, name: str, outcome: Outcome, reason: Reason) -> None:
        """Write down what became of a match, and let go of everything of it; raises WrongStep."""
        with self._alone(), self._changing():
            shown = self._shown
            alert = None if shown is None else shown.alert
            is_open = alert is not None and alert.id == name
            if alert is not None and is_open:
                outcomes.check_considered(alert, outcome)
            self._journal.adjudicate(name, outcome, self.operator, reason.value)
            self._waiting = self._read()
            if is_open:
                self._shown = None

    def close(self) -> None:
        """Let go of the answer; what became of a match can be said later."""
        with self._changing():
            self._shown = None

    def leave(self) -> None:
        """Let go of everything, and of the key; a check that is under way has no answer then."""
        with self._changing():
            self._shown = None
            self._is_over = True
            self.examiner.forget()
        self._record()

    def end(self) -> None:
        """The same, and wait for a check that is under way to be written down."""
        self.leave()
        with self._working:
            self.key.drop()

    def _fade(self, at: datetime) -> None:
        shown = self._shown
        if shown is not None and at >= shown.until and (shown.alert is None or shown.has_faces):
            with self._changing():
                self._shown = shown.later()

    def _taken(self, photograph: bytearray, models: FacePipeline) -> Taken:
        """The face that is to be checked, unless it is too late for that."""
        device = self._setting.device
        taken = given(photograph, models) if device is None else watched(opened(device), models)
        try:
            self._check_may()
        except (NotTrained, OutsideWindow):
            taken.view.wipe()
            raise
        return taken

    def _check_may(self) -> None:
        if not self.is_trained:
            raise NotTrained(
                hint="You can say what became of matches, and check people again once you are trained."
            )
        if not self.has_key:
            raise OutsideWindow("The key is gone.", "Start the page again; custodians release the key anew.")

    def _match(self) -> tuple[Shown, Alert]:
        shown = self.shown
        if shown is None or shown.alert is None:
            raise NotFound("No match is open.", "It was closed, or its time was over.")
        return shown, shown.alert

    def _answer(self, answered: Answered) -> Shown:
        reading, at = answered.reading, self._clock()
        alert = self._maker.alert(reading, None, at) if reading.matches else None
        return Shown(alert, reading.problem, answered.shortcomings, at + MINUTE)

    def _read(self) -> list[Course]:
        """The matches of the deployment that have no outcome, as the journal has them."""
        deployment = self.examiner.standing.approved.manifest.deployment
        courses = self._journal.courses().values()
        return [each for each in courses if each.alerted.deployment == deployment and each.final is None]

    def _record(self) -> None:
        """Have the journal say that the key is gone, as soon as nobody else writes into it."""
        if self._working.acquire(blocking=False):
            try:
                self.key.drop()
            finally:
                self._working.release()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with super()._alone():
                yield
        finally:
            if self._is_over:
                self._record()
