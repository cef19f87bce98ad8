"""One search as it is looked at: the face that was searched for, and candidates at their places in the ranking."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Self

from blindwatch.console.raising import jpeg
from blindwatch.errors import NotFound
from blindwatch.records.operator import Searched
from blindwatch.secret.candidates import Album, Portrait
from blindwatch.statements.package import PackageEntry

UNOPENED: Final = timedelta(seconds=60)
"""For so long candidates stay that nobody has opened, counted from when one was opened last."""


@dataclass(frozen=True)
class Place:
    """A candidate at its place in the ranking. Its face is there once somebody has asked for it, and not before."""

    rank: int
    number: int
    """Of the entry in the gallery."""
    entry: PackageEntry
    likeness: float
    """The cosine of the two templates, as the scores have it."""
    portrait: Portrait | None = field(default=None, repr=False)
    is_open: bool = False

    @property
    def image(self) -> bytes | None:
        """The face as JPEG, if it was opened and there is one."""
        return None if self.portrait is None else jpeg(self.portrait.image)

    def opened(self, album: Album | None) -> Self:
        """The candidate with its face; raises what opening it raises."""
        return replace(self, portrait=None if album is None else album.portrait(self.number), is_open=True)


@dataclass(frozen=True)
class Look:
    """A search and what is left of its ranking. Everything is in memory only."""

    searched: Searched
    face: bytes = field(repr=False)
    """What was searched for, as JPEG."""
    places: tuple[Place, ...]
    """In the order of the ranking."""
    until: datetime
    """When those that are not open go."""
    shown: int | None = None
    """The rank of the candidate beside the face."""
    gone: int = 0
    """How many candidates went because nobody opened them."""

    @property
    def beside(self) -> Place | None:
        """The candidate beside the face."""
        return next((each for each in self.places if each.rank == self.shown), None)

    @property
    def unopened(self) -> int:
        """How many candidates nobody has opened."""
        return sum(not each.is_open for each in self.places)

    def place(self, rank: int) -> Place:
        """The candidate at a place; raises NotFound."""
        found = next((each for each in self.places if each.rank == rank), None)
        if found is None:
            raise NotFound(
                "There is no such candidate any more.",
                "Those that nobody opens go after a minute; search again.",
            )
        return found

    def opened(self, rank: int, album: Album | None, at: datetime) -> Self:
        """The same with one candidate opened, or one that is open already shown again."""
        found = self.place(rank)
        if found.is_open:
            return replace(self, shown=rank)
        opened = found.opened(album)
        places = tuple(opened if each.rank == rank else each for each in self.places)
        return replace(self, places=places, shown=rank, until=at + UNOPENED)

    def without_unopened(self) -> Self:
        """The same without the candidates that nobody has opened."""
        left = tuple(each for each in self.places if each.is_open)
        return replace(self, places=left, gone=self.gone + self.unopened)
