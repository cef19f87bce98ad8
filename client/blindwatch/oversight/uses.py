"""How checks of one person and searches were used: counts by answer, place, reason, officer or outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from blindwatch.oversight.checks.searches import Noted
from blindwatch.oversight.deployment_record import Count, Table
from blindwatch.policy.profile import Checks, Choice
from blindwatch.records.operator import Answer, Checked, Compared, EngineName, SearchOutcome

REPEATED: Final = (
    "Whether the same person was checked again and again: nobody can see that without keeping the photographs, and "
    "they are not kept"
)
_ANSWERS: Final[dict[Answer, str]] = {"match": "match", "no-match": "no match", "unanswered": "no answer"}
_ENGINES: Final[dict[EngineName, str]] = {"tfhe": "TFHE", "bfv": "BFV"}
_BECAME: Final[dict[SearchOutcome | Literal["proposed", "failed", "open"], str]] = {
    "identified": "somebody identified, by as many people as the rules ask for",
    "eliminated": "somebody eliminated",
    "nobody-alike": "nobody alike",
    "inconclusive": "cannot be said",
    "proposed": "no outcome: identified by one person alone",
    "failed": "no outcome: failed",
    "open": "no outcome",
}


def tables(
    made: Iterable[tuple[Checked | Compared, Answer]], rules: Checks, *, officers: bool, what: str = "checks"
) -> Iterator[Table]:
    """What there is to count; of single officers only if that is asked for, since it is about people."""
    checks = list(made)
    asked = [each for each, _ in checks]
    answers = Counter(answer for _, answer in checks)
    yield Table(f"{what} by answer", tuple(Count(said, answers[name]) for name, said in _ANSWERS.items()))
    yield Table(f"{what} by place", _by(rules.places, Counter(each.place for each in asked)))
    yield Table(f"{what} by reason", _by(rules.reasons, Counter(each.reason for each in asked)))
    harms = Counter(each.harm for each in asked if each.harm is not None)
    yield Table(f"{what} by stated risk", _by(rules.harms, harms))
    if officers:
        by = Counter(each.operator for each in asked)
        yield Table(f"{what} by officer", tuple(Count(name, by[name]) for name in sorted(by)))


def searches(made: Iterable[Noted]) -> Table:
    """What became of searches. That one person has identified somebody is no outcome."""
    counted = Counter(map(_became, made))
    return Table("what became of searches", tuple(Count(said, counted[said]) for said in _BECAME.values()))


def _became(noted: Noted) -> str:
    if noted.concluded:
        return _BECAME[noted.concluded[0].outcome]
    if noted.proposed:
        return _BECAME["proposed"]
    return _BECAME["failed" if noted.failed else "open"]


def comparisons(made: Iterable[tuple[Compared, Answer]], rules: Checks, *, officers: bool) -> Iterator[Table]:
    """The same of comparisons with one entry, and the engine; where there are none, that alone."""
    found, what = list(made), "comparisons with one entry"
    first, *others = tables(found, rules, officers=officers, what=what)
    yield first
    if found:
        engines = Counter(each.engine for each, _ in found)
        yield Table(f"{what} by engine", tuple(Count(said, engines[name]) for name, said in _ENGINES.items()))
        yield from others


def _by(choices: Iterable[Choice], counted: Counter[str]) -> tuple[Count, ...]:
    """Counts of all words of the profile, and of words that it does not have."""
    titles = {each.name: each.title for each in choices}
    others = sorted(counted.keys() - titles.keys())
    return (
        *(Count(title, counted[name]) for name, title in titles.items()),
        *(Count(f"{name}, which the profile does not have", counted[name]) for name in others),
    )
