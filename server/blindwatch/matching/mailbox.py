"""What operators do: wait for results, fetch them and acknowledge them."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final, TypeVar

from blindwatch.errors import NotFound
from blindwatch.matching import logs
from blindwatch.matching.repeating import repeat
from blindwatch.store.results import Results

_LONGEST_NAP: Final = 60.0

Found = TypeVar("Found", bytes, list[bytes])


class Mailbox:
    """The waiting results, and whoever waits for one."""

    def __init__(self, results: Results, lifetime: float) -> None:
        self._results = results
        self._lifetime = lifetime
        self._arrivals: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._closing = False

    async def holds(self, deployment: str, probe_id: str) -> bool:
        """Whether the result of this probe is waiting."""
        return await asyncio.to_thread(self._results.holds, deployment, probe_id)

    async def add(self, deployment: str, probe_id: str, body: bytes) -> None:
        """Keep a result and wake those who wait for it."""
        expires = time.time() + self._lifetime
        await asyncio.to_thread(self._results.add, deployment, probe_id, body, expires)
        self._arrivals.pop(deployment, asyncio.Event()).set()

    async def fetch(self, deployment: str, wait: float) -> list[bytes]:
        """The oldest results; if there are none, wait up to so many seconds for the first."""
        found = await self._look(deployment, wait, lambda: self._results.oldest(deployment, time.time()))
        return found or []

    async def find(self, deployment: str, search_id: str, wait: float) -> bytes:
        """The result of one search, waiting up to so many seconds for it."""
        body = await self._look(
            deployment, wait, lambda: self._results.find(deployment, search_id, time.time())
        )
        if body is None:
            raise NotFound("No result of this search is waiting.")
        return body

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
        """Delete a result."""
        if not await asyncio.to_thread(self._results.delete, deployment, probe_id):
            raise NotFound("No result of this probe is waiting.")

    async def keep_expiring(self) -> None:
        """Delete expired results for as long as the server runs."""
        await repeat("expiry-of-results", self._expire, min(_LONGEST_NAP, self._lifetime / 4))

    async def _expire(self) -> None:
        expired = await asyncio.to_thread(self._results.expire, time.time())
        if expired:
            logs.warning("results-expired", count=expired)

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closing = True
        for arrival in self._arrivals.values():
            arrival.set()
