"""What a poor photograph costs: searches for people on the list, with photographs that get worse and worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from blindwatch.evaluation.acquiring import Acquisition
from blindwatch.evaluation.degrading import DEGRADATIONS, Degradation, Worse
from blindwatch.evaluation.rates import Rate
from blindwatch.evaluation.samples import Flags, Indices, Samples
from blindwatch.evaluation.scoring import products
from blindwatch.evaluation.variance import by_subject
from blindwatch.he.presets import Preset, Thresholds
from blindwatch.vision.quantise import templates


@dataclass(frozen=True)
class Step:
    """One step of a degradation."""

    amount: float
    failed: Rate
    """Photographs without a face."""
    missed: Rate
    """People who were not found, those without a face among them: FNIR."""
    false_matches: Rate
    """Of comparisons with entries of others, of faces that were found: FMR."""


@dataclass(frozen=True)
class Curve:
    """All steps of one degradation."""

    degradation: Degradation
    steps: Sequence[Step]


@dataclass(frozen=True)
class Line:
    """Photographs to make worse, and the entries that they are compared with."""

    samples: Samples
    preset: Preset
    thresholds: Thresholds
    probes: Indices
    """Among all photographs."""

    @classmethod
    def of(cls, samples: Samples, preset: Preset, thresholds: Thresholds, count: int, seed: int) -> Line:
        """So many photographs at random, of people whose entry is another."""
        listed = samples.subject[samples.entry & samples.acquired]
        possible = np.flatnonzero(~samples.entry & samples.acquired & np.isin(samples.subject, listed))
        rng = np.random.default_rng(seed)
        return cls(samples, preset, thresholds, np.sort(rng.permutation(possible)[:count]))

    def curves(self, folder: Path, acquisition: Acquisition, display: Progress) -> Iterator[Curve]:
        """Every degradation, step by step."""
        photographs = [folder / self.samples.images[at] for at in self.probes]
        total = sum(len(each.amounts) for each in DEGRADATIONS) * len(photographs)
        task = display.add_task("Making photographs worse", total=total)
        for degradation in DEGRADATIONS:
            steps = []
            for amount in degradation.amounts:
                rows = []
                for row in acquisition.embed(photographs, Worse(degradation.way, amount)):
                    rows.append(row)
                    display.advance(task)
                steps.append(self._step(amount, np.stack(rows)))
            yield Curve(degradation, steps)

    def _step(self, amount: float, embeddings: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Step:
        subject = self.samples.subject[self.probes]
        entries = np.flatnonzero(self.samples.entry & self.samples.acquired)
        seen = np.isfinite(embeddings).all(axis=1)
        own = subject[seen][:, np.newaxis] == self.samples.subject[entries]
        matched = self._matched(embeddings[seen], self.samples.embeddings[entries])
        missed = np.ones(len(subject), dtype=bool)
        missed[seen] = ~matched[own]
        wrong: Flags = matched[~own]
        others = np.repeat(subject[seen], (~own).sum(axis=1))
        return Step(
            amount,
            by_subject(np.asarray(~seen), subject),
            by_subject(missed, subject),
            by_subject(wrong, others),
        )

    def _matched(
        self,
        probes: np.ndarray[tuple[int, int], np.dtype[np.float64]],
        entries: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    ) -> Flags:
        """Which of the probes match which of the entries, in both steps."""
        if not len(probes):
            return np.zeros((0, len(entries)), dtype=bool)
        sought, listed = templates(probes, self.preset), templates(entries, self.preset)
        coarse, fine = products(sought.coarse, listed.coarse), products(sought.fine, listed.fine)
        found: Flags = (coarse >= self.thresholds.gate) & (fine >= self.thresholds.fine)
        return found
