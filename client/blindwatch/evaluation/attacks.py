"""The attacks of the threat model as experiments on one set of samples, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
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
from blindwatch.evaluation.recovery import Leak, Mode, Recovered, Targets
from blindwatch.evaluation.samples import Samples
from blindwatch.evaluation.unlinking import Linked
from blindwatch.he.presets import Preset, Thresholds
from blindwatch.policy.profile import Profile, profile, profiles
from blindwatch.vision.quantise import templates

LEARNED: Final = 0.95
"""A cosine with the entry's template at which it counts as learned: nearer than two photographs of one person are."""


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

    def cosine(self, queries: float) -> float:
        """How near the attacker is after so many queries, the mean over the entries."""
        return float(np.mean([_reached(course, queries) for course in self.courses]))

    @property
    def soonest(self) -> int | None:
        """The fewest queries that sufficed for any entry."""
        return min((each for each in self.queries if each is not None), default=None)


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
        return Attacks(
            samples=self._samples,
            preset=self._preset,
            thresholds=self._thresholds,
            targets=self._targets,
            scored=[self._recover(mode) for mode in Mode],
            first=decided.searches().fpir(decided.threshold, 1).basis,
            searched=self._search(decided),
            budgets=[profile(name) for name in profiles()],
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

    def _search(self, decided: Decided) -> list[Searched]:
        """Attack entries that some other face is confused with, starting from that face."""
        seen = self._samples.acquired
        rows = templates(self._samples.embeddings[seen], self._preset)
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
        chosen = pairs[rng.permutation(len(pairs))[: self._count]]
        courses: dict[str, list[list[boundary.Progress]]] = {"accept or reject": [], "scores of matches": []}
        for entry, start in self._display.track(chosen.tolist(), description="Boundary search"):
            attacker = Attacker(self._preset, self._thresholds, rows.coarse[start], rows.fine[start])
            for by, attack in zip(courses, (attacker.by_decisions, attacker.by_scores), strict=True):
                target = Entry(rows.coarse[entry], rows.fine[entry], self._thresholds)
                courses[by].append(list(attack(target, np.random.default_rng(self._seed))))
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


def _reached(course: Sequence[boundary.Progress], queries: float) -> float:
    return max((step.cosine for step in course if step.queries <= queries), default=course[0].cosine)
