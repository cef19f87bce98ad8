"""The reveal half of a worker process: watchlists mapped from the store, and probes against them."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindwatch.errors import DeploymentNotReady, WrongKey
from blindwatch.he.answering import Question, answer
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.matching import Block, Matcher
from blindwatch.he.presets import preset
from blindwatch.matching.jobs import Inspect, Load, Match, Released
from blindwatch.store.blobs import read_verified

_PARTIAL: Final = ".partial"


def bundle(job: Inspect | Load) -> EvaluationBundle:
    """The evaluation bundle of a deployment, which must be the one of the key that it names."""
    found = EvaluationBundle.from_bytes(read_verified(Path(job.bundle)), preset(job.preset))
    if found.key_id != job.key_id:
        raise WrongKey("The evaluation bundle belongs to another key than the deployment names.")
    return found


@dataclass(frozen=True)
class _Held:
    handle: str
    listed: str
    matcher: Matcher
    blocks: Sequence[Block]


class Watchlists:
    """The watchlists of this worker; their pages are shared by all workers of the machine."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def load(self, job: Load) -> None:
        """Map a watchlist, in the place of the one before."""
        held = self._held.get(job.deployment)
        if held is not None and held.handle == job.handle:
            return
        keys = bundle(job)
        matcher = Matcher(keys, job.threshold, job.mask_secret)
        # One worker after the other: the first one prepares the blocks, and compiles where nothing is compiled yet.
        with _alone(Path(job.prepared).parent):
            blocks = _mapped(matcher, job)
            matcher.warm(keys.encryption, blocks)
        self._held[job.deployment] = _Held(job.handle, job.listed, matcher, blocks)

    def drop(self, deployment: str) -> None:
        """Let go of a watchlist."""
        self._held.pop(deployment, None)

    def match(self, job: Match) -> Released:
        """Compare a probe with every entry of the list that was not removed from it."""
        held = self._held.get(job.deployment)
        if held is None:
            raise DeploymentNotReady
        started = time.perf_counter()
        removed = frozenset(job.removed) if job.removed_from == held.listed else frozenset[int]()
        asked = Question(job.deployment, job.camera, job.probe_id, job.ciphertext, job.crop)
        answered = answer(held.matcher, held.blocks, held.handle, asked, removed)
        elapsed = time.perf_counter() - started
        return Released(
            listed=held.listed,
            releases=answered.releases,
            crop=answered.crop,
            elapsed_ms=round(elapsed * 1000),
        )


def _mapped(matcher: Matcher, job: Load) -> list[Block]:
    """The blocks in the form that is computed with, which is made from verified ciphertexts if it is not there."""
    folder = Path(job.prepared)
    if not folder.is_dir():
        partial = folder.with_name(folder.name + _PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        for number, block in enumerate(job.blocks):
            parts = (read_verified(Path(path)) for path in block)
            matcher.load_block(parts, len(block)).save(partial, str(number))
        partial.rename(folder)
    layouts = [preset(job.preset).layout_of(len(block)) for block in job.blocks]
    return [Block.map(layout, folder, str(number)) for number, layout in enumerate(layouts)]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other worker is here at the same time."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
