"""The one place that knows how the engine is opened and asked, with its own kernels or in plain SEAL calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from secrets import token_bytes, token_hex

from blindwatch.bench.trial import Releases, Trial
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.masks import SECRET_BYTES
from blindwatch.he.matching import Block, Matcher
from blindwatch.he.seal_scheme import SealScheme


class Engine:
    """A matcher with one list loaded."""

    def __init__(self, matcher: Matcher, blocks: Sequence[Block]) -> None:
        self._matcher = matcher
        self._blocks = blocks

    @classmethod
    def of(cls, trial: Trial, cores: int = 1) -> Engine:
        """The default engine with the list of a trial."""
        return cls._loaded(_matcher(trial.keys.evaluation, trial.threshold, cores), trial)

    @classmethod
    def plain(cls, trial: Trial) -> Engine:
        """The same circuit, layout, masks and flooding by SEAL's own evaluator, on one thread."""
        secret = token_bytes(SECRET_BYTES)
        return cls._loaded(Matcher(trial.keys.evaluation, trial.threshold, secret, SealScheme), trial)

    @classmethod
    def mapped(cls, bundle: EvaluationBundle, threshold: int, entries: int, folder: Path) -> Engine:
        """The default engine with a list that `save` wrote, which processes share in memory."""
        plan = enumerate(bundle.preset.plan(entries))
        blocks = [Block.map(layout, folder, _name(number)) for number, layout in plan]
        return cls(_matcher(bundle, threshold, 1), blocks)

    @classmethod
    def _loaded(cls, matcher: Matcher, trial: Trial) -> Engine:
        return cls(matcher, [matcher.load_block(block, len(block)) for block in trial.blocks])

    def save(self, folder: Path) -> None:
        """Write the list in the form that it has in memory."""
        for number, block in enumerate(self._blocks):
            block.save(folder, _name(number))

    def match(self, probe: bytes) -> Releases:
        """The releases for one probe."""
        return self._matcher.match(probe, self._blocks, token_hex(16))


def core_counts(available: int) -> list[int]:
    """On how many cores one probe is measured: on one, and on all."""
    return [1, available] if available > 1 else [1]


def _matcher(bundle: EvaluationBundle, threshold: int, cores: int) -> Matcher:
    return Matcher(bundle, threshold, token_bytes(SECRET_BYTES), threads=cores)


def _name(number: int) -> str:
    return f"block-{number:04}"
