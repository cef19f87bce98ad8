"""That a search has identified somebody: by two people who signed, with other evidence, or it is a violation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blindwatch.operator import identifying
from blindwatch.operator.identifying import Signatory
from blindwatch.operator.journal import Journal
from blindwatch.oversight import uses
from blindwatch.oversight.checks.findings import Verdict
from blindwatch.oversight.checks.searches import Noted
from blindwatch.records.operator import IdentificationProposed, SearchConcluded, Searched
from blindwatch.records.record import Record, minute
from blindwatch.statements.predicates import instant

from ..server.test_ranked import SEARCHERS
from .test_searches import Change, Searches, failed, searched

__all__ = ["searched"]

CHECK = "searches-identified"
FIRST, SECOND = (Signatory(name, SEARCHERS.identities[name]) for name in ("e.novak", "g.okoro"))
ENTRY = "7QX2MNAB"
Replacing = Callable[[Record], Record]


def said_by_two(searched: Searches, folder: Path, *, agrees: bool | None) -> Change:
    """What a real journal has when two people, or one, say that the first search has identified somebody."""
    Journal.create(folder / "journal", "e.novak.test/journal")
    with Journal(folder / "journal") as journal:
        made = searched.records[0]
        assert isinstance(made, Searched)
        journal.note(made)
        identifying.propose(journal, made.search, ENTRY, "witness", FIRST)
        if agrees is True:
            identifying.agree(journal, made.search, ENTRY, SECOND)
        elif agrees is False:
            identifying.disagree(journal, made.search, SECOND)
        said = list(journal.records())[1:]

    def change(held: list[Record]) -> None:
        held.extend(said)

    return change


def then(first: Change, replacing: Replacing) -> Change:
    """The same with what one side made of it afterwards."""

    def change(held: list[Record]) -> None:
        first(held)
        held[:] = [replacing(each) for each in held]

    return change


def updated(kind: type[Record], **fields: Any) -> Replacing:
    """Records of a kind about the first search with other fields."""

    def replacing(record: Record) -> Record:
        is_it = isinstance(record, kind) and getattr(record, "operator", None) == "e.novak"
        about_two = isinstance(record, SearchConcluded) and record.outcome == "eliminated"
        return record.model_copy(update=fields) if is_it and not about_two else record

    return replacing


def test_two_people_and_other_evidence(searched: Searches, tmp_path: Path) -> None:
    found = searched.verify(tmp_path, said_by_two(searched, tmp_path, agrees=True))
    assert failed(found) == {}
    assert CHECK in {each.check.name for each in found.of(Verdict.PASSED)}
    row = next(each for each in found.facts.searches if each.search == searched.made[0])
    assert row.outcome.startswith("identified, ")
    assert row.outcome.endswith(", by e.novak and g.okoro, with other evidence: witness")


def test_a_disagreement_is_an_outcome_that_cannot_be_said(searched: Searches, tmp_path: Path) -> None:
    found = searched.verify(tmp_path, said_by_two(searched, tmp_path, agrees=False))
    assert failed(found) == {}
    row = next(each for each in found.facts.searches if each.search == searched.made[0])
    assert row.outcome.startswith("inconclusive, ")


def test_what_one_person_has_found_is_no_outcome(searched: Searches, tmp_path: Path) -> None:
    alone = said_by_two(searched, tmp_path, agrees=None)
    found = searched.verify(tmp_path, alone)
    assert failed(found) == {}
    row = next(each for each in found.facts.searches if each.search == searched.made[0])
    assert row.outcome == "none, identified by e.novak alone, with other evidence: witness"

    def later(held: list[Record]) -> None:
        alone(held)
        at = minute(instant(held[0].at) + timedelta(days=31))
        held[-1] = held[-1].model_copy(update={"at": at})

    (tmp_path / "later").mkdir()
    ((name, (fault,)),) = failed(searched.verify(tmp_path / "later", later)).items()
    assert name == "searches-concluded"
    assert fault == f"Search {searched.made[0]} by e.novak for CR/0/26 has no outcome after 31 days."


@pytest.mark.parametrize(
    ("agrees", "replacing", "said"),
    [
        (True, updated(SearchConcluded, second=None, statement=None), "by one person, e.novak, and two have"),
        (True, updated(SearchConcluded, second="e.novak"), "as both the first and the second"),
        (True, updated(SearchConcluded, second="x.other"), "that x.other has not signed"),
        (True, updated(SearchConcluded, statement=None), "that g.okoro has not signed"),
        (True, updated(SearchConcluded, operator="d.silva"), "its outcome names d.silva"),
        (True, updated(SearchConcluded, outcome="eliminated"), "neither an agreement nor a disagreement"),
        (False, updated(SearchConcluded, outcome="identified"), "is not what g.okoro has signed"),
        (True, updated(IdentificationProposed, entry="ab" * 32), "is not what g.okoro has signed"),
        (True, updated(IdentificationProposed, evidence="records"), "is not what e.novak has signed"),
        (True, updated(IdentificationProposed, evidence="face"), "a kind that the profile does not have"),
        (True, updated(IdentificationProposed, statement=b"{}"), "that e.novak has not signed"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_what_is_no_identification_by_two(
    searched: Searches, tmp_path: Path, agrees: bool, replacing: Replacing, said: str
) -> None:
    change = then(said_by_two(searched, tmp_path, agrees=agrees), replacing)
    faults = failed(searched.verify(tmp_path, change))
    assert set(faults) == {CHECK}
    assert any(said in each for each in faults[CHECK])


def test_an_identification_out_of_nothing(searched: Searches, tmp_path: Path) -> None:
    """By one person, with no entry, no other evidence and no signature."""

    def change(held: list[Record]) -> None:
        last = held[-1]
        assert isinstance(last, SearchConcluded)
        held[-1] = last.model_copy(update={"outcome": "identified"})

    ((name, (fault,)),) = failed(searched.verify(tmp_path, change)).items()
    assert name == CHECK
    assert fault.endswith("by e.novak, with no entry and no other evidence.")


def test_an_agreement_that_was_signed_by_the_first_is_none(searched: Searches, tmp_path: Path) -> None:
    """Whoever keeps the journal can write any name into it, and cannot sign for another."""
    alone = said_by_two(searched, tmp_path, agrees=None)

    def change(held: list[Record]) -> None:
        alone(held)
        first = held[-1]
        assert isinstance(first, IdentificationProposed)
        about: dict[str, Any] = {"at": first.at, "deployment": first.deployment, "search": first.search}
        held.append(
            SearchConcluded(
                **about,
                outcome="identified",
                operator=first.operator,
                second="g.okoro",
                statement=first.statement,
            )
        )

    ((name, (fault,)),) = failed(searched.verify(tmp_path, change)).items()
    assert name == CHECK
    assert "that g.okoro has not signed" in fault


def test_one_search_identifies_once_and_has_no_outcome_beside_that(
    searched: Searches, tmp_path: Path
) -> None:
    alone = said_by_two(searched, tmp_path, agrees=None)

    def twice(held: list[Record]) -> None:
        alone(held)
        held.append(held[-1])

    def besides(held: list[Record]) -> None:
        alone(held)
        about: dict[str, Any] = {"at": held[-1].at, "deployment": searched.name, "search": searched.made[0]}
        held.append(SearchConcluded(**about, outcome="eliminated", operator="e.novak"))

    wrong = {"twice": (twice, "has 2 identifications."), "besides": (besides, "to which no second person")}
    for where, (change, said) in wrong.items():
        (tmp_path / where).mkdir()
        ((name, (fault,)),) = failed(searched.verify(tmp_path / where, change)).items()
        assert (name, said in fault) == (CHECK, True)


def test_the_record_counts_outcomes_and_what_one_person_found_apart(
    searched: Searches, tmp_path: Path
) -> None:
    records = list(searched.records)
    said_by_two(searched, tmp_path, agrees=None)(records)
    made = {each.search: Noted() for each in records if isinstance(each, Searched)}
    for each in records:
        if isinstance(each, IdentificationProposed):
            made[each.search].proposed.append(each)
        elif isinstance(each, SearchConcluded):
            made[each.search].concluded.append(each)
    table = uses.searches(made.values())
    counted = {each.name: each.value for each in table.counts if each.value}
    assert counted == {"somebody eliminated": 2, "no outcome: identified by one person alone": 1}
