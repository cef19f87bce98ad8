"""What operators do: wait for results, fetch them and acknowledge them."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final, Literal, TypeVar

from blindwatch.errors import NotFound
from blindwatch.matching import logs
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.repeating import repeat
from blindwatch.records.record import minute
from blindwatch.records.server import ResultDeleted
from blindwatch.store.results import Results, Waiting

_LONGEST_NAP: Final = 60.0

Found = TypeVar("Found", Waiting, list[Waiting])


class Mailbox:
    """The waiting results, and whoever waits for one."""

    def __init__(self, results: Results, ledger: Ledger, lifetime: float) -> None:
        self._results = results
        self._ledger = ledger
        self._lifetime = lifetime
        self._arrivals: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._closing = False

    async def holds(self, deployment: str, probe_id: str) -> bool:
        """Whether the result of this probe is waiting."""
        return await asyncio.to_thread(self._results.holds, deployment, probe_id)

    async def add(self, deployment: str, probe_id: str, result: Waiting) -> None:
        """Keep a result and wake those who wait for it."""
        expires = time.time() + self._lifetime
        await asyncio.to_thread(self._results.add, deployment, probe_id, result, expires)
        self._arrivals.pop(deployment, asyncio.Event()).set()

    async def fetch(self, deployment: str, wait: float) -> list[Waiting]:
        """The oldest results; if there are none, wait up to so many seconds for the first."""
        found = await self._look(deployment, wait, lambda: self._results.oldest(deployment, time.time()))
        return found or []

    async def find(self, deployment: str, identifier: str, wait: float) -> Waiting:
        """The result of one probe or search, waiting up to so many seconds for it."""
        found = await self._look(
            deployment, wait, lambda: self._results.find(deployment, identifier, time.time())
        )
        if found is None:
            raise NotFound("No result of this probe or search is waiting.")
        return found

    async def _look(self, deployment: str, wait: float, look: Callable[[], Found | None]) -> Found | None:
        deadline = time.monotonic() + wait
        while True:
            # Taken before looking, so that a result that comes in between is not slept through.
            arrival = self._arrivals[deployment]
            found = await asyncio.to_thread(look)
            left = deadline - time.monotonic()
            if found or left <= 0 or self._closing:
                return found
            try:
                await asyncio.wait_for(arrival.wait(), left)
            except TimeoutError:
                return None

    async def acknowledge(self, deployment: str, probe_id: str) -> None:
        """Delete a result that was read."""
        if not await self.holds(deployment, probe_id):
            raise NotFound("No result of this probe is waiting.")
        await self._ledger.record(_deleted(deployment, probe_id, "read"))
        await asyncio.to_thread(self._results.delete, deployment, probe_id)

    async def close_deployment(self, deployment: str) -> None:
        """Record that the results which are waiting are about to be destroyed with their deployment."""
        waiting = await asyncio.to_thread(self._results.waiting, deployment)
        if waiting:
            await self._ledger.record(*(_deleted(deployment, probe_id, "closed") for probe_id in waiting))

    async def keep_expiring(self) -> None:
        """Delete expired results for as long as the server runs."""
        await repeat("expiry-of-results", self._expire, min(_LONGEST_NAP, self._lifetime / 4))

    async def _expire(self) -> None:
        expired = await asyncio.to_thread(self._results.expired, time.time())
        if expired:
            await self._ledger.record(*(_deleted(*place, "expired") for place in expired))
            logs.warning("results-expired", count=len(expired))
        await asyncio.to_thread(self._results.forget, expired)

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closing = True
        for arrival in self._arrivals.values():
            arrival.set()


def _deleted(deployment: str, probe_id: str, reason: Literal["read", "expired", "closed"]) -> ResultDeleted:
    return ResultDeleted(at=minute(), deployment=deployment, probe_id=probe_id, reason=reason)
