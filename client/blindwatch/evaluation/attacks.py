"""The attacks of the threat model as experiments on one set of samples, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.progress import Progress

from blindwatch.errors import InputError
from blindwatch.evaluation import boundary, recovery, unlinking
from blindwatch.evaluation.boundary import Attacker, Entry
from blindwatch.evaluation.encrypted import EncryptedList, Tally
from blindwatch.evaluation.fairness import decide
from blindwatch.evaluation.groups import Decided
from blindwatch.evaluation.rates import Rate
from blindwatch.evaluation.recovery import Leak, Mode, Prior, Recovered, Targets
from blindwatch.evaluation.samples import Samples
from blindwatch.evaluation.unlinking import Linked
from blindwatch.he.presets import Preset, Thresholds
from blindwatch.policy.profile import Profile, profile, profiles
from blindwatch.vision.quantise import templates

LEARNED: Final = 0.95
"""A cosine with the entry's template at which it counts as learned: nearer than two photographs of one person are."""
DECISIONS: Final = "accept or reject"
SPARING: Final = "accept or reject, sparing alerts"
SCORES: Final = "scores of matches"
ANSWERS: Final = 2
"""Of one alert to whoever tries faces out: that it is there, and then, once, that the face was seen again."""


@dataclass(frozen=True)
class Scored:
    """Template recovery in one mode."""

    mode: Mode
    steps: Sequence[Recovered]
    leak: Leak

    def enough(self, share: float) -> int | None:
        """The scores from which on this share of faces is recovered; none if it never is."""
        return next((step.scores for step in self.steps if step.same.value >= share), None)


@dataclass(frozen=True)
class Searched:
    """Boundary search for some entries, by one kind of answer."""

    by: str
    courses: Sequence[Sequence[boundary.Progress]]

    @property
    def queries(self) -> list[int | None]:
        """For each entry, the queries after which its template was learned."""
        return [_learned(course, "queries") for course in self.courses]

    @property
    def learned(self) -> int:
        """How many entries' templates were learned."""
        return sum(count is not None for count in self.queries)

    @property
    def alerts(self) -> list[int | None]:
        """The alerts that an operator had seen by then."""
        return [_learned(course, "alerts") for course in self.courses]

    def cosine(self, queries: float, alerts: float = math.inf) -> float:
        """How near the attacker is after so many queries and alerts, the mean over the entries."""
        return float(np.mean([_reached(course, queries, alerts) for course in self.courses]))

    @property
    def soonest(self) -> int | None:
        """The fewest queries that sufficed for any entry."""
        return min((each for each in self.queries if each is not None), default=None)

    @property
    def least(self) -> int | None:
        """The fewest alerts that sufficed for any entry."""
        return min((each for each in self.alerts if each is not None), default=None)


@dataclass(frozen=True)
class Attacks:
    """All that was tried."""

    samples: Samples
    preset: Preset
    thresholds: Thresholds
    targets: Targets
    scored: Sequence[Scored]
    first: Rate
    """Of faces of other people that match an entry: what it takes to find a first probe."""
    searched: Sequence[Searched]
    limited: Mapping[int, Sequence[Searched]]
    """The same from accept and reject, where no more is shown after so many alerts about one entry."""
    budgets: Sequence[Profile]
    linked: Sequence[Linked]
    accuracy: Tally
    """Comparisons under encryption beside those in clear."""


class Attempt:
    """Tries everything on one set of samples."""

    def __init__(
        self,
        samples: Samples,
        preset: Preset,
        thresholds: Thresholds,
        count: int,
        seed: int,
        display: Progress,
    ) -> None:
        self._samples, self._preset, self._thresholds = samples, preset, thresholds
        self._count, self._seed, self._display = count, seed, display
        self._targets = Targets.of(samples, preset, thresholds, count, seed)

    def run(self) -> Attacks:
        """All of them, one after the other."""
        decided = decide(self._samples, self._preset, self._thresholds)
        starts, rules = self._starts(decided), [profile(name) for name in profiles()]
        limits = sorted({each.alerts_per_entry for each in rules if each.alerts_per_entry is not None})
        return Attacks(
            samples=self._samples,
            preset=self._preset,
            thresholds=self._thresholds,
            targets=self._targets,
            scored=[self._recover(mode) for mode in Mode],
            first=decided.searches().fpir(decided.threshold, 1).basis,
            searched=self._search(starts),
            limited={most: self._search(starts, most) for most in limits},
            budgets=rules,
            linked=self._link(),
            accuracy=self._compare(),
        )

    def _recover(self, mode: Mode) -> Scored:
        targets = self._targets
        if mode is Mode.RANKED:
            searches = recovery.ranked(targets)
        else:
            searches = recovery.revealed(targets, self._preset, self._thresholds.gate)
        found = [*self._display.track(searches, len(targets.faces), description=f"Recovery, {mode.value}")]
        leaked = recovery.leak(mode, targets, self._preset, found)
        return Scored(mode, list(recovery.recover(leaked, targets)), leaked)

    def _starts(self, decided: Decided) -> list[list[int]]:
        """Entries that some other face is confused with, and that face."""
        confused = (decided.scores >= np.float32(decided.threshold)) & (
            decided.subject[:, np.newaxis] != decided.subject
        )
        pairs = np.argwhere(confused)
        if not len(pairs):
            raise InputError(
                "No face is confused with another, so there is no probe to start from.",
                "Take more subjects, or a lower --similarity.",
            )
        rng = np.random.default_rng(self._seed)
        chosen: list[list[int]] = pairs[rng.permutation(len(pairs))[: self._count]].tolist()
        return chosen

    def _search(self, starts: list[list[int]], most: int | None = None) -> list[Searched]:
        """Attack entries, each from a face that is confused with it, as far as `most` alerts about each allow.

        Scores come from an operator's own program, which no limit binds, so they are tried without one alone.
        """
        rows = templates(self._samples.embeddings[self._samples.acquired], self._preset)
        prior = Prior.of(templates(self._targets.known, self._preset).fine.astype(np.float64))
        answers = None if most is None else ANSWERS * most
        courses: dict[str, list[list[boundary.Progress]]] = {}
        for entry, start in self._display.track(starts, description="Boundary search"):
            attacker = Attacker(self._preset, self._thresholds, rows.coarse[start], rows.fine[start])
            for by, attack in _ways(attacker, prior, self._seed, with_scores=most is None):
                target = Entry(rows.coarse[entry], rows.fine[entry], self._thresholds, answers)
                courses.setdefault(by, []).append(list(attack(target)))
        return [Searched(by, each) for by, each in courses.items()]

    def _link(self) -> list[Linked]:
        faces = templates(self._targets.known[: unlinking.FACES], self._preset)
        made = self._display.track(unlinking.enrolments(faces, self._preset), 3, description="Unlinkability")
        first, again, elsewhere = made
        return list(unlinking.linked(first, again, elsewhere, self._preset))

    def _compare(self) -> Tally:
        """Search for the faces among the entries and themselves, so that some match."""
        people = np.concatenate([self._targets.known, self._targets.faces, self._targets.others])
        listed = EncryptedList(templates(people, self._preset), self._preset)
        rows = np.arange(len(self._targets.known), len(people))
        searches = listed.search(self._thresholds.gate, rows)
        found = self._display.track(searches, len(rows), description="Accuracy under encryption")
        return sum((tally for _, tally in found), Tally())


def _learned(course: Sequence[boundary.Progress], what: str) -> int | None:
    return next((getattr(step, what) for step in course if step.cosine >= LEARNED), None)


def _reached(course: Sequence[boundary.Progress], queries: float, alerts: float) -> float:
    within = (step.cosine for step in course if step.queries <= queries and step.alerts <= alerts)
    return max(within, default=course[0].cosine)


def _ways(
    attacker: Attacker, prior: Prior, seed: int, *, with_scores: bool
) -> Iterator[tuple[str, Callable[[Entry], Iterator[boundary.Progress]]]]:
    """What the attacker does, by what it sees."""
    yield DECISIONS, lambda entry: attacker.by_decisions(entry, np.random.default_rng(seed))
    yield SPARING, lambda entry: attacker.by_few_alerts(entry, prior)
    if with_scores:
        yield SCORES, lambda entry: attacker.by_scores(entry, np.random.default_rng(seed))
