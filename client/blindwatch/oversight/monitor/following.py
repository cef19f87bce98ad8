"""Following a log: checkpoints compared, every record read once, and whether witnesses have seen it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blindwatch.errors import CosignatureMissing
from blindwatch.oversight.log_source import newest, the_log
from blindwatch.oversight.monitor.state import MonitorFolder, State
from blindwatch.statements.predicates import instant
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.fetching import Fetch
from blindwatch.tlog.following import follow
from blindwatch.tlog.policy import Policy
from blindwatch.wire.messages import stamp


@dataclass(frozen=True)
class Bounds:
    """How far times may go back or ahead, and how long witnesses may be missing."""

    tolerance: timedelta
    patience: timedelta


@dataclass(frozen=True)
class Sight:
    """A log as it was seen last."""

    state: State
    signed: SignedCheckpoint
    missing: tuple[str, ...]
    """Witnesses that the policy would need in addition."""


class Monitor:
    """Follows the one log of a policy."""

    def __init__(self, folder: MonitorFolder, policy: Policy, fetch: Fetch, bounds: Bounds) -> None:
        self._folder = folder
        self._policy = policy
        self._fetch = fetch
        self._bounds = bounds
        self._log = the_log(policy)

    def look(self, now: datetime, reading: Callable[[int, int], None] = lambda _done, _size: None) -> Sight:
        """Read what is new, and keep it when all of it is as it was signed. `reading` is told how far it has come.

        Raises LogForked or LogRolledBack, of which evidence is kept, another LogError, or ServerUnavailable.
        """
        state = self._folder.load(self._log)
        kept = state.checkpoint
        signed = newest(self._fetch, self._log, kept, self._folder.evidence)
        tally = state.tally.model_copy(deep=True)

        def each(first: int, entries: Sequence[bytes]) -> None:
            tally.take(first, entries, now, self._bounds.tolerance)
            reading(first + len(entries), signed.checkpoint.size)

        if kept is None or signed.checkpoint.size > kept.checkpoint.size:
            follow(self._fetch, kept.checkpoint if kept else None, signed.checkpoint, each)
        missing = self._missing(signed)
        since = (state.uncosigned_since or stamp(now)) if missing else None
        state = State(seen=signed.to_bytes().decode(), tally=tally, uncosigned_since=since)
        self._folder.save(state)
        self._check_patience(since, missing, now)
        return Sight(state, signed, missing)

    def _missing(self, signed: SignedCheckpoint) -> tuple[str, ...]:
        try:
            self._policy.check(signed)
        except CosignatureMissing as error:
            return error.missing
        return ()

    def _check_patience(self, since: str | None, missing: tuple[str, ...], now: datetime) -> None:
        if since is not None and now - instant(since) > self._bounds.patience:
            raise CosignatureMissing(
                f"The log has gone without the witnesses of its policy since {since}: {', '.join(missing)}.",
                "Ask the witnesses what they have seen of it: one that shows them something else hides it like this.",
                missing,
            )
