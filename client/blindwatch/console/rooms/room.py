"""A room with a key in it: one thing is done at a time, and what is held goes when its time is over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock, RLock

from blindwatch.console.duty import Key
from blindwatch.errors import Busy


class Room(ABC):
    """Holds the key and what was opened with it; safe to call from any thread."""

    def __init__(self, key: Key, busy: Callable[[], Busy], clock: Callable[[], datetime]) -> None:
        """`busy` makes what says that something is under way."""
        self.key = key
        self.version = 0
        """Of what the page shows; it grows with every change."""
        self._busy = busy
        self._clock = clock
        self._lock = RLock()
        self._working = Lock()

    @property
    @abstractmethod
    def operators(self) -> tuple[str, ...]:
        """Who may log in."""

    @property
    def has_key(self) -> bool:
        """Whether the key is there."""
        return self.key.is_held

    def now(self) -> datetime:
        """The time by the clock of the room."""
        return self._clock()

    def tick(self) -> None:
        """Let go of faces when their time is over, and of everything when that of the key is."""
        with self._lock:
            at = self._clock()
            self._fade(at)
            if self.has_key and at >= self.key.until:
                self.leave()

    @abstractmethod
    def close(self) -> None:
        """Let go of what is looked at; what became of it can be said later."""

    @abstractmethod
    def leave(self) -> None:
        """Let go of everything, and of the key."""

    def end(self) -> None:
        """The same, once nothing is under way that has to be written down."""
        self.leave()

    @abstractmethod
    def _fade(self, at: datetime) -> None:
        """Let go of the faces whose time is over."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The journal is for one at a time, and so is what needs the server; raises Busy."""
        if not self._working.acquire(blocking=False):
            raise self._busy()
        try:
            yield
        finally:
            self._working.release()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            finally:
                self.version += 1
