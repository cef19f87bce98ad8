"""The pool against workers that misbehave on purpose: real processes that speak the pipe's protocol."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path

import pytest

from blindwatch.errors import BlindwatchError, WorkerLost, WrongKey
from blindwatch.matching import processes, workers
from blindwatch.matching.jobs import Inspect, Load, Match, Released
from blindwatch.matching.workers import WorkerPool

WORKER = """
import os, sys
from blindwatch.errors import WrongKey
from blindwatch.matching.jobs import Done, Load, Match, Order, Refused, Released, Reply

def write(answer):
    frame = Reply(answer=answer).to_cbor()
    sys.stdout.buffer.write(len(frame).to_bytes(4, "big") + frame)
    sys.stdout.buffer.flush()

write(Done())
while head := sys.stdin.buffer.read(4):
    job = Order.from_cbor(sys.stdin.buffer.read(int.from_bytes(head, "big"))).job
    wish = job.probe_id if isinstance(job, Match) else job.handle if isinstance(job, Load) else "done"
    if wish == "dies":
        os._exit(1)
    elif wish == "babbles":
        sys.stdout.buffer.write(b"\\xff" * 100)
        sys.stdout.buffer.flush()
    elif wish == "done":
        write(Done())
    elif wish == "refuses":
        write(Refused(problem=WrongKey.problem.urn, detail="Refused.", hint=""))
    elif wish == "sleeps":
        sys.stdin.buffer.read()
    else:
        write(Released(listed="one", releases=(), crop=b"", elapsed_ms=7))
"""


@pytest.fixture(autouse=True)
def misbehaving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "worker.py"
    program.write_text(WORKER)
    monkeypatch.setattr(processes, "_PROGRAM", (str(program),))


def children() -> set[str]:
    """The processes that this one has started and that have not ended."""
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def match(wish: str) -> Match:
    return Match(deployment="trial", camera="north", probe_id=wish, ciphertext=b"", crop=b"")


def load(wish: str) -> Load:
    return Load(
        deployment="trial",
        handle=wish,
        listed="one",
        bundle="",
        preset="",
        key_id="",
        threshold=1,
        mask_secret=b"",
        prepared="",
        blocks=(),
    )


async def outcomes(size: int, timeout: float, *jobs: Match | Load | Inspect) -> list[object]:
    """What a pool makes of jobs that are all given to it at once."""
    pool = WorkerPool(size, 1, timeout)
    await pool.start([])

    def given(job: Match | Load | Inspect) -> Coroutine[None, None, Released | None]:
        match job:
            case Match():
                return pool.match(job)
            case Load():
                return pool.enrol(job)
            case Inspect():
                return pool.inspect(job)

    try:
        return list(await asyncio.gather(*(given(job) for job in jobs), return_exceptions=True))
    finally:
        await pool.stop()


@pytest.mark.parametrize("wish", ["dies", "babbles"])
def test_a_job_that_ends_every_worker_fails_alone(wish: str) -> None:
    found = asyncio.run(outcomes(1, 20, match("well"), match(wish), match("well"), match("well")))
    assert isinstance(found.pop(1), WorkerLost)
    assert found == [Released(listed="one", releases=(), crop=b"", elapsed_ms=7)] * 3


def test_a_job_that_takes_too_long_fails_alone() -> None:
    found = asyncio.run(outcomes(1, 1.5, match("sleeps"), match("well")))
    assert isinstance(found[0], WorkerLost)
    assert isinstance(found[1], Released)


def test_an_answer_to_another_job() -> None:
    (found,) = asyncio.run(outcomes(1, 20, match("done")))
    assert isinstance(found, WorkerLost)


def test_a_refusal_comes_back_as_its_error() -> None:
    found = asyncio.run(outcomes(2, 20, match("refuses"), load("refuses"), match("well")))
    assert [type(each) for each in found] == [WrongKey, WrongKey, Released]
    assert isinstance(found[0], BlindwatchError)
    assert found[0].detail == "Refused."


def test_a_watchlist_on_which_workers_die_is_not_in_use() -> None:
    found = asyncio.run(outcomes(2, 20, load("dies"), match("well")))
    assert isinstance(found[0], WorkerLost)
    assert isinstance(found[1], Released)


def test_a_worker_that_does_not_let_go_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_DROP_SECONDS", 0.3)

    async def drop_during_a_job() -> tuple[set[str], set[str]]:
        others = children()
        pool = WorkerPool(1, 1, 60)
        await pool.start([load("done")])
        while not pool.alive:
            await asyncio.sleep(0.02)
        hanging = asyncio.create_task(pool.match(match("sleeps")))
        await asyncio.sleep(0.2)
        before = children() - others
        await pool.drop("trial")
        after = children()
        hanging.cancel()
        await pool.stop()
        return before, after

    before, after = asyncio.run(drop_during_a_job())
    assert len(before) == 1
    assert not before & after


def test_a_worker_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PROGRAM", ("-c", "raise SystemExit"))

    async def wait() -> int:
        pool = WorkerPool(1, 1, 5)
        await pool.start([])
        await asyncio.sleep(0.5)
        alive = pool.alive
        await pool.stop()
        return alive

    assert asyncio.run(wait()) == 0
