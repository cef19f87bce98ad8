"""Encrypted probes that wait to be drawn for replay: in memory only, for minutes, and not without end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from blindwatch.matching import logs
from blindwatch.wire import limits


@dataclass(frozen=True)
class _Waiting:
    body: bytes = field(repr=False)
    until: float


class Pending:
    """The probes whose results are released and that no challenge could draw from yet, oldest first.

    One that is not drawn is never on a disk. A server that ends, or is full, loses them: an oversight body finds that
    it has not kept what was drawn, and sees in the log whether the server was started in between.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], _Waiting] = {}

    def put(self, deployment: str, probe_id: str, body: bytes, until: float) -> None:
        """Let a probe wait up to this time, in seconds of the epoch."""
        while len(self._held) >= limits.PENDING:
            self._held.pop(next(iter(self._held)))
            logs.warning("pending-full", meaning="a probe can no longer be drawn for replay")
        self._held[deployment, probe_id] = _Waiting(body, until)

    def take(self, deployment: str, probe_ids: Collection[str]) -> Mapping[str, bytes]:
        """Those of these probes that are there, which wait no longer."""
        found = {each: self._held.pop((deployment, each), None) for each in probe_ids}
        return {probe_id: waiting.body for probe_id, waiting in found.items() if waiting is not None}

    def drop_late(self, at: float) -> None:
        """Forget what nobody has drawn in its time, which is over at this one."""
        for place in [place for place, waiting in self._held.items() if waiting.until <= at]:
            del self._held[place]

    def drop(self, deployment: str) -> None:
        """Forget everything of a deployment."""
        for place in [place for place in self._held if place[0] == deployment]:
            del self._held[place]
