"""Alerts: what a person decides on, on its way to exactly one final outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, Self, TypeAlias

from blindwatch.console.bands import Band
from blindwatch.records.operator import FINAL, Outcome
from blindwatch.statements.package import PackageEntry, Priority

CLAIM: Final = timedelta(seconds=60)
"""For so long an alert is an operator's who does nothing with it."""
URGENCY: Final = (Priority.RED, Priority.AMBER, Priority.GREEN)

Stage: TypeAlias = Literal["new"] | Outcome


class Reason(StrEnum):
    """Why an outcome is what it is, as records have it."""

    DIFFERENT_PERSON = "different-person"
    LOOKALIKE = "relative-or-lookalike"
    POOR_IMAGE = "poor-image"
    NOT_COMPARABLE = "not-comparable"
    NOT_FOUND = "not-found"
    ARREST = "arrest"
    OTHER_ACTION = "other-action"
    NO_ACTION = "no-further-action"


@dataclass(frozen=True)
class Candidate:
    """An entry of the list that a probe reached. Its score is a band from the start, and no number."""

    entry: PackageEntry
    band: Band
    image: bytes | None = field(default=None, repr=False)
    """JPEG."""
    shortcomings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """Who has an alert, up to when."""

    operator: str
    until: datetime


@dataclass(frozen=True)
class Decision:
    """What was decided, by whom, and how the alert was before. It counts once it cannot be undone any more."""

    by: str
    until: datetime
    before: Alert
    reason: Reason | None = None


@dataclass(frozen=True)
class Alert:
    """A probe that reached entries of the list, on its way to an outcome. Images are in memory only."""

    id: str
    camera: str
    captured_at: datetime
    raised_at: datetime
    priority: Priority
    candidates: tuple[Candidate, ...] = ()
    """The most alike first; none once images and scores are gone."""
    probe_image: bytes | None = field(default=None, repr=False)
    """JPEG; none if what was sealed with the probe does not open."""
    stage: Stage = "new"
    agreed: tuple[str, ...] = ()
    """Who takes it for a possible match."""
    considered: bool = False
    """Whether somebody has considered the known relative."""
    claim: Claim | None = None
    decision: Decision | None = None
    is_seen_again: bool = False
    """Since it was raised. How often is not said: whoever tries faces out could count by it which of them match."""
    is_check: bool = False
    """Two images of different people, shown to see whether somebody looks."""

    @property
    def is_open(self) -> bool:
        """Whether it has no final outcome yet."""
        return self.stage not in FINAL

    @property
    def has_images(self) -> bool:
        """Whether there are two images to compare."""
        return self.probe_image is not None and any(each.image is not None for each in self.candidates)

    @property
    def relatives(self) -> tuple[str, ...]:
        """Notes on people who are known to look alike."""
        notes = (each.entry.known_relative for each in self.candidates)
        return tuple(note for note in notes if note is not None)

    @property
    def is_warned(self) -> bool:
        """Whether whoever decides has said that the people who look alike were considered, if there are any."""
        return self.considered or not self.relatives

    def holder(self, at: datetime) -> str | None:
        """Who has the alert at this time."""
        return self.claim.operator if self.claim is not None and at < self.claim.until else None

    def undoable(self, at: datetime) -> Decision | None:
        """The decision that can still be taken back."""
        return self.decision if self.decision is not None and at < self.decision.until else None

    def claimed(self, operator: str, at: datetime) -> Self:
        """The alert in the hands of an operator."""
        return replace(self, claim=Claim(operator, at + CLAIM))

    def without_images(self) -> Self:
        """The alert once images and scores are gone."""
        return replace(self, candidates=(), probe_image=None, decision=None)
