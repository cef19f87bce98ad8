"""What a scan finds: what kind of thing, where, how often, and never the bytes themselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST: Final = 10_000
"""So many different findings are listed."""


class Kind(StrEnum):
    """What a finding says."""

    CANARY = "bytes of a canary"
    TEMPLATE = "template of a canary"
    IMAGE = "image"
    KEY = "secret key"
    SHARE = "share of a key"
    VECTOR = "looks like a template"
    OWN_KEY = "key that belongs here"

    @property
    def is_wrong(self) -> bool:
        """Whether a clean system has none of it."""
        return self is not Kind.OWN_KEY


@dataclass(frozen=True)
class Hit:
    """Something found in a window of bytes, from its first byte to behind its last."""

    start: int
    end: int
    kind: Kind
    what: str


@dataclass(frozen=True, order=True)
class Place:
    """A file, a region of memory or a stream, and what had to be unpacked in it, from the outside in."""

    name: str
    within: tuple[str, ...] = ()

    def inside(self, what: str, offset: int) -> Place:
        """The content of something packed that begins at an offset."""
        return Place(self.name, (*self.within, f"{what} at {offset}"))


@dataclass(frozen=True)
class Finding:
    """Everything of one kind and description in one place; `offset` is where the first of it begins."""

    place: Place
    kind: Kind
    what: str
    count: int
    offset: int


class Findings:
    """What was found so far, and what could not be searched."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, Kind, str], tuple[int, int]] = {}
        self._unsearched: dict[tuple[str, str], None] = {}

    def add(self, place: Place, kind: Kind, what: str, offset: int) -> None:
        """Note something that was found."""
        key = place, kind, what
        if key not in self._found and len(self._found) >= MOST:
            self.leave(place.name, "more was found than is listed")
            return
        count, first = self._found.get(key, (0, offset))
        self._found[key] = count + 1, min(first, offset)

    def leave(self, place: str, why: str) -> None:
        """Note what was not searched."""
        self._unsearched[place, why] = None

    def of(self, *, is_wrong: bool) -> list[Finding]:
        """What a clean system does not have, or what it may have; in the order of place and offset."""
        found = [Finding(*key, *value) for key, value in self._found.items() if key[1].is_wrong is is_wrong]
        return sorted(found, key=lambda each: (each.place, each.offset, each.what))

    @property
    def unsearched(self) -> list[tuple[str, str]]:
        """Places, or parts of some, that were not searched, and why."""
        return list(self._unsearched)
