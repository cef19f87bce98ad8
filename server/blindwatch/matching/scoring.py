"""A worker process: the only place of the server where native code meets untrusted bytes.

It is started by the pool as its own program, reads jobs from standard input, answers on standard output and
ends when its input does. The server itself never imports this module.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from blindwatch.errors import BlindwatchError, DeploymentNotReady, InternalError, WrongKey
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.matching import Block, Matcher
from blindwatch.he.presets import preset
from blindwatch.he.ranked.presets import RANK_PRESETS
from blindwatch.matching import ranking
from blindwatch.matching.jobs import (
    LENGTH_BYTES,
    Answer,
    Done,
    Drop,
    Inspect,
    Job,
    Load,
    LoadGallery,
    Match,
    Order,
    Rank,
    Refused,
    Released,
    Reply,
)
from blindwatch.store.blobs import read_verified
from blindwatch.wire.messages import ReleasedBlock


@dataclass(frozen=True)
class Watchlist:
    """A loaded watchlist and what scores against it."""

    handle: str
    matcher: Matcher
    blocks: Sequence[Block]


class Scorer:
    """Does the jobs, one after the other."""

    def __init__(self) -> None:
        self._watchlists: dict[str, Watchlist] = {}
        self._galleries = ranking.Galleries()

    def do(self, job: Job) -> Answer:
        """Do a job. Whatever goes wrong is an answer too, without the data that it went wrong on."""
        try:
            return self._do(job)
        except BlindwatchError as error:
            return _refused(error)
        except Exception as error:  # noqa: BLE001 - native code may raise anything; the worker goes on
            return _refused(InternalError(f"A worker met an unexpected condition ({type(error).__name__})."))

    def _do(self, job: Job) -> Answer:
        match job:
            case Inspect() if job.preset in RANK_PRESETS:
                ranking.inspect(job)
            case Inspect():
                _bundle(job)
            case Load():
                self._load(job)
            case LoadGallery():
                self._galleries.load(job)
            case Drop():
                self._watchlists.pop(job.drop, None)
                self._galleries.drop(job.drop)
            case Match():
                return self._match(job)
            case Rank():
                return self._galleries.rank(job)
        return Done()

    def _load(self, job: Load) -> None:
        held = self._watchlists.get(job.deployment)
        if held is not None and held.handle == job.handle:
            return
        matcher = Matcher(_bundle(job), job.threshold, job.mask_secret)
        blocks = [matcher.load_block(read_verified(Path(path)) for path in block) for block in job.blocks]
        self._watchlists[job.deployment] = Watchlist(job.handle, matcher, blocks)

    def _match(self, job: Match) -> Released:
        watchlist = self._watchlists.get(job.deployment)
        if watchlist is None:
            raise DeploymentNotReady
        started = time.perf_counter()
        label = mask_label(watchlist.handle, job.probe_id, job.ciphertext)
        releases = watchlist.matcher.match(job.ciphertext, watchlist.blocks, label)
        elapsed = time.perf_counter() - started
        return Released(
            releases=tuple(ReleasedBlock(indicator=each.indicator, score=each.score) for each in releases),
            elapsed_ms=round(elapsed * 1000),
        )


def mask_label(handle: str, probe_id: str, ciphertext: bytes) -> str:
    """What seeds the masks of a result, beside the mask secret.

    It binds all that the scores depend on. Were it the probe's id alone, whoever used an id twice would get
    the same masks over two scores, and the operator could take the masks away.
    """
    digest = hashlib.sha256(ciphertext).hexdigest()
    return hashlib.sha256(f"{handle}:{probe_id}:{digest}".encode()).hexdigest()


def _bundle(job: Inspect | Load) -> EvaluationBundle:
    chosen = preset(job.preset)
    bundle = EvaluationBundle.from_bytes(read_verified(Path(job.bundle)), chosen)
    if bundle.key_id != job.key_id:
        raise WrongKey("The evaluation bundle belongs to another key than the deployment names.")
    return bundle


def _refused(error: BlindwatchError) -> Refused:
    return Refused(problem=error.problem.urn, detail=error.detail, hint=error.hint)


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    frame = source.read(length)
    return frame if len(frame) == length else None


def _write(target: BinaryIO, answer: Answer) -> None:
    frame = Reply(answer=answer).to_cbor()
    target.write(len(frame).to_bytes(LENGTH_BYTES, "big"))
    target.write(frame)
    target.flush()


def main() -> None:
    """Serve the pool that started this process until it closes the pipe."""
    # What native code may print goes to standard error, so that it cannot mix with the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as target, os.fdopen(0, "rb") as source:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        scorer = Scorer()
        _write(target, Done())
        while (frame := _read(source)) is not None:
            _write(target, scorer.do(Order.from_cbor(frame).job))


if __name__ == "__main__":
    main()
