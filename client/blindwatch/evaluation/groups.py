"""Error rates by group of subjects, as somebody has labelled them: nothing here infers what anybody is.

Rates of comparisons are within a group, both photographs of its members. Searches are for members of a group, on
lists of everybody in the data.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from blindwatch.evaluation.identification import Searches
from blindwatch.evaluation.rates import Rate
from blindwatch.evaluation.samples import Flags, Indices, Labels, Samples
from blindwatch.evaluation.scoring import Scores
from blindwatch.evaluation.variance import by_subject
from blindwatch.evaluation.verification import Comparisons

FEWEST: Final = 20
"""Subjects of a group; smaller ones are not reported."""


class Kind(Enum):
    """The rates that are compared between groups."""

    FMR = "FMR"
    FNMR = "FNMR"
    FPIR = "FPIR"
    FNIR = "FNIR"
    FAILURE = "no face found"


@dataclass(frozen=True)
class Group:
    """The rates of one group."""

    name: str
    subjects: int
    photographs: int
    rates: dict[Kind, Rate]


@dataclass(frozen=True)
class Decided:
    """Samples with the decision score of every two photographs in which a face was found, and a threshold."""

    samples: Samples
    scores: Scores
    threshold: float
    entries: int
    """The length of the lists that FPIR is for."""

    @property
    def subject(self) -> Indices:
        """Of each photograph with a face."""
        return self.samples.subject[self.samples.acquired]

    @property
    def listed(self) -> Indices:
        """The places of entries among the photographs with a face."""
        return np.flatnonzero(self.samples.entry[self.samples.acquired])

    def searches(self, rows: Indices | None = None, photographs: Flags | None = None) -> Searches:
        """Searches for some of the photographs with a face; `photographs` says which failures count, of all."""
        lost = ~self.samples.acquired & ~self.samples.entry
        failed = self.samples.subject[lost if photographs is None else lost & photographs]
        scores = self.scores if rows is None else self.scores[rows]
        return Searches.of(scores, self.subject, self.listed, rows, failed.tolist())

    def searched(self, photographs: Flags) -> dict[Kind, Rate]:
        """The rates of searches for these photographs, of all there are."""
        samples = self.samples
        searches = self.searches(np.flatnonzero(photographs[samples.acquired]), photographs)
        return {
            Kind.FPIR: searches.fpir(self.threshold, self.entries).basis,
            Kind.FNIR: searches.fnir(self.threshold),
            Kind.FAILURE: by_subject(~samples.acquired[photographs], samples.subject[photographs]),
        }

    def by_condition(self, column: str) -> list[Group]:
        """Searches by a label of the photograph that is searched for, whoever it shows; none of a few photographs."""
        found = []
        for name in sorted(set(self.samples.labels[column].tolist()) - {""}):
            chosen = self.samples.labels[column] == name
            subjects, photographs = len(np.unique(self.samples.subject[chosen])), int(chosen.sum())
            if subjects >= FEWEST:
                found.append(Group(name, subjects, photographs, self.searched(chosen)))
        return found


@dataclass(frozen=True)
class Partition:
    """The subjects by a label, which most of their photographs have."""

    column: str
    names: tuple[str, ...]
    label: NDArray[np.int64]
    """Of each subject, an index of `names`, or -1 for none of them."""

    @classmethod
    def of(cls, samples: Samples, column: str) -> Self:
        """By a column of labels; groups of too few subjects are left out."""
        values = _majority(samples.labels[column], samples.subject)
        counts = Counter(value for value in values if value)
        names = tuple(sorted(name for name, count in counts.items() if count >= FEWEST))
        places = {name: at for at, name in enumerate(names)}
        return cls(column, names, np.array([places.get(value, -1) for value in values], np.int64))

    def group(self, at: int, decided: Decided) -> Group:
        """The rates of one of the groups."""
        members, subject = self.label == at, decided.subject
        rows, own = np.flatnonzero(members[subject]), members[decided.samples.subject]
        inside = Comparisons.of(decided.scores[np.ix_(rows, rows)], _renumbered(subject[rows]))
        comparisons = {Kind.FMR: inside.fmr(decided.threshold), Kind.FNMR: inside.fnmr(decided.threshold)}
        return Group(
            name=self.names[at],
            subjects=int(members.sum()),
            photographs=int(own.sum()),
            rates={**comparisons, **decided.searched(own)},
        )


@dataclass(frozen=True)
class Likeness:
    """FMR of comparisons of relatives and look-alikes, beside that of everybody."""

    families: int
    alike: Rate
    everybody: Rate

    @classmethod
    def of(cls, decided: Decided, column: str) -> Self:
        """Subjects with the same label in the column are relatives, or look alike."""
        samples, subject = decided.samples, decided.subject
        values = _majority(samples.labels[column], samples.subject)
        family = np.unique(values, return_inverse=True)[1][subject]
        named = np.array([bool(value) for value in values])[subject]
        first, second = np.triu_indices(len(subject), 1)
        alike = (subject[first] != subject[second]) & named[first] & (family[first] == family[second])
        first, second = first[alike], second[alike]
        matched = decided.scores[first, second] >= np.float32(decided.threshold)
        return cls(
            families=len(np.unique(family[first])),
            alike=by_subject(matched, family[first]),
            everybody=Comparisons.of(decided.scores, subject).fmr(decided.threshold),
        )


def _majority(labels: Labels, subject: Indices) -> list[str]:
    """For each subject the label that most of its labelled photographs have."""
    counts: list[Counter[str]] = [Counter() for _ in range(int(subject.max()) + 1)]
    for who, label in zip(subject, labels, strict=True):
        if label:
            counts[int(who)][str(label)] += 1
    return [count.most_common(1)[0][0] if count else "" for count in counts]


def _renumbered(subject: Indices) -> Indices:
    return np.unique(subject, return_inverse=True)[1].astype(np.int64)
