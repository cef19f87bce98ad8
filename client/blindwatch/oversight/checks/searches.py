"""Check ranked searches: those that the server took, and those that the operator's log knows, are the same.

Who searches, and why, is known to the operator's side alone; that a search was made, to the server as well. So
neither can leave one out without the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.course import Passage
from blindwatch.oversight.checks.findings import Check, Findings, Unchecked
from blindwatch.oversight.checks.operator_log import Alerts
from blindwatch.records.operator import (
    IdentificationProposed,
    SearchConcluded,
    Searched,
    SearchFailed,
)
from blindwatch.records.server import SearchAccepted
from blindwatch.statements.predicates import instant

OUTCOME_AFTER: Final = timedelta(days=30)
"""Within so long it should be known what became of a search."""
_UNKNOWN: Final = "not known"


@dataclass
class Noted:
    """What the operator's log has of one search: each should be there once at most."""

    made: list[Searched] = field(default_factory=list)
    failed: list[SearchFailed] = field(default_factory=list)
    proposed: list[IdentificationProposed] = field(default_factory=list)
    concluded: list[SearchConcluded] = field(default_factory=list)


@dataclass(frozen=True)
class Reviewed:
    """A search for a person to review, as both sides have it. What no side says is 'not known'."""

    search: str
    at: str
    operator: str
    reference: str
    reason: str
    outcome: str
    server: str
    """What the server's log has of it."""

    def to_json(self) -> dict[str, str]:
        """The search as an object of JSON."""
        return dict(self.__dict__)


def review(case: Case) -> tuple[Reviewed, ...]:
    """Every search that either side has, in the order of time; what is missing is said in its place."""
    taken = _taken(case)
    try:
        noted = read(case.alerts)
    except Unchecked:
        noted = {}
    found = (
        _reviewed(name, noted.get(name, Noted()), taken.get(name))
        for name in dict.fromkeys((*taken, *noted))
        if name in taken or noted[name].made
    )
    return tuple(sorted(found, key=lambda each: each.at))


def _reviewed(name: str, noted: Noted, passage: Passage | None) -> Reviewed:
    at = passage.accepted[0].record.at if passage is not None else noted.made[0].at
    operator = reference = reason = _UNKNOWN
    if noted.made:
        made = noted.made[0]
        operator, reference, reason = made.operator, made.reference, made.reason
    return Reviewed(name, at, operator, reference, reason, _outcome(noted), _answer(passage))


def _outcome(noted: Noted) -> str:
    first = next(iter(noted.proposed), None)
    if noted.concluded:
        said = noted.concluded[0]
        people = said.operator if said.second is None else f"{said.operator} and {said.second}"
        return f"{said.outcome}, {said.at}, by {people}{_evidence(first)}"
    if first is not None:
        return f"none, identified by {first.operator} alone{_evidence(first)}"
    return "failed, as the operator's log has it" if noted.failed else "none"


def _evidence(first: IdentificationProposed | None) -> str:
    return "" if first is None else f", with other evidence: {first.evidence}"


def _answer(passage: Passage | None) -> str:
    if passage is None:
        return "not in the log"
    answered = [each for each in passage.released if each.record.problem is None]
    return f"{'answered' if answered else 'not answered'}, record {passage.accepted[0].index}"


def _taken(case: Case) -> dict[str, Passage]:
    """The searches that the server accepted, by its log."""
    names = (each.record.search_id for each in case.course.of(SearchAccepted))
    return {name: case.course.passages[name] for name in names}


def read(log: Alerts) -> dict[str, Noted]:
    """What the operator's log has of every search, by their identifiers."""
    found: dict[str, Noted] = {}
    for record in log.records:
        match record:
            case Searched(search=name):
                found.setdefault(name, Noted()).made.append(record)
            case SearchFailed(search=name):
                found.setdefault(name, Noted()).failed.append(record)
            case IdentificationProposed(search=name):
                found.setdefault(name, Noted()).proposed.append(record)
            case SearchConcluded(search=name):
                found.setdefault(name, Noted()).concluded.append(record)
    return found


def _known(case: Case, findings: Findings) -> None:
    taken = _taken(case)
    findings.note(f"{len(taken):,} searches in the server's log.")
    if not taken:
        return
    noted = read(case.alerts)
    for name, passage in taken.items():
        accepted = passage.accepted[0]
        made = noted.get(name, Noted()).made
        if not made:
            findings.fault(
                f"Search {name} of {accepted.record.at} is in the server's log (record {accepted.index}),"
                " and not in the operator's."
            )
        elif instant(made[0].at) > accepted.at + TOLERANCE:
            findings.fault(
                f"Search {name} was sent at {accepted.record.at}, and the operator's log has it of {made[0].at},"
                " afterwards."
            )


def _sent(case: Case, findings: Findings) -> None:
    noted, taken = read(case.alerts), _taken(case)
    findings.note(f"{sum(bool(each.made) for each in noted.values()):,} searches in the operator's log.")
    failed = [name for name, each in noted.items() if each.failed]
    if failed:
        findings.note(f"{len(failed):,} of them failed, as the operator's log has it.")
    for name, each in noted.items():
        if len(each.made) > 1:
            findings.fault(f"Search {name} is in the operator's log {len(each.made)} times.")
        if each.made and not each.failed and name not in taken:
            findings.fault(
                f"Search {name} of {each.made[0].at} is in the operator's log, and not in the server's."
            )


def _concluded(case: Case, findings: Findings) -> None:
    log, taken = case.alerts, _taken(case)
    noted, latest = read(log), _latest(case, log)
    done = sum(bool(each.concluded) for each in noted.values())
    findings.note(f"{done:,} of {len(noted):,} searches have an outcome, up to {latest:%Y-%m-%d}.")
    for name, each in noted.items():
        for wrong in _wrongs(each, latest, is_taken=name in taken):
            findings.fault(f"Search {name} {wrong}")


def _wrongs(noted: Noted, latest: datetime, *, is_taken: bool) -> Iterator[str]:
    """What is wrong with the outcome of a search. One that failed needs none, unless the server took it."""
    if not noted.made:
        yield "has an outcome, was said to identify somebody, or has failed, and was never made."
        return
    if len(noted.concluded) > 1:
        yield f"has {len(noted.concluded)} outcomes."
    made = noted.made[0]
    age = latest - instant(made.at)
    needs_none = noted.concluded or (noted.failed and not is_taken)
    if not needs_none and age > OUTCOME_AFTER:
        yield f"by {made.operator} for {made.reference} has no outcome after {age.days} days."


def _latest(case: Case, log: Alerts) -> datetime:
    """The latest time that anything in the bundle has: what became of a search after that is not in it."""
    times = [instant(each.at) for each in log.records]
    return max(case.latest, instant(case.bundle.info.exported_at), *times)


CHECKS: Final = (
    Check(
        "searches-known",
        "Every search that the server took is in the operator's log",
        "For each search of a gallery that the server's log has, the operator's log says who made it, for which "
        "crime and why, and did so before it was sent.",
        "That the crime and the reason are true. A search beside the log of the server leaves no trace here.",
        _known,
    ),
    Check(
        "searches-sent",
        "Every search of the operator's log is in the server's",
        "Each search that the operator's log has was taken by the server, by its log, or failed, as the operator "
        "wrote down at once.",
        "That a search which is said to have failed showed nothing to the operator: look at those that the server "
        "answered.",
        _sent,
    ),
    Check(
        "searches-concluded",
        "Every search has its outcome within 30 days",
        "The operator's log says once of each search what became of it, or the search is not 30 days old by the "
        "latest time in the bundle. That one operator alone has identified somebody is no outcome.",
        "That the outcome is true. The table of searches has each of them, for a person to review.",
        _concluded,
    ),
)
