"""The pool of worker processes: a seat for each, a queue for all, and a new process where one ends.

Any worker takes the next probe. A job whose worker ends is given once more to the process that takes the
seat, in case the end was no fault of the job's; after that it fails, and nothing else is lost with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from blindwatch.errors import BlindwatchError, WorkerLost
from blindwatch.matching import logs
from blindwatch.matching.jobs import (
    Answer,
    Done,
    Drop,
    Inspect,
    Job,
    Load,
    LoadGallery,
    Match,
    Rank,
    Ranked,
    Refused,
    Released,
)
from blindwatch.matching.processes import WorkerProcess
from blindwatch.wire import problems

_ATTEMPTS: Final = 2
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 5.0
_DROP_SECONDS: Final = 15.0

Outcome: TypeAlias = Done | Released | Ranked


@dataclass(eq=False)
class _Task:
    job: Job
    answer: asyncio.Future[Outcome] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    losses: int = 0

    def settle(self, outcome: Outcome | BlindwatchError) -> None:
        if self.answer.done():
            return
        if isinstance(outcome, BlindwatchError):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


@dataclass(eq=False)
class _Seat:
    orders: deque[_Task] = field(default_factory=deque)
    process: WorkerProcess | None = None
    recovered: bool = False
    """Whether the process has the watchlists."""


class WorkerPool:
    """Gives jobs to worker processes and keeps as many of these alive as there are seats."""

    def __init__(self, size: int, threads: int, timeout: float) -> None:
        self._threads = threads
        self._timeout = timeout
        self._seats = [_Seat() for _ in range(size)]
        self._shared: deque[_Task] = deque()
        self._wake = asyncio.Condition()
        self._watchlists: dict[str, Load | LoadGallery] = {}
        self._dispatchers: list[asyncio.Task[None]] = []

    @property
    def alive(self) -> int:
        """Workers that can take jobs."""
        return sum(
            seat.recovered and seat.process is not None and not seat.process.ended for seat in self._seats
        )

    async def start(self, watchlists: list[Load | LoadGallery]) -> None:
        """Start the workers; each loads these watchlists before its first job."""
        self._watchlists = {load.deployment: load for load in watchlists}
        self._dispatchers = [asyncio.create_task(self._dispatch(seat)) for seat in self._seats]

    async def stop(self) -> None:
        """End the workers and whatever they were doing."""
        for dispatcher in self._dispatchers:
            dispatcher.cancel()
        await asyncio.gather(*self._dispatchers, return_exceptions=True)
        for task in [*self._shared, *(task for seat in self._seats for task in seat.orders)]:
            task.answer.cancel()

    async def inspect(self, job: Inspect) -> None:
        """Have any worker check a bundle."""
        await self._submit(job)

    async def match(self, job: Match) -> Released:
        """Have any worker score a probe."""
        answer = await self._submit(job)
        if not isinstance(answer, Released):
            raise WorkerLost("A worker gave the answer to another job.")
        return answer

    async def rank(self, job: Rank) -> Ranked:
        """Have any worker score a query."""
        answer = await self._submit(job)
        if not isinstance(answer, Ranked):
            raise WorkerLost("A worker gave the answer to another job.")
        return answer

    async def enrol(self, load: Load | LoadGallery) -> None:
        """Have every worker load a watchlist, or none: the one before stays in use if any worker refuses."""
        tasks = await self._broadcast(load)
        outcomes = await asyncio.gather(*(task.answer for task in tasks), return_exceptions=True)
        failure = next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
        if failure is not None:
            before = self._watchlists.get(load.deployment)
            await self._broadcast(before or Drop(drop=load.deployment))
            raise failure
        self._watchlists[load.deployment] = load
        # A process that took a seat in the meantime has recovered with the watchlist before.
        await self._broadcast(load)

    async def drop(self, deployment: str) -> None:
        """Have every worker let go of a deployment. One that does not in time is ended, and its seat taken anew."""
        self._watchlists.pop(deployment, None)
        tasks = await self._broadcast(Drop(drop=deployment))
        if tasks:
            await asyncio.wait([task.answer for task in tasks], timeout=_DROP_SECONDS)
        for seat, task in zip(self._seats, tasks, strict=True):
            if not task.answer.done() and seat.process is not None:
                logs.warning("worker-ended", pid=seat.process.pid)
                seat.process.kill()
                await seat.process.wait()

    async def _submit(self, job: Job) -> Outcome:
        task = _Task(job)
        async with self._wake:
            self._shared.append(task)
            self._wake.notify_all()
        return await task.answer

    async def _broadcast(self, job: Job) -> list[_Task]:
        tasks = [_Task(job) for _ in self._seats]
        async with self._wake:
            for seat, task in zip(self._seats, tasks, strict=True):
                # Nobody may be waiting for the answer: mark it as seen.
                task.answer.add_done_callback(lambda answer: answer.cancelled() or answer.exception())
                seat.orders.append(task)
            self._wake.notify_all()
        return tasks

    async def _dispatch(self, seat: _Seat) -> None:
        """Keep a process in the seat, and give it jobs."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            pause = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            try:
                process = await WorkerProcess.start(self._timeout, self._threads)
            except WorkerLost:
                logs.warning("worker-not-started")
                continue
            watcher = asyncio.create_task(self._watch(process))
            try:
                seat.process = process
                await self._recover(process)
                seat.recovered = True
                logs.info("worker-ready", pid=process.pid)
                pause = 0.0
                while True:
                    await self._perform(await self._next(seat, process), seat, process)
            except WorkerLost:
                logs.warning("worker-lost", pid=process.pid)
            finally:
                seat.process, seat.recovered = None, False
                watcher.cancel()
                await process.stop()

    async def _watch(self, process: WorkerProcess) -> None:
        await process.wait()
        async with self._wake:
            self._wake.notify_all()

    async def _recover(self, process: WorkerProcess) -> None:
        for load in list(self._watchlists.values()):
            try:
                await self._ask(load, process)
            except WorkerLost:
                raise
            except BlindwatchError as error:
                logs.warning("watchlist-refused", deployment=load.deployment, problem=error.problem.slug)

    async def _next(self, seat: _Seat, process: WorkerProcess) -> _Task:
        async with self._wake:
            await self._wake.wait_for(lambda: process.ended or seat.orders or self._shared)
            if process.ended:
                raise WorkerLost
            return seat.orders.popleft() if seat.orders else self._shared.popleft()

    async def _perform(self, task: _Task, seat: _Seat, process: WorkerProcess) -> None:
        try:
            task.settle(await self._ask(task.job, process))
        except WorkerLost as error:
            task.losses += 1
            if task.losses < _ATTEMPTS:
                seat.orders.appendleft(task)
            else:
                task.settle(error)
            raise
        except BlindwatchError as error:
            task.settle(error)

    async def _ask(self, job: Job, process: WorkerProcess) -> Outcome:
        answer: Answer = await process.call(job)
        if isinstance(answer, Refused):
            raise problems.from_urn(answer.problem, answer.detail, answer.hint)
        return answer
