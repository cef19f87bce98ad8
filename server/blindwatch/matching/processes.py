"""One worker process as the server sees it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Final, Self

from blindwatch.errors import MalformedMessage, TooLarge, WorkerLost
from blindwatch.matching.jobs import LENGTH_BYTES, Answer, Job, Order, Reply
from blindwatch.wire import limits

# Without -P the current folder would come first in the search for modules.
_PROGRAM: Final = ("-P", "-m", "blindwatch.matching.scoring")
_FAREWELL_SECONDS: Final = 2.0


class WorkerProcess:
    """A started worker. One that answers late, falsely or not at all is killed and raised as `WorkerLost`."""

    def __init__(self, process: Process, timeout: float) -> None:
        self._process = process
        self._timeout = timeout

    @classmethod
    async def start(cls, timeout: float, threads: int) -> Self:
        """Start a worker and wait until it can take jobs."""
        try:
            # A session of its own keeps a terminal's interrupt from it: the server tells it when to end.
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *_PROGRAM,
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,
                env={**os.environ, "NUMBA_NUM_THREADS": str(threads)},
                limit=4 * limits.MIB,
            )
        except OSError:
            raise WorkerLost("A worker process could not be started.") from None
        worker = cls(process, timeout)
        try:
            await worker._exchange(None)
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process is known to have ended."""
        return self._process.returncode is not None

    async def wait(self) -> None:
        """Wait for the end of the process."""
        await self._process.wait()

    async def call(self, job: Job) -> Answer:
        """Have a job done."""
        return await self._exchange(Order(job=job).to_cbor())

    async def stop(self) -> None:
        """Let the process end by itself, or end it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """End the process at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _exchange(self, frame: bytes | None) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                if frame is not None:
                    await self._send(frame)
                return Reply.from_cbor(await self._receive()).answer
        except (OSError, asyncio.IncompleteReadError, TimeoutError, MalformedMessage, TooLarge):
            self.kill()
            raise WorkerLost from None

    async def _send(self, frame: bytes) -> None:
        if self._process.stdin is None:
            raise BrokenPipeError
        self._process.stdin.write(len(frame).to_bytes(LENGTH_BYTES, "big"))
        self._process.stdin.write(frame)
        await self._process.stdin.drain()

    async def _receive(self) -> bytes:
        if self._process.stdout is None:
            raise BrokenPipeError
        length = int.from_bytes(await self._process.stdout.readexactly(LENGTH_BYTES), "big")
        if length > Reply.limit:
            raise TooLarge
        return await self._process.stdout.readexactly(length)
