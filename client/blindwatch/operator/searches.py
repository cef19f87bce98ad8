"""Searches in the operator's journal: who searched and why, before anything is sent, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from secrets import token_hex

from pydantic import ValidationError

from blindwatch.errors import ConfigurationError, WrongStep
from blindwatch.operator.journal import Journal
from blindwatch.records.operator import SearchConcluded, Searched, SearchFailed, SearchOutcome
from blindwatch.records.record import minute

_SHORTEST = 8


@dataclass(frozen=True)
class Purpose:
    """Why somebody is searched for: the reference of a crime, and a reason, as one word."""

    reference: str
    reason: str

    def search(self, deployment: str, operator: str, photograph: bytes) -> Searched:
        """The record of a new search for a photograph, the bytes of a file; raises ConfigurationError."""
        digest = hashlib.sha256(photograph).hexdigest()
        try:
            return Searched(
                at=minute(),
                deployment=deployment,
                search=token_hex(16),
                operator=operator,
                reference=self.reference,
                reason=self.reason,
                photograph=digest,
            )
        except ValidationError:
            raise ConfigurationError(
                "The reference of the crime or the reason is not in its form.",
                "A reference has letters, digits and / . _ -, a reason small letters, digits and -; no names.",
            ) from None


@dataclass(frozen=True)
class Inquiry:
    """A search, and what became of it, if that is known."""

    searched: Searched
    concluded: SearchConcluded | None = None
    has_failed: bool = False


def inquiries(journal: Journal) -> dict[str, Inquiry]:
    """All searches of a journal by their identifiers, in their order."""
    found: dict[str, Inquiry] = {}
    for record in journal.records():
        if isinstance(record, Searched):
            found[record.search] = Inquiry(record)
        elif isinstance(record, SearchConcluded):
            found[record.search] = replace(found[record.search], concluded=record)
        elif isinstance(record, SearchFailed):
            found[record.search] = replace(found[record.search], has_failed=True)
    return found


def conclude(journal: Journal, search: str, outcome: SearchOutcome, operator: str) -> SearchConcluded:
    """Write down what became of a search, which the beginning of its identifier may name; once. Raises WrongStep."""
    inquiry = _named(journal, search)
    if inquiry.concluded is not None:
        raise WrongStep(
            f"The search has its outcome already: {inquiry.concluded.outcome}.",
            "What was written down stays as it is; report a mistake to the oversight body.",
        )
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


def _named(journal: Journal, search: str) -> Inquiry:
    found = list(_matching(journal, search)) if len(search) >= _SHORTEST else []
    if len(found) != 1:
        raise WrongStep(
            "The journal does not have one search of this identifier.",
            f"Give {_SHORTEST} characters of it at least.",
        )
    return found[0]


def _matching(journal: Journal, search: str) -> Iterator[Inquiry]:
    return (each for name, each in inquiries(journal).items() if name.startswith(search))
