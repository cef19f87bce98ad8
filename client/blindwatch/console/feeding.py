"""Fetching and opening, in two threads: what is opened must not show in when the server is called.

Every result is fetched and acknowledged before it is opened. So one that is on its way here when the process is
killed is lost, as is everything else that is in memory only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from queue import Empty, Queue
from threading import Event
from typing import Final
from urllib.parse import urlsplit

from blindwatch.errors import BlindwatchError, CipherError, CosignatureMissing, ServiceError
from blindwatch.operator.crops import Crops
from blindwatch.operator.fetching import Reading, read, unproven
from blindwatch.operator.reading import Reader
from blindwatch.operator.removals import Removals
from blindwatch.records.gating import Gate
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import FailedResult, Logged, Result, ResultBatch

WAIT_SECONDS: Final = 10.0
_NAP_SECONDS: Final = 1.0
_ROOM: Final = 256


@dataclass(frozen=True)
class Source:
    """Where results come from, and what opens them."""

    client: ServerClient
    deployment: str
    reader: Reader
    crops: Crops
    removals: Removals
    gate: Gate
    within: Callable[[Reading], Reading]
    """Leaves out the matches of entries that had as many alerts as they may have."""


@dataclass(frozen=True)
class Told:
    """Whom the threads tell what they meet."""

    reached: Callable[[], None]
    """The server has answered."""
    lost: Callable[[BlindwatchError], None]
    """It has not, or has not what it should have; the next attempt may do."""
    ended: Callable[[BlindwatchError], None]
    """Nothing is fetched any more."""
    opened: Callable[[Reading, bytes | None], None]
    """A result was read; of a match there is what the camera had sealed, unless that did not open."""


class Feed:
    """Two loops, for a thread each, that end when they are told to or when there is no use in going on."""

    def __init__(self, source: Source, told: Told, stop: Event) -> None:
        self._source = source
        self._told = told
        self._stop = stop
        self._fetched: Queue[tuple[Result | FailedResult, Logged]] = Queue(_ROOM)

    def fetch(self) -> None:
        """Fetch and acknowledge results."""
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._take(self._source.client.fetch_results(self._source.deployment, WAIT_SECONDS))
                self._told.reached()
            except (CosignatureMissing, ServiceError) as error:
                self._told.lost(error)
                self._stop.wait(max(0.0, _NAP_SECONDS - (time.monotonic() - started)))
            except BlindwatchError as error:
                self._told.ended(error)
                return

    def open(self) -> None:
        """Open what was fetched."""
        while not self._stop.is_set():
            try:
                self._open_next()
            except Empty:
                continue
            except BlindwatchError as error:
                self._told.ended(error)
                return

    def _take(self, batch: ResultBatch) -> None:
        if batch.results:
            self._source.removals.refresh()
        for pair in zip(batch.results, batch.logged, strict=True):
            if self._stop.is_set():
                return
            self._source.client.acknowledge(self._source.deployment, pair[0].probe_id)
            self._fetched.put(pair)
        # It keeps the newest addresses, and in these are the names of everybody's probes.
        urlsplit.cache_clear()  # type: ignore[attr-defined]

    def _open_next(self) -> None:
        # In a function of its own, so that nothing of a result is held while the next one is waited for.
        result, logged = self._fetched.get(timeout=_NAP_SECONDS)
        doubt = unproven(self._source.gate, result, logged)
        # Before its face is opened: what is held back is from here on what a result without a match is.
        reading = self._source.within(read(result, self._source.reader, self._source.removals, doubt))
        if isinstance(result, FailedResult) or doubt is not None:
            self._told.opened(reading, None)
        else:
            self._open_crop(result, reading)

    def _open_crop(self, result: Result, reading: Reading) -> None:
        try:
            crop = self._source.crops.open(result, reading.matches)
        except CipherError as error:
            # An alert without its face is still one that somebody has to see.
            crop, reading = None, replace(reading, problem=reading.problem or error.problem)
        self._told.opened(reading, crop)
