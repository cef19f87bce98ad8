"""Error rates by group at one threshold, the differences between groups, and what a poor photograph costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from rich.progress import Progress

from blindwatch.errors import InputError
from blindwatch.evaluation import differing
from blindwatch.evaluation.differing import LEVEL, Difference, Estimator
from blindwatch.evaluation.groups import Decided, Group, Kind, Likeness, Partition
from blindwatch.evaluation.identification import found_on
from blindwatch.evaluation.samples import Flags, Floats, Samples
from blindwatch.evaluation.scoring import decisions
from blindwatch.he.presets import Preset, Thresholds
from blindwatch.vision.quantise import templates

FEWEST_GROUPS: Final = 2


@dataclass(frozen=True)
class Comparison:
    """The groups of one column, and how each rate differs between them; p-values are corrected for all tests."""

    column: str
    groups: Sequence[Group]
    differences: dict[Kind, Difference]


@dataclass(frozen=True)
class Fairness:
    """Everything that was found about groups."""

    samples: Samples
    preset: Preset
    thresholds: Thresholds
    entries: int
    comparisons: Sequence[Comparison]
    conditions: dict[str, list[Group]]
    """Searches by a label of the photograph."""
    likeness: Likeness | None
    tests: int

    @property
    def differing(self) -> list[tuple[Comparison, Kind, Difference]]:
        """The rates that differ between groups, at a level of 5 % for all tests together."""
        return [
            (each, kind, difference)
            for each in self.comparisons
            for kind, difference in each.differences.items()
            if difference.probability < LEVEL
        ]


def decide(samples: Samples, preset: Preset, thresholds: Thresholds, entries: int | None = None) -> Decided:
    """Decide over integers in clear, as encryption does; FPIR for the longest list if no length is given."""
    rows = templates(samples.embeddings[samples.acquired], preset)
    scores = decisions(rows, preset)
    decided = Decided(samples, scores, float(thresholds.fine), entries or 1)
    return replace(decided, entries=min(entries or 10**9, decided.searches().longest))


def assess(
    decided: Decided,
    preset: Preset,
    thresholds: Thresholds,
    columns: Sequence[str],
    relatives: str | None,
    display: Progress,
    *,
    conditions: Sequence[str] = (),
    permutations: int = differing.PERMUTATIONS,
    seed: int = 7,
) -> Fairness:
    """The rates of the groups of each column, and a test of each rate."""
    partitions = [Partition.of(decided.samples, column) for column in columns]
    partitions = [each for each in partitions if len(each.names) >= FEWEST_GROUPS]
    if not (partitions or relatives or conditions):
        raise InputError(
            "There are no two groups to compare.",
            "The CSV file of groups has a column with two labels, of twenty subjects at least each.",
        )
    tests = len(partitions) * len(Kind)
    task = display.add_task("Comparing groups", total=tests * permutations)
    compared: list[tuple[Partition, list[Group], dict[Kind, float]]] = []
    for partition in partitions:
        groups = [partition.group(at, decided) for at in range(len(partition.names))]
        found = dict[Kind, float]()
        for kind, estimate in _estimators(decided, len(groups)).items():
            for found[kind] in differing.probability(estimate, partition.label, seed, permutations):
                display.advance(task)
        compared.append((partition, groups, found))
    corrected = iter(differing.holm([each for *_, found in compared for each in found.values()]))
    return Fairness(
        samples=decided.samples,
        preset=preset,
        thresholds=thresholds,
        entries=decided.entries,
        comparisons=[
            Comparison(partition.column, groups, _differences(groups, [next(corrected) for _ in Kind], tests))
            for partition, groups, _ in compared
        ],
        conditions={column: decided.by_condition(column) for column in conditions},
        likeness=None if relatives is None else Likeness.of(decided, relatives),
        tests=tests,
    )


def _differences(
    groups: Sequence[Group], probabilities: Sequence[float], tests: int
) -> dict[Kind, Difference]:
    names = [group.name for group in groups]
    return {
        kind: differing.compare(names, [group.rates[kind] for group in groups], each, LEVEL / tests)
        for kind, each in zip(Kind, probabilities, strict=True)
    }


def _estimators(decided: Decided, groups: int) -> dict[Kind, Estimator]:
    """For each rate how it is estimated when subjects belong to these or other groups."""
    samples, subject = decided.samples, decided.subject
    count = int(samples.subject.max()) + 1
    searches = decided.searches()
    matched = decided.scores >= np.float32(decided.threshold)
    first, second = np.nonzero(np.triu(matched & (subject[:, np.newaxis] != subject), 1))
    own_first, own_second = np.nonzero(np.triu(subject[:, np.newaxis] == subject, 1))
    positives = found_on(
        (searches.scores >= np.float32(decided.threshold)).sum(axis=1), searches.longest, decided.entries
    )

    def trials(events: Flags | Floats, who: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Estimator:
        total = np.bincount(who, minlength=count).astype(np.float64)
        return differing.of_trials(np.bincount(who, events, count).astype(np.float64), total, groups)

    return {
        Kind.FMR: differing.of_pairs(
            np.stack([subject[first], subject[second]], axis=1),
            np.bincount(subject, minlength=count).astype(np.float64),
            groups,
        ),
        Kind.FNMR: trials(~matched[own_first, own_second], subject[own_first]),
        Kind.FPIR: trials(positives, searches.subject),
        Kind.FNIR: trials(searches.mated < np.float32(decided.threshold), searches.mated_subject),
        Kind.FAILURE: trials(~samples.acquired, samples.subject),
    }
