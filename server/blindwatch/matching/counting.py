"""What cameras say they saw: numbers of faces, once for each camera and minute, in the log for everybody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from blindwatch.errors import AlreadyCounted, Forbidden, OutsideWindow
from blindwatch.matching.cameras import Sender
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.roster import Roster
from blindwatch.records.record import minute
from blindwatch.records.server import FacesCounted
from blindwatch.statements.predicates import Window, instant
from blindwatch.store.counts import Counts
from blindwatch.wire.messages import FacesSeen
from blindwatch.wire.signatures import TOLERANCE

_MINUTE = timedelta(minutes=1)


class CountingDesk:
    """Takes counts. The log has them before they are known to be taken."""

    def __init__(self, counts: Counts, roster: Roster, ledger: Ledger) -> None:
        self._counts = counts
        self._roster = roster
        self._ledger = ledger
        self._turn = asyncio.Lock()

    async def take(self, name: str, which: str, seen: FacesSeen, sender: Sender) -> None:
        """Record what this camera saw in a minute; the same once more changes nothing. Raises AlreadyCounted."""
        _, terms = self._roster.ready(name, "reveal")
        if seen.camera != sender.camera:
            raise Forbidden("The counts name another camera than the one that signed them.")
        _check_minute(which, terms.manifest.window)
        async with self._turn:
            known = await asyncio.to_thread(self._counts.find, name, seen.camera, which)
            if known == seen:
                return
            if known is not None:
                raise AlreadyCounted(hint="Count what is left with the next minute.")
            record = FacesCounted(at=minute(), deployment=name, minute=which, **seen.model_dump())
            await self._ledger.record(record)
            await asyncio.to_thread(self._counts.add, name, which, seen)


def _check_minute(which: str, window: Window) -> None:
    begun = instant(which)
    if begun > datetime.now(UTC) + timedelta(seconds=TOLERANCE):
        raise OutsideWindow("The minute has not begun yet.", "Compare the clocks of camera and server.")
    if begun + _MINUTE <= instant(window.not_before) or begun >= instant(window.not_after):
        raise OutsideWindow("The minute is not one of the deployment.", "Its window is in the manifest.")
