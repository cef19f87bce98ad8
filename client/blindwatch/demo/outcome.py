"""What one run of the demonstration found: the data behind the table and the report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blindwatch.demo.photographs import Relation
from blindwatch.he.presets import PLAIN_MODULUS
from blindwatch.vision.image import Image

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Entry:
    """One person on the list."""

    index: int
    name: str
    picture: Image


@dataclass(frozen=True)
class Match:
    """What the operator read: an entry of the list and its score."""

    entry: Entry
    score: int


@dataclass(frozen=True)
class Sighting:
    """One probe on its way, in the order of the steps; times in milliseconds, sizes in bytes."""

    probe_id: str
    person: str
    relation: Relation
    picture: Image
    matches: tuple[Match, ...]
    coarse_scores: Integers
    true_scores: Integers
    """The coarse and the fine score against every entry, computed in clear by the demonstration itself."""
    camera_ms: float
    server_ms: float
    operator_ms: float
    probe_bytes: int
    result_bytes: int

    @property
    def found(self) -> bool:
        """Whether the person is on the list and was found as that entry."""
        return any(match.entry.name == self.person for match in self.matches)

    @property
    def verdict(self) -> str:
        """The decision for this passer-by, and whether it is right."""
        if self.found:
            return "found"
        if self.matches:
            return "false match"
        return "missed" if self.relation.on_list else "no match"


@dataclass(frozen=True)
class Peek:
    """What one result decrypts to in all slots, seen before the operator keeps matches only."""

    probe_id: str
    scores: Integers
    """For every entry."""
    slots: Integers
    """For every place of the first block, whether it has an entry or not."""


@dataclass(frozen=True)
class Step:
    """One kind of work: who did it, how often, and what one of it cost."""

    role: str
    work: str
    times: int
    milliseconds: float
    size: int | None
    """Bytes that left the role for each time; none if nothing left it."""


@dataclass(frozen=True)
class Outcome:
    """One run from beginning to end."""

    entries: tuple[Entry, ...]
    sightings: tuple[Sighting, ...]
    peeks: tuple[Peek, ...]
    steps: tuple[Step, ...]
    source: str
    gate: int
    threshold: int
    highest: int
    """The highest score there is."""
    preset: str
    seconds: float

    @property
    def found(self) -> tuple[str, ...]:
        """The people on the list who were found, by name."""
        return tuple(dict.fromkeys(each.person for each in self.sightings if each.found))

    @property
    def missed(self) -> tuple[Sighting, ...]:
        """Passers-by on the list who were not found."""
        return tuple(each for each in self.sightings if each.verdict == "missed")

    @property
    def false_matches(self) -> tuple[Sighting, ...]:
        """Passers-by who were taken for somebody else."""
        return tuple(each for each in self.sightings if each.verdict == "false match")

    @property
    def wrong_matches(self) -> int:
        """How many entries matched somebody else than their person, also beside a right one."""
        return sum(match.entry.name != each.person for each in self.sightings for match in each.matches)

    @property
    def closed(self) -> tuple[Sighting, ...]:
        """Passers-by of whom nothing was revealed."""
        return tuple(each for each in self.sightings if not each.matches)

    @property
    def exact(self) -> bool:
        """Whether every decision and every released score is that of the integers in clear."""
        return all(
            {match.entry.index: match.score for match in each.matches}
            == {int(i): int(each.true_scores[i]) for i in np.flatnonzero(self._matching(each))}
            for each in self.sightings
        )

    @property
    def near(self) -> int:
        """Pairs whose score was released and turned out too low: dropped by the operator's program."""
        released = sum(int((each.coarse_scores >= self.gate).sum()) for each in self.sightings)
        return released - sum(int(self._matching(each).sum()) for each in self.sightings)

    def _matching(self, sighting: Sighting) -> NDArray[np.bool_]:
        return (sighting.coarse_scores >= self.gate) & (sighting.true_scores >= self.threshold)


@dataclass(frozen=True)
class Noise:
    """True scores of non-matches beside what was decrypted for them, and how little these have in common."""

    true: Integers
    decrypted: Integers

    @classmethod
    def of(cls, outcome: Outcome) -> Noise:
        """All pairs of a passer-by and an entry that do not match, of the results that were looked into."""
        sightings = {each.probe_id: each for each in outcome.sightings}
        true, decrypted = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for peek in outcome.peeks:
            sighting = sightings[peek.probe_id]
            below = sighting.coarse_scores < outcome.gate
            true.append(sighting.true_scores[below])
            decrypted.append(peek.scores[: len(below)][below] % PLAIN_MODULUS)
        return cls(np.concatenate(true), np.concatenate(decrypted))

    @property
    def correlation(self) -> float:
        """Pearson's correlation; for independent values about 0."""
        return float(np.corrcoef(self.true, self.decrypted)[0, 1])

    @property
    def sampling_error(self) -> float:
        """Three standard deviations of the correlation of that many independent pairs."""
        return float(3 / np.sqrt(len(self.true)))
