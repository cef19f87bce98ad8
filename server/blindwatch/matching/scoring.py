"""A worker process: the only place of the server where native code meets untrusted bytes.

It is started by the pool as its own program, reads jobs from standard input, answers on standard output and
ends when its input does. The server itself never imports this module.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from blindwatch.errors import BlindwatchError, InternalError
from blindwatch.he.memory import keep_freed
from blindwatch.he.ranked.presets import RANK_PRESETS
from blindwatch.matching import ranking, watchlists
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
    Reply,
)


class Scorer:
    """Does the jobs, one after the other."""

    def __init__(self) -> None:
        self._watchlists = watchlists.Watchlists()
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
                watchlists.bundle(job)
            case Load():
                self._watchlists.load(job)
            case LoadGallery():
                self._galleries.load(job)
            case Drop():
                self._watchlists.drop(job.drop)
                self._galleries.drop(job.drop)
            case Match():
                return self._watchlists.match(job)
            case Rank():
                return self._galleries.rank(job)
        return Done()


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
    os.umask(0o077)  # prepared watchlists are the server's alone
    keep_freed()
    # What native code may print goes to standard error, so that it cannot mix with the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as target, os.fdopen(0, "rb") as source:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        scorer = Scorer()
        _write(target, Done())
        while (frame := _read(source)) is not None:
            _write(target, scorer.do(Order.from_cbor(frame).job))


if __name__ == "__main__":
    main()
