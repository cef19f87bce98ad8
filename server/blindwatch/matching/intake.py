"""Work that was taken and has no result yet: probes and searches, in memory only from arrival to result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from blindwatch.errors import BlindwatchError, Busy, InternalError, MalformedMessage, ServerUnavailable
from blindwatch.matching import logs
from blindwatch.matching.mailbox import Mailbox
from blindwatch.wire.messages import Message


class Intake:
    """Takes work while there is room for it, and turns all that it took into results."""

    def __init__(self, kind: str, mailbox: Mailbox, room: int) -> None:
        self._kind = kind
        self._mailbox = mailbox
        self._room = room
        self._arriving = 0
        self._taken: dict[tuple[str, str], asyncio.Task[None]] = {}

    @property
    def queued(self) -> int:
        """Pieces of work that have no result yet, with those whose bodies are still arriving."""
        return len(self._taken) + self._arriving

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Room for one piece, had before its body is read, so that bodies cannot fill the memory."""
        if self.queued >= self._room:
            raise Busy(hint="Send fewer of them, or later.")
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    async def take(
        self,
        deployment: str,
        identifier: str,
        work: Callable[[], Awaitable[Message]],
        failed: Callable[[BlindwatchError], Message],
    ) -> None:
        """Put one piece to work; `failed` makes the result if it cannot be done."""
        place = (deployment, identifier)
        if place in self._taken or await self._mailbox.holds(*place) or place in self._taken:
            raise MalformedMessage(
                f"A {self._kind} of this identifier was taken already.",
                hint="Make a random one for every one of them.",
            )
        task = asyncio.create_task(self._answer(place, work, failed))
        self._taken[place] = task
        task.add_done_callback(lambda _: self._taken.pop(place))

    async def finish(self, seconds: float) -> None:
        """Give what was taken so long to get its results; what is left fails."""
        waiting = list(self._taken.values())
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _answer(
        self,
        place: tuple[str, str],
        work: Callable[[], Awaitable[Message]],
        failed: Callable[[BlindwatchError], Message],
    ) -> None:
        try:
            outcome = await work()
        except asyncio.CancelledError:
            outcome = failed(ServerUnavailable())
        except BlindwatchError as error:
            logs.warning(f"{self._kind}-failed", problem=error.problem.slug)
            outcome = failed(error)
        except Exception as error:  # noqa: BLE001 - what was taken gets a result, whatever happens
            logs.warning(f"{self._kind}-failed", kind=type(error).__name__)
            outcome = failed(InternalError())
        try:
            await self._mailbox.add(*place, outcome.to_cbor())
        except Exception as error:  # noqa: BLE001 - nobody awaits this, and the text may hold the result
            logs.warning("result-lost", kind=type(error).__name__)
