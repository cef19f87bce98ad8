"""What became of all checks of one bundle, as other programs and people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from blindwatch.errors import BlindwatchError
from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.challenges import reach
from blindwatch.oversight.checks.findings import Outcome, Unchecked, Verdict
from blindwatch.oversight.checks.searches import Reviewed, review
from blindwatch.records import replaying
from blindwatch.records.server import ProbeAccepted, ProbesChallenged, SearchAccepted

WORDS: Final = {Verdict.PASSED: "passed", Verdict.FAILED: "FAILED", Verdict.NOT_CHECKED: "not checked"}
_WRONGS: Final = (1, 10, 50, 100, 500)


@dataclass(frozen=True)
class Figure:
    """A number, and what it counts."""

    what: str
    value: str


@dataclass(frozen=True)
class Facts:
    """What a reader wants to know of the deployment, as far as the bundle tells; and the chances of replay."""

    about: tuple[tuple[str, str], ...] = ()
    figures: tuple[Figure, ...] = ()
    results: int = 0
    reached: int = 0
    rate: float = 0.0
    searches: tuple[Reviewed, ...] = ()
    """Every one of them, for a person to review."""

    @property
    def chances(self) -> list[tuple[int, float]]:
        """Of so many wrong results, the probability that one is drawn; none if nothing could be drawn."""
        wrongs = [wrong for wrong in _WRONGS if wrong <= self.reached]
        return [(wrong, replaying.caught(self.rate, wrong)) for wrong in wrongs]

    @classmethod
    def of(cls, case: Case) -> Facts:
        """The facts of a case."""
        try:
            about = tuple(_about(case))
        except Unchecked:
            return cls()
        try:
            course = case.course
            taken = len(course.of(ProbeAccepted)) + len(course.of(SearchAccepted))
            figures = (
                Figure("records in the log", f"{case.log.checkpoint.size:,}"),
                Figure("faces compared", f"{taken:,}"),
            )
            searches = review(case)
            reached, results = reach(case) if course.of(ProbesChallenged) else (0, 0)
        except (Unchecked, BlindwatchError):
            return cls(about)
        return cls(about, figures, results, reached, case.profile.replay_rate, searches)


@dataclass(frozen=True)
class Verification:
    """What all checks found in a bundle."""

    bundle: Bundle
    facts: Facts
    outcomes: tuple[Outcome, ...]

    def of(self, verdict: Verdict | str) -> list[Outcome]:
        """The checks that ended like this."""
        return [each for each in self.outcomes if each.verdict == verdict]

    def to_json(self) -> bytes:
        """The verification as a file."""
        facts = self.facts
        content = {
            "deployment": self.bundle.deployment,
            "exportedAt": self.bundle.info.exported_at,
            "passed": [each.check.name for each in self.of(Verdict.PASSED)],
            "failed": [each.check.name for each in self.of(Verdict.FAILED)],
            "notChecked": [each.check.name for each in self.of(Verdict.NOT_CHECKED)],
            "replay": {
                "rate": facts.rate,
                "results": facts.results,
                "withinReach": facts.reached,
                "caught": [
                    {"wrong": wrong, "probability": round(chance, 6)} for wrong, chance in facts.chances
                ],
            },
            "searches": [each.to_json() for each in facts.searches],
            "checks": [each.to_json() for each in self.outcomes],
        }
        return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def meaning(outcome: Outcome) -> str:
    """What a reader should take from an outcome."""
    match outcome.verdict:
        case Verdict.PASSED:
            return outcome.check.proves
        case Verdict.FAILED:
            return outcome.faults[0]
    return outcome.reason or ""


def _about(case: Case) -> Iterator[tuple[str, str]]:
    manifest = case.newest.manifest
    listed = manifest.watchlist
    yield "Purpose", manifest.purpose
    yield "Place", manifest.place
    yield "Time", f"{manifest.window.not_before} to {manifest.window.not_after}"
    yield "Rules", f"{case.profile.title} ({manifest.profile.name}, version {manifest.profile.version})"
    yield "Cameras", ", ".join(each.name for each in manifest.cameras) or "none"
    yield "List", f"{listed.entries:,} entries, {listed.under_age:,} of them under {case.profile.adult_age}"
    yield "Version", f"{manifest.version}, manifest {case.newest.digest}"
