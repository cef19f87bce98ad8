"""The one place that knows how the engine is opened and asked."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from secrets import token_bytes, token_hex
from typing import Any, Final

from blindwatch.bench.trial import Releases, Trial
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.masks import SECRET_BYTES
from blindwatch.he.matching import Matcher
from blindwatch.wire.messages import ReleasedBlock

TAKES_THREADS: Final = "threads" in signature(Matcher).parameters
"""Whether one probe can be matched on several cores."""


class Engine:
    """The default engine with one list loaded."""

    def __init__(
        self, bundle: EvaluationBundle, threshold: int, blocks: Sequence[Sequence[bytes]], cores: int = 1
    ) -> None:
        options: dict[str, Any] = {"threads": cores} if TAKES_THREADS else {}
        self._matcher = Matcher(bundle, threshold, token_bytes(SECRET_BYTES), **options)
        self._blocks = [self._matcher.load_block(block) for block in blocks]

    @classmethod
    def of(cls, trial: Trial, cores: int = 1) -> Engine:
        """The engine with the list of a trial."""
        return cls(trial.keys.evaluation, trial.threshold, trial.blocks, cores)

    def match(self, probe: bytes) -> Releases:
        """The releases for one probe."""
        releases = self._matcher.match(probe, self._blocks, token_hex(16))
        return [ReleasedBlock(indicator=each.indicator, score=each.score) for each in releases]


def core_counts(available: int) -> list[int]:
    """On how many cores one probe is measured: on one, and on all if the engine can."""
    return [1, available] if TAKES_THREADS and available > 1 else [1]
