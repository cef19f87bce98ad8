"""Check identifications: nobody was identified by fewer people than the profile asks for, or by a face alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from blindwatch.errors import BlindwatchError, PolicyViolation
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.oversight.checks.searches import Noted, read
from blindwatch.policy.profile import Profile
from blindwatch.records.operator import IdentificationProposed, SearchConcluded
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.identification import Finding, check_identification
from blindwatch.statements.register import Register

_FINDINGS: Final[dict[str, Finding]] = {"identified": "agreed", "inconclusive": "disagreed"}


def _identified(case: Case, findings: Findings) -> None:
    rules = case.profile
    if not rules.evidence:
        findings.note("The profile has no searches.")
        return
    noted = read(case.alerts)
    proposed = sum(bool(each.proposed) for each in noted.values())
    done = sum(any(said.outcome == "identified" for said in each.concluded) for each in noted.values())
    findings.note(
        f"Somebody was identified by {proposed:,} searches, and in {done:,} of them that is the outcome."
    )
    for name, each in noted.items():
        for wrong in _wrongs(each, rules, case.register):
            findings.fault(f"Search {name} {wrong}")


def _wrongs(noted: Noted, rules: Profile, register: Register) -> Iterator[str]:
    if len(noted.proposed) > 1:
        yield f"has {len(noted.proposed)} identifications."
    first = next(iter(noted.proposed), None)
    if first is not None:
        yield from _of_first(first, rules, register)
    for said in noted.concluded:
        if first is not None and said.second is not None:
            yield from _of_second(said, said.second, first, register)
        elif said.outcome == "identified":
            yield from _alone(said, first, rules)
        elif first is not None or said.second is not None:
            yield f"has the outcome {said.outcome!r}, to which no second person came after an identification."


def _of_first(first: IdentificationProposed, rules: Profile, register: Register) -> Iterator[str]:
    try:
        rules.check_evidence(first.evidence)
    except PolicyViolation:
        yield f"rests on other evidence of a kind that the profile does not have: {first.evidence}."
    yield from _signed(first, "proposed", first.operator, first.statement, register)


def _of_second(
    said: SearchConcluded, second: str, first: IdentificationProposed, register: Register
) -> Iterator[str]:
    if second == first.operator:
        yield f"was identified by one person, {first.operator}, as both the first and the second."
        return
    if said.operator != first.operator:
        yield f"was identified by {first.operator}, and its outcome names {said.operator}."
    finding = _FINDINGS.get(said.outcome)
    if finding is None:
        yield f"has the outcome {said.outcome!r}, which is neither an agreement nor a disagreement."
        return
    yield from _signed(first, finding, second, said.statement, register)


def _alone(said: SearchConcluded, first: IdentificationProposed | None, rules: Profile) -> Iterator[str]:
    if first is None:
        yield f"is said to have identified somebody, by {said.operator}, with no entry and no other evidence."
    elif rules.verifiers > 1:
        yield f"was identified by one person, {said.operator}, and two have to agree."


def _signed(
    first: IdentificationProposed,
    finding: Finding,
    operator: str,
    statement: bytes | None,
    register: Register,
) -> Iterator[str]:
    """What is wrong with the statement of one of the two people."""
    try:
        said = check_identification(Envelope.from_json(statement or b""), register, operator)
    except BlindwatchError as error:
        yield f"has an identification that {operator} has not signed: {error.detail}"
        return
    about = (said.deployment, said.search, said.entry, said.evidence, said.finding)
    if about != (first.deployment, first.search, first.entry, first.evidence, finding):
        yield f"has an identification that is not what {operator} has signed."


CHECK: Final = Check(
    "searches-identified",
    "Nobody was identified by one person, or by a face alone",
    "Where the profile is for searches: the operator's log has that somebody was identified only with other evidence "
    "of a kind that the profile names, and with the signatures of as many different operators of the register as it "
    "asks for, about the same entry.",
    "That there is such evidence, that both looked for themselves, and that they were trained: nobody signs "
    "the file of trainings. Who was identified is a commitment, which the operator's salt opens.",
    _identified,
)
