"""The evaluation itself: every rate three times, by floats, by integers in clear and by integers under encryption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np
from rich.progress import Progress

from blindwatch.errors import ConfigurationError
from blindwatch.evaluation.encrypted import EncryptedList, Gated, Tally
from blindwatch.evaluation.identification import Searches
from blindwatch.evaluation.ranked import RankedGallery, rank_templates
from blindwatch.evaluation.ranking import Ranks
from blindwatch.evaluation.rates import Rate
from blindwatch.evaluation.samples import Indices, Samples
from blindwatch.evaluation.scoring import Scores, cosines, decisions, products, similarity
from blindwatch.evaluation.variance import by_subject
from blindwatch.evaluation.verification import Comparisons, Refit, draws
from blindwatch.he.presets import Preset
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.vision.quantise import templates

RANKED: Final = "rank-128"


class Method(Enum):
    """How two templates are compared."""

    FLOAT = "cosine of floats"
    CLEAR = "integers in clear"
    ENCRYPTED = "integers under encryption"


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    fmr: Sequence[float] = (1e-2, 1e-3, 1e-4)
    fpir: Sequence[float] = (1e-1, 1e-2)
    entries: Sequence[int] = (1000, 17_000)
    """Lists to extrapolate to where the data are too few."""
    draws: int = 500
    searched: int | None = None
    """How many photographs are searched for under encryption, at random; all if not given."""
    seed: int = 7


@dataclass(frozen=True)
class Measured:
    """All comparisons and searches by one method."""

    comparisons: Comparisons
    searches: Searches

    def like(self, other: Measured) -> Measured:
        """The same, with intervals of few false matches as wide as the other's."""
        return Measured(
            replace(self.comparisons, like=other.comparisons), replace(self.searches, like=other.searches)
        )


@dataclass(frozen=True)
class Operating:
    """A threshold of one method, why it was chosen, and its error rates."""

    method: Method
    why: str
    threshold: float
    gate: int | None
    fmr: Rate
    fnmr: Rate
    refit: Refit | None = None
    """With the threshold found anew in each draw of the subjects, where FMR chose it."""


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured."""

    samples: Samples
    plan: Plan
    preset: Preset
    enrolment_failures: Rate
    acquisition_failures: Rate
    by_method: dict[Method, Measured]
    """Without encryption, which has one for each gate."""
    operating: Sequence[Operating]
    gated: dict[int, tuple[Measured, Tally]]
    ranks: dict[Method, Ranks]
    rank_tally: Tally

    def at(self, point: Operating) -> Measured:
        """The comparisons and searches that an operating point is about."""
        if point.method is not Method.ENCRYPTED:
            return self.by_method[point.method]
        if point.gate is None:
            raise ValueError("under encryption there is always a gate")
        return self.gated[point.gate][0]

    @property
    def tally(self) -> Tally:
        """All comparisons that were made under encryption."""
        return sum((tally for _, tally in self.gated.values()), Tally())


class Measurement:
    """Measures one set of samples."""

    def __init__(self, samples: Samples, preset: Preset, plan: Plan, display: Progress) -> None:
        self._samples, self._preset, self._plan, self._display = samples, preset, plan, display
        if samples.dimension != preset.dimension:
            raise ConfigurationError(
                f"The preset {preset.name} takes templates of {preset.dimension} dimensions.",
                "Name the model that the embeddings are from, if it projects them.",
            )
        self._failed = samples.subject[~samples.acquired & ~samples.entry]
        self._seen = samples.acquired
        self._subject = samples.subject[self._seen]
        self._entries = np.flatnonzero(samples.entry[self._seen])
        self._embeddings = samples.embeddings[self._seen]
        self._templates = templates(self._embeddings, preset)

    def run(self) -> Evaluation:
        """All of it."""
        by_method = {
            Method.FLOAT: self._measured(cosines(self._embeddings)),
            Method.CLEAR: self._measured(decisions(self._templates, self._preset)),
        }
        chosen = self._choose(by_method)
        gated = self._encrypt(
            by_method[Method.CLEAR], [point for point in chosen if point.method is Method.CLEAR]
        )
        ranks, rank_tally = self._rank()
        return Evaluation(
            samples=self._samples,
            plan=self._plan,
            preset=self._preset,
            enrolment_failures=self._failures(self._samples.entry),
            acquisition_failures=self._failures(~self._samples.entry),
            by_method=by_method,
            operating=[*chosen, *self._encrypted(chosen, gated)],
            gated=gated,
            ranks=ranks,
            rank_tally=rank_tally,
        )

    def _failures(self, photographs: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Rate:
        return by_subject(~self._seen[photographs], self._samples.subject[photographs])

    def _measured(self, scores: Scores, rows: Indices | None = None) -> Measured:
        return Measured(
            Comparisons.of(scores, self._subject, rows),
            Searches.of(scores, self._subject, self._entries, rows, self._failed.tolist()),
        )

    def _choose(self, by_method: dict[Method, Measured]) -> list[Operating]:
        """The thresholds that keep to what is wanted, of either method without encryption."""
        resamples = draws(int(self._subject.max()) + 1, self._plan.draws, self._plan.seed)
        total = len(by_method) * (len(self._plan.fmr) + len(self._plan.fpir))
        task, found = self._display.add_task("Choosing thresholds", total=total), []
        for method, measured in by_method.items():
            for rate in self._plan.fmr:
                refit = measured.comparisons.refit(rate, resamples)
                found.append(
                    self._operating(method, measured, refit.threshold, f"FMR {100 * rate:g} %", refit)
                )
                self._display.advance(task)
            for rate in self._plan.fpir:
                threshold = measured.searches.threshold(rate, measured.searches.longest)
                found.append(self._operating(method, measured, threshold, f"FPIR {100 * rate:g} %", None))
                self._display.advance(task)
        return found

    def _operating(
        self, method: Method, measured: Measured, threshold: float, why: str, refit: Refit | None
    ) -> Operating:
        gate = None
        if method is not Method.FLOAT:
            threshold = float(np.clip(np.ceil(threshold), 1, self._preset.fine_squared_norm))
            gate = self._preset.thresholds(similarity(int(threshold), self._preset)).gate
        fmr, fnmr = (each(threshold) for each in (measured.comparisons.fmr, measured.comparisons.fnmr))
        return Operating(method, why, threshold, gate, fmr, fnmr, refit)

    def _encrypt(self, clear: Measured, points: Sequence[Operating]) -> dict[int, tuple[Measured, Tally]]:
        """Search for photographs under encryption, with each gate that a threshold asks for."""
        gates = sorted({point.gate for point in points if point.gate is not None})
        rng, count = np.random.default_rng(self._plan.seed), len(self._subject)
        rows = np.sort(rng.permutation(count)[: self._plan.searched])
        listed = EncryptedList(self._templates, self._preset)
        task, found = self._display.add_task("Searching under encryption", total=len(gates) * len(rows)), {}
        for gate in gates:
            results = []
            for each in listed.search(gate, rows):
                results.append(each)
                self._display.advance(task)
            made = Gated.of(gate, rows, results)
            found[gate] = self._measured(made.scores, rows).like(clear), made.tally
        return found

    def _encrypted(
        self, points: Sequence[Operating], gated: dict[int, tuple[Measured, Tally]]
    ) -> list[Operating]:
        """The same thresholds under encryption."""
        return [
            self._operating(Method.ENCRYPTED, gated[point.gate][0], point.threshold, point.why, None)
            for point in points
            if point.gate is not None
        ]

    def _rank(self) -> tuple[dict[Method, Ranks], Tally]:
        """Ranked search for everybody whose entry is another photograph."""
        preset, entries = rank_preset(RANKED), self._entries
        probes = np.setdiff1d(np.arange(len(self._subject)), entries)
        rows = rank_templates(self._embeddings, preset)
        gallery, found, different = RankedGallery(rows[entries], preset), [], 0
        for each in self._display.track(gallery.search(rows[probes]), len(probes), description="Ranking"):
            found.append(each.scores)
            different += each.different
        scores = {
            Method.FLOAT: cosines(self._embeddings)[np.ix_(probes, entries)],
            Method.CLEAR: products(rows[probes], rows[entries]),
            Method.ENCRYPTED: np.stack(found).astype(np.float32),
        }
        subject, listed = self._subject[probes], self._subject[entries]
        count = len(probes) * len(entries)
        return (
            {method: Ranks.of(each, subject, listed) for method, each in scores.items()},
            Tally(len(probes), count, count, different),
        )
