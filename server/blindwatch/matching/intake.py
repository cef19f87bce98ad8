"""Work that was taken and has no result yet: probes and searches, in memory only from arrival to result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from blindwatch.errors import BlindwatchError, Busy, InternalError, MalformedMessage, ServerUnavailable
from blindwatch.matching import logs
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.mailbox import Mailbox
from blindwatch.records.record import Record
from blindwatch.store.results import Waiting
from blindwatch.wire.messages import Message

Outcome = TypeVar("Outcome", bound=Message)


class Piece(Protocol[Outcome]):
    """A probe or a search on its way to its result."""

    @property
    def accepted(self) -> Record:
        """What the log is to have before it is known to be taken."""

    async def work(self) -> Outcome:
        """Compute the result."""

    def failed(self, error: BlindwatchError) -> Outcome:
        """The result if that cannot be done."""

    async def released(self, outcome: Outcome) -> Record:
        """What the log is to have of the result before it is to be seen."""


class Intake:
    """Takes work while there is room for it, and turns all that it took into results.

    The log has the work before it is known to be taken, and the result before it is to be seen.
    """

    def __init__(self, kind: str, mailbox: Mailbox, ledger: Ledger, room: int) -> None:
        self._kind = kind
        self._mailbox = mailbox
        self._ledger = ledger
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

    async def take(self, deployment: str, identifier: str, piece: Piece[Outcome]) -> None:
        """Put one piece to work, once the log has it."""
        place = (deployment, identifier)
        if place in self._taken or await self._mailbox.holds(*place) or place in self._taken:
            raise MalformedMessage(
                f"A {self._kind} of this identifier was taken already.",
                hint="Make a random one for every one of them.",
            )
        accepted = asyncio.create_task(self._ledger.record(piece.accepted))
        task = asyncio.create_task(self._answer(place, piece, accepted))
        self._taken[place] = task
        task.add_done_callback(lambda _: self._taken.pop(place))
        await asyncio.shield(accepted)

    async def finish(self, seconds: float) -> None:
        """Give what was taken so long to get its results; what is left fails."""
        waiting = list(self._taken.values())
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _answer(
        self, place: tuple[str, str], piece: Piece[Outcome], accepted: asyncio.Task[int]
    ) -> None:
        try:
            await asyncio.shield(accepted)
        except BlindwatchError:
            return  # whoever sent it is told so
        outcome = await self._outcome(piece)
        try:
            record = await piece.released(outcome)
            index = await self._ledger.record(record)
            await self._mailbox.add(*place, Waiting(outcome.to_cbor(), record.to_cbor(), index))
        except Exception as error:  # noqa: BLE001 - nobody awaits this, and the text may hold the result
            logs.warning("result-lost", kind=type(error).__name__)

    async def _outcome(self, piece: Piece[Outcome]) -> Outcome:
        try:
            return await piece.work()
        except asyncio.CancelledError:
            return piece.failed(ServerUnavailable())
        except BlindwatchError as error:
            logs.warning(f"{self._kind}-failed", problem=error.problem.slug)
            return piece.failed(error)
        except Exception as error:  # noqa: BLE001 - what was taken gets a result, whatever happens
            logs.warning(f"{self._kind}-failed", kind=type(error).__name__)
            return piece.failed(InternalError())
