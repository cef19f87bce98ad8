"""What a check finds, and what becomes of it: a verdict that says what it proves and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from blindwatch.errors import BlindwatchError

if TYPE_CHECKING:
    from blindwatch.oversight.checks.case import Case

LISTED: Final = 20
"""Faults, and pieces of evidence, that are written out for one check; of further ones only their number."""


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not-checked"


class Unchecked(Exception):
    """Something that a check needs is not there, or cannot be relied on; the text says why in one sentence."""


@dataclass
class Findings:
    """What one check collects: what it has seen, and what is wrong."""

    evidence: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def note(self, seen: str) -> None:
        """Keep what was seen, as evidence."""
        self.evidence.append(seen)

    def fault(self, wrong: str) -> None:
        """Keep what is wrong: one sentence."""
        self.faults.append(wrong)

    def attempt(self, about: str, work: Callable[[], object]) -> None:
        """Do what raises if something does not hold, and keep that as a fault."""
        try:
            work()
        except BlindwatchError as error:
            self.fault(f"{about}: {error.detail}")


@dataclass(frozen=True)
class Check:
    """A check by its name: what it is called, and what it means and does not mean that it passed."""

    name: str
    title: str
    proves: str
    leaves_open: str
    run: Callable[[Case, Findings], None]


@dataclass(frozen=True)
class Outcome:
    """A check that was run. A reason is there where it was not checked."""

    check: Check
    verdict: Verdict
    evidence: tuple[str, ...]
    faults: tuple[str, ...]
    reason: str | None = None

    def to_json(self) -> dict[str, object]:
        """The outcome as an object of JSON."""
        return {
            "name": self.check.name,
            "title": self.check.title,
            "verdict": self.verdict,
            "proves": self.check.proves,
            "doesNotProve": self.check.leaves_open,
            "evidence": list(self.evidence),
            "faults": list(self.faults),
            "reason": self.reason,
        }


def carry_out(check: Check, case: Case) -> Outcome:
    """Run a check. What is found wrong counts, even if the check could not go on from there."""
    findings, reason = Findings(), None
    try:
        check.run(case, findings)
    except Unchecked as why:
        reason = str(why)
    except BlindwatchError as error:
        findings.fault(error.detail)
    verdict = Verdict.NOT_CHECKED if reason else Verdict.PASSED
    return Outcome(
        check,
        Verdict.FAILED if findings.faults else verdict,
        _shortened(findings.evidence),
        _shortened(findings.faults),
        reason,
    )


def _shortened(lines: Sequence[str]) -> tuple[str, ...]:
    left = len(lines) - LISTED
    return (*lines[:LISTED], f"And {left:,} more.") if left > 0 else tuple(lines)
