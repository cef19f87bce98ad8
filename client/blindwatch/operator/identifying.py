"""That a search has identified somebody: one operator proposes it, with other evidence, and another has to agree.

Both sign what they say. Whom it is about is in the journal as a commitment; whoever agrees names the entry without
being told, so that agreeing takes having looked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from pydantic import TypeAdapter, ValidationError

from blindwatch.errors import ConfigurationError, SamePerson, WrongStep
from blindwatch.operator import searches
from blindwatch.operator.journal import Journal
from blindwatch.operator.unlocking import operator_of
from blindwatch.records.operator import IdentificationProposed, SearchConcluded, SearchOutcome
from blindwatch.records.record import minute
from blindwatch.statements.identification import Finding, Identification
from blindwatch.statements.package import Reference
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity

_REFERENCE: Final[TypeAdapter[str]] = TypeAdapter(Reference)


@dataclass(frozen=True)
class Signatory:
    """An operator of the register, who signs."""

    name: str
    identity: Identity = field(repr=False)

    @classmethod
    def of(cls, identity: Identity, register: Register) -> Self:
        """Whose keys these are; raises ConfigurationError if they are no operator's of the register."""
        return cls(operator_of(identity, register), identity)


def propose(
    journal: Journal, search: str, reference: str, evidence: str, signatory: Signatory
) -> IdentificationProposed:
    """Write down that an operator has identified somebody: the entry, and the kind of other evidence.

    It is the outcome at once if the profile asks for one person only. Raises WrongStep, or PolicyViolation or
    ConfigurationError if kind or reference are none.
    """
    inquiry = searches.named(journal, search)
    inquiry.check_open()
    if inquiry.proposed is not None:
        raise WrongStep(
            "One operator has identified somebody of this search already.",
            "Another trained operator agrees or disagrees with: blindwatch operator second",
        )
    searched, rules = inquiry.searched, inquiry.rules
    rules.check_evidence(evidence)
    entry = journal.commit(searched.search, [_checked(reference)])
    said = (searched.deployment, searched.search, entry, evidence)
    record = IdentificationProposed(
        at=minute(),
        deployment=searched.deployment,
        search=searched.search,
        operator=signatory.name,
        entry=entry,
        evidence=evidence,
        statement=_signed(said, "proposed", signatory),
    )
    journal.note(record)
    if rules.verifiers == 1:
        journal.note(_outcome(record, "identified"))
    return record


def agree(journal: Journal, search: str, reference: str, signatory: Signatory) -> SearchConcluded:
    """Write down that another operator has found the same entry. With that the search has its outcome.

    Raises SamePerson, WrongStep if nobody has identified anybody or it was another entry, or ConfigurationError.
    """
    proposed = _proposed(journal, search, signatory)
    if not journal.opens(proposed.search, [_checked(reference)], proposed.entry):
        raise WrongStep(
            "That is not the entry that the first operator has identified.",
            "Look at the search again. If it is not the one that you find, disagree.",
        )
    return _conclude(journal, proposed, signatory, "agreed")


def disagree(journal: Journal, search: str, signatory: Signatory) -> SearchConcluded:
    """Write down that another operator does not find the same. With that the outcome is 'inconclusive'.

    Raises SamePerson, or WrongStep if nobody has identified anybody.
    """
    return _conclude(journal, _proposed(journal, search, signatory), signatory, "disagreed")


def _proposed(journal: Journal, search: str, signatory: Signatory) -> IdentificationProposed:
    inquiry = searches.named(journal, search)
    inquiry.check_open()
    if inquiry.proposed is None:
        raise WrongStep("Nobody has identified a person of this search.")
    if inquiry.proposed.operator == signatory.name:
        raise SamePerson("Another operator than the one who identified somebody has to agree or disagree.")
    return inquiry.proposed


def _conclude(
    journal: Journal, proposed: IdentificationProposed, signatory: Signatory, finding: Finding
) -> SearchConcluded:
    said = (proposed.deployment, proposed.search, proposed.entry, proposed.evidence)
    statement = _signed(said, finding, signatory)
    outcome: SearchOutcome = "identified" if finding == "agreed" else "inconclusive"
    record = _outcome(proposed, outcome, signatory.name, statement)
    journal.note(record)
    return record


def _outcome(
    proposed: IdentificationProposed,
    outcome: SearchOutcome,
    second: str | None = None,
    statement: bytes | None = None,
) -> SearchConcluded:
    return SearchConcluded(
        at=minute(),
        deployment=proposed.deployment,
        search=proposed.search,
        outcome=outcome,
        operator=proposed.operator,
        second=second,
        statement=statement,
    )


def _signed(said: tuple[str, str, str, str], finding: Finding, signatory: Signatory) -> bytes:
    deployment, search, entry, evidence = said
    statement = Identification(
        deployment=deployment,
        search=search,
        entry=entry,
        evidence=evidence,
        finding=finding,
        issued_at=minute(),
    )
    return statement.envelope().signed_by(signatory.identity).to_json()


def _checked(reference: str) -> str:
    try:
        return _REFERENCE.validate_python(reference)
    except ValidationError:
        raise ConfigurationError(
            "The entry is not in its form.", "Give its reference as the ranking has it, such as 7QX2MNAB."
        ) from None
