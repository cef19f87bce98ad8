"""Searches in the operator's journal: who searched and why, before anything is sent, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Final

from pydantic import TypeAdapter, ValidationError

from blindwatch.errors import ConfigurationError, WrongStep
from blindwatch.operator.journal import Journal
from blindwatch.policy.profile import Profile, profile
from blindwatch.records.operator import (
    CrimeReference,
    IdentificationProposed,
    Reason,
    SearchConcluded,
    Searched,
    SearchFailed,
    SearchOutcome,
)
from blindwatch.records.record import minute
from blindwatch.statements.predicates import DeploymentManifest

_SHORTEST = 8
_PURPOSE: Final[TypeAdapter[tuple[str, str]]] = TypeAdapter(tuple[CrimeReference, Reason])


@dataclass(frozen=True)
class Purpose:
    """Why somebody is searched for: the reference of a crime, and a reason, as one word.

    Raises ConfigurationError if one of them is not in its form.
    """

    reference: str
    reason: str

    def __post_init__(self) -> None:
        try:
            _PURPOSE.validate_python((self.reference, self.reason))
        except ValidationError:
            raise ConfigurationError(
                "The reference of the crime or the reason is not in its form.",
                "A reference has letters, digits and / . _ -, a reason small letters, digits and -; no names.",
            ) from None

    def search(self, manifest: DeploymentManifest, operator: str, photograph: bytes) -> Searched:
        """The record of a new search for a photograph, the bytes of a file."""
        return Searched(
            at=minute(),
            deployment=manifest.deployment,
            search=token_hex(16),
            operator=operator,
            reference=self.reference,
            reason=self.reason,
            photograph=hashlib.sha256(photograph).hexdigest(),
            profile=manifest.profile.name,
        )


@dataclass(frozen=True)
class Inquiry:
    """A search, and what became of it, if that is known."""

    searched: Searched
    proposed: IdentificationProposed | None = None
    """That one operator has identified somebody, which is no outcome yet."""
    concluded: SearchConcluded | None = None
    has_failed: bool = False

    @property
    def rules(self) -> Profile:
        """The profile of the search; raises ConfigurationError if it is not installed here."""
        return profile(self.searched.profile)

    def check_open(self) -> None:
        """Refuse what comes after an outcome; raises WrongStep."""
        if self.concluded is not None:
            raise WrongStep(
                f"The search has its outcome already: {self.concluded.outcome}.",
                "What was written down stays as it is; report a mistake to the oversight body.",
            )


def inquiries(journal: Journal) -> dict[str, Inquiry]:
    """All searches of a journal by their identifiers, in their order."""
    found: dict[str, Inquiry] = {}
    for record in journal.records():
        if isinstance(record, Searched):
            found[record.search] = Inquiry(record)
        elif isinstance(record, IdentificationProposed):
            found[record.search] = replace(found[record.search], proposed=record)
        elif isinstance(record, SearchConcluded):
            found[record.search] = replace(found[record.search], concluded=record)
        elif isinstance(record, SearchFailed):
            found[record.search] = replace(found[record.search], has_failed=True)
    return found


def conclude(journal: Journal, search: str, outcome: SearchOutcome, operator: str) -> SearchConcluded:
    """Write down what became of a search, which the beginning of its identifier may name; once.

    That somebody was identified is proposed instead, with an entry and other evidence. Raises WrongStep.
    """
    inquiry = named(journal, search)
    inquiry.check_open()
    if inquiry.proposed is not None:
        raise WrongStep(
            "One operator has identified somebody, so another has to agree or disagree.",
            "Another trained operator does so with: blindwatch operator second",
        )
    if outcome == "identified":
        raise WrongStep("Who says that somebody was identified names the entry and the other evidence.")
    searched = inquiry.searched
    record = SearchConcluded(
        at=minute(),
        deployment=searched.deployment,
        search=searched.search,
        outcome=outcome,
        operator=operator,
    )
    journal.note(record)
    return record


def named(journal: Journal, search: str) -> Inquiry:
    """The search of this identifier, or of this beginning of one; raises WrongStep."""
    found = list(_matching(journal, search)) if len(search) >= _SHORTEST else []
    if len(found) != 1:
        raise WrongStep(
            "The journal does not have one search of this identifier.",
            f"Give {_SHORTEST} characters of it at least.",
        )
    return found[0]


def _matching(journal: Journal, search: str) -> Iterator[Inquiry]:
    return (each for name, each in inquiries(journal).items() if name.startswith(search))
