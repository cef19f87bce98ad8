"""The same computation in plain SEAL calls on one thread: what the engine is measured against."""

from __future__ import annotations

from blindwatch.bench.evaluation import Evaluation, Scored
from blindwatch.bench.trial import Releases, Trial
from blindwatch.he import masks
from blindwatch.he.seal_scheme import SealScheme
from blindwatch.wire.messages import ReleasedBlock


class PlainSeal:
    """SEAL's evaluator with the list of a trial loaded: same circuit, layout, masks and flooding."""

    def __init__(self, trial: Trial) -> None:
        self._evaluation = Evaluation(SealScheme(trial.keys.evaluation), trial)

    def match(self, probe: bytes) -> Releases:
        """The releases for one probe."""
        evaluation = self._evaluation
        babies = evaluation.babies(probe)
        return [
            self._released(evaluation.scored(layout, parts, babies)) for layout, parts in evaluation.blocks
        ]

    def _released(self, scored: Scored) -> ReleasedBlock:
        evaluation = self._evaluation
        score = evaluation.scheme.lower(scored.score, evaluation.last_primes)
        return ReleasedBlock(
            indicator=evaluation.release(scored, masks.nonzero),
            score=evaluation.release(scored, masks.uniform, score),
        )
