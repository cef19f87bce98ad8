"""Check that the probes that oversight drew were drawn from what the log had, and that all of them were kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from blindwatch.errors import StatementMismatch
from blindwatch.oversight.bundle import Statement
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.course import Event
from blindwatch.oversight.checks.findings import Check, Findings, Unchecked
from blindwatch.oversight.checks.wording import percent
from blindwatch.records import replaying
from blindwatch.records.server import ProbesChallenged, ResultReleased, Started
from blindwatch.statements import trust
from blindwatch.statements.predicates import Challenge
from blindwatch.wire import limits

_MINUTE: Final = timedelta(minutes=1)
_RECORDS: Final = 2
"""That each probe has at least: its acceptance and its result."""


@dataclass(frozen=True)
class Draw:
    """The results of a challenge's range: those whose probes certainly were there, and those that it draws."""

    event: Event[ProbesChallenged]
    within: list[Event[ResultReleased]]
    drawn: list[Event[ResultReleased]]


def draws(case: Case) -> list[Draw]:
    """Every draw that the log records and whose challenge the bundle has, computed once more."""
    held = {each.envelope.digest: each for each in case.statements.of(Challenge)}
    found, gone = [], set[str]()
    for event in case.course.of(ProbesChallenged):
        challenge = held.get(event.record.challenge)
        if challenge is None:
            continue
        results = [
            each
            for each in case.course.within(ResultReleased, event.record.first, event.record.end)
            if each.record.problem is None
        ]
        within = [each for each in results if each.record.probe_id not in gone and _waits(case, each, event)]
        seed, rate = replaying.seed(challenge.envelope), case.profile.replay_rate
        drawn = [each for each in results if replaying.draws(seed, each.leaf, rate)]
        found.append(Draw(event, within, drawn))
        # What a challenge does not draw is deleted at once, so no later one can.
        gone |= {each.record.probe_id for each in results} - set(event.record.kept)
    return found


def _waits(case: Case, result: Event[ResultReleased], challenge: Event[ProbesChallenged]) -> bool:
    """Whether the probe of a result certainly still waited to be drawn, times being cut down to minutes.

    It waits in memory, so a new start of the server ends it, and so do many others after it.
    """
    started = case.course.next(Started, result.index)
    if started is not None and started.index < challenge.index:
        return False
    if challenge.index - result.index > _RECORDS * limits.PENDING:
        return False
    longest = timedelta(minutes=case.profile.clocks.challenge_minutes)
    return challenge.at + _MINUTE - result.at <= longest


def reach(case: Case) -> tuple[int, int]:
    """How many results could have been drawn by a challenge, and how many there are."""
    every = {each.record.probe_id for each in case.course.of(ResultReleased) if each.record.problem is None}
    reached = {each.record.probe_id for draw in draws(case) for each in draw.within}
    kept = {name for draw in draws(case) for name in draw.event.record.kept}
    return len(every & (reached | kept)), len(every)


def _honoured(case: Case, findings: Findings) -> None:
    if not case.profile.replay_rate:
        raise Unchecked("The profile has no results drawn for replay.")
    if not case.course.of(ProbesChallenged):
        raise Unchecked("No oversight body has drawn anything for replay.")
    held = {each.envelope.digest: each for each in case.statements.of(Challenge)}
    for event in case.course.of(ProbesChallenged):
        if event.record.challenge in held:
            check = partial(_check_challenge, case, held[event.record.challenge], event)
            findings.attempt(f"The challenge of record {event.index}", check)
        else:
            findings.fault(f"The challenge of record {event.index} is not in the bundle.")
    for draw in draws(case):
        _check_draw(draw, findings)
    _note_chances(case, findings)


def _check_challenge(case: Case, statement: Statement[Challenge], event: Event[ProbesChallenged]) -> None:
    challenge = trust.check_challenge(
        statement.envelope, case.register, case.bundle.deployment, case.key.name, event.index
    )
    if (challenge.first, challenge.end) != (event.record.first, event.record.end):
        raise StatementMismatch("The log records another range than the challenge has.")
    if case.log.view().root_at(challenge.end) != bytes.fromhex(challenge.root):
        raise StatementMismatch("The challenge was made for another history of the log.")


def _check_draw(draw: Draw, findings: Findings) -> None:
    drawn = {each.record.probe_id for each in draw.drawn}
    due = {each.record.probe_id for each in draw.within} & drawn
    kept, about = set(draw.event.record.kept), f"The challenge of record {draw.event.index}"
    for name in sorted(kept - drawn):
        findings.fault(f"{about} does not draw probe {name}, which was kept.")
    for name in sorted(due - kept):
        findings.fault(f"{about} draws probe {name}, which the server did not keep.")
    findings.note(
        f"{about} draws {len(drawn):,} of the results in records {draw.event.record.first:,} to "
        f"{draw.event.record.end - 1:,}; {len(kept):,} were still there and kept."
    )


def _note_chances(case: Case, findings: Findings) -> None:
    reached, every = reach(case)
    rate = case.profile.replay_rate
    findings.note(f"{reached:,} of {every:,} results could have been drawn, each with probability {rate:g}.")
    findings.note(
        f"A server that computed k of these wrongly is caught with probability 1 - (1 - {rate:g})^k: "
        f"{percent(replaying.caught(rate, 1))} for one, {percent(replaying.caught(rate, 100))} for a hundred."
    )


CHECK: Final = Check(
    "challenges",
    "Probes were drawn by chance, and all that were drawn were kept",
    "Which results are computed again follows from signatures that the server could not know when it had computed "
    "them, and it handed over every probe that was drawn while it waited.",
    "Anything about results that no challenge could reach.",
    _honoured,
)
