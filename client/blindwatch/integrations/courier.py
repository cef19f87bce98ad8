"""A courier brings events to one destination, in their order, in a thread of its own, and gives up after a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event as Flag
from threading import Lock, Thread
from typing import Final, Literal, TypeAlias

from blindwatch.integrations.dead_letters import DeadLetters
from blindwatch.integrations.destination import Destination, NotDelivered
from blindwatch.integrations.events import Event

Fate: TypeAlias = Literal["delivered", "retried", "dead", "lost"]
"""Of one attempt or one event; lost is what not even the file of dead letters could take."""

WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds before the second attempt and each after it: what took longer than a minute would come too late."""
_ROOM: Final = 256
_NAP_SECONDS: Final = 0.5


@dataclass
class Courier:
    """Whoever hands in an event never waits; what does not fit in is a dead letter at once."""

    destination: Destination
    dead: DeadLetters
    waits: Sequence[float] = WAITS
    _fates: Counter[Fate] = field(default_factory=Counter)
    _queue: Queue[Event] = field(default_factory=lambda: Queue(_ROOM))
    _closing: Flag = field(default_factory=Flag)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def fates(self) -> Counter[Fate]:
        """How many attempts and events had which fate so far."""
        with self._lock:
            return self._fates.copy()

    def hand(self, event: Event) -> None:
        """Take an event to deliver."""
        try:
            self._queue.put_nowait(event)
        except Full:
            self._bury(event, "too many were waiting")

    def close(self) -> None:
        """Try what is left once, and end; the first failure makes dead letters of the rest."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                event = self._queue.get(timeout=_NAP_SECONDS)
            except Empty:
                if self._closing.is_set():
                    return
                continue
            why = self._bring(event)
            if why:
                self._bury(event, why)
                if self._closing.is_set():
                    self._bury_rest()

    def _bring(self, event: Event) -> str:
        """Deliver an event; why that failed, or nothing."""
        why = ""
        for wait in (0.0, *self.waits):
            if wait:
                if self._closing.wait(wait):
                    return f"{why}; the program was closed"
                self._count("retried")
            try:
                self.destination.deliver(event)
            except NotDelivered as failure:
                why = str(failure)
            else:
                self._count("delivered")
                return ""
        return why

    def _bury_rest(self) -> None:
        while True:
            try:
                self._bury(self._queue.get_nowait(), "the program was closed")
            except Empty:
                return

    def _bury(self, event: Event, why: str) -> None:
        kept = self.dead.add(self.destination.name, why, event)
        self._count("dead" if kept else "lost")

    def _count(self, fate: Fate) -> None:
        with self._lock:
            self._fates[fate] += 1
