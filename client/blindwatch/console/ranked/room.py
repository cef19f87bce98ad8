"""The room in which somebody searches: one search at a time, and of it no more than was looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from blindwatch.console.duty import Key, utc
from blindwatch.console.ranked.looking import UNOPENED, Look, Place
from blindwatch.console.rooms import room as rooms
from blindwatch.errors import Busy, Forbidden, NotFound, NotTrained, OutsideWindow, WrongStep
from blindwatch.operator import identifying, searches
from blindwatch.operator.identifying import Signatory
from blindwatch.operator.inquiring import Inquirer, Ranked
from blindwatch.operator.journal import Journal
from blindwatch.operator.searches import Inquiry, Purpose
from blindwatch.records.operator import Searched, SearchOutcome
from blindwatch.statements.package import PackageEntry


@dataclass(frozen=True)
class Terms:
    """How many candidates of a search are kept, and for how many seconds its result is waited for."""

    top: int
    wait: float


def _busy() -> Busy:
    return Busy("A search is under way.", "Wait until it has its result.")


class Room(rooms.Room):
    """Searches, opens what is asked for, and forgets the rest; safe to call from any thread."""

    def __init__(
        self,
        inquirer: Inquirer,
        journal: Journal,
        entries: tuple[PackageEntry, ...],
        key: Key,
        people: Sequence[Signatory],
        trained: Callable[[str, date], bool],
        terms: Terms,
        clock: Callable[[], datetime] = utc,
    ) -> None:
        super().__init__(key, _busy, clock)
        self.inquirer = inquirer
        self._journal = journal
        self._entries = entries
        self._people = {each.name: each for each in people}
        self._trained = trained
        self._terms = terms
        self._look: Look | None = None
        self._inquiries = self._read()

    @property
    def operator(self) -> str:
        """Who has the key, and searches."""
        return self.inquirer.operator

    @property
    def operators(self) -> tuple[str, ...]:
        """Who searches, and who may agree to what that operator finds."""
        return tuple(self._people)

    def is_trained(self, operator: str) -> bool:
        """Whether an operator may search, look and identify today."""
        return self._trained(operator, self._clock().date())

    def check_trained(self, operator: str) -> None:
        """Refuse an operator who is not trained; raises NotTrained."""
        if not self.is_trained(operator):
            raise NotTrained(
                hint="You can say what became of searches, and search again once you are trained."
            )

    @property
    def look(self) -> Look | None:
        """The search that is looked at, as it is now."""
        self.tick()
        return self._look

    @property
    def waiting(self) -> list[Inquiry]:
        """The searches of the journal without an outcome, the oldest first."""
        return [each for each in self._inquiries if each.concluded is None]

    def search(self, photograph: bytes, purpose: Purpose, operator: str) -> None:
        """Search for the most central face of a photograph, the bytes of a file, and hold the ranking."""
        if operator != self.operator:
            raise Forbidden("The operator to whom the key was released makes the searches.")
        searched = purpose.search(self.inquirer.approved.manifest, operator, photograph)
        with self._alone():
            self._check_may(operator)
            if self._look is not None:
                raise WrongStep("A search is open.", "Close it first, or say what became of it.")
            try:
                found = self.inquirer.search(searched, photograph, self._terms.top, self._terms.wait)
            finally:
                self._inquiries = self._read()
            with self._changing():
                self._check_may(operator)  # the time of the key may have ended in between
                self._look = self._looked(searched, found)

    def open(self, rank: int, operator: str) -> None:
        """Open the face of one candidate, and show it beside the one that was searched for."""
        self._check_may(operator)
        with self._changing():
            look = self._held()
            self._look = look.opened(rank, self.inquirer.album, self._clock())

    def close(self) -> None:
        """Let go of everything of the search; what became of it can be said later."""
        with self._changing():
            self._look = None

    def conclude(self, search: str, outcome: SearchOutcome, operator: str) -> None:
        """Write down what became of a search, and let go of everything of it; raises WrongStep."""
        with self._concluding():
            searches.conclude(self._journal, search, outcome, operator)

    def propose(self, search: str, reference: str, evidence: str, operator: str) -> None:
        """Write down that an operator has identified somebody. What is looked at stays, for another one to look."""
        self.check_trained(operator)
        if reference not in {each.reference for each in self._entries}:
            raise NotFound("The gallery has no such entry.", "Give its reference as the candidates have it.")
        with self._concluding():
            identifying.propose(self._journal, search, reference, evidence, self._people[operator])

    def agree(self, search: str, reference: str, operator: str) -> None:
        """Write down that another operator agrees to that, and let go of everything of the search."""
        self.check_trained(operator)
        with self._concluding():
            identifying.agree(self._journal, search, reference, self._people[operator])

    def disagree(self, search: str, operator: str) -> None:
        """Write down that another operator does not, and let go of everything of the search."""
        self.check_trained(operator)
        with self._concluding():
            identifying.disagree(self._journal, search, self._people[operator])

    def leave(self) -> None:
        """Let go of everything, and of the key."""
        with self._changing():
            self._look = None
            self.key.drop()

    def _fade(self, at: datetime) -> None:
        if self._look is not None and self._look.unopened and at >= self._look.until:
            with self._changing():
                self._look = self._look.without_unopened()

    def _check_may(self, operator: str) -> None:
        self.check_trained(operator)
        if not self.has_key:
            raise OutsideWindow(
                "The key is gone.", "Start the console again; custodians release the key anew."
            )

    def _held(self) -> Look:
        look = self.look
        if look is None:
            raise NotFound("No search is open.", "It was closed, or its time was over.")
        return look

    def _looked(self, searched: Searched, found: Ranked) -> Look:
        norm = self.inquirer.squared_norm
        places = tuple(
            Place(rank, each.entry, self._entries[each.entry], each.score / norm)
            for rank, each in enumerate(found.candidates, 1)
        )
        return Look(searched, found.face, places, self._clock() + UNOPENED)

    def _read(self) -> list[Inquiry]:
        return list(searches.inquiries(self._journal).values())

    @contextmanager
    def _concluding(self) -> Iterator[None]:
        """Read the journal again afterwards, and let go of a search that has its outcome."""
        with self._alone(), self._changing():
            yield
            self._inquiries = self._read()
            waiting = {each.searched.search for each in self.waiting}
            if self._look is not None and self._look.searched.search not in waiting:
                self._look = None
