"""What operators do under ranked use: submit searches."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from blindwatch.errors import BlindwatchError, ModelMismatch, WrongKey, WrongPreset
from blindwatch.he.ranked import forms
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.matching.intake import Intake
from blindwatch.matching.jobs import Rank
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.roster import Roster
from blindwatch.matching.workers import WorkerPool
from blindwatch.statements import trust
from blindwatch.store.deployments import Deployment
from blindwatch.wire import limits
from blindwatch.wire.messages import Search, SearchReceipt, SearchResult, now


class SearchDesk:
    """Takes a few searches at a time, since each holds megabytes, and turns every one it took into a result."""

    def __init__(self, roster: Roster, pool: WorkerPool, mailbox: Mailbox) -> None:
        self._roster = roster
        self._pool = pool
        self._intake = Intake("search", mailbox, limits.SEARCHES)

    @property
    def queued(self) -> int:
        """Searches that have no result yet, with those whose bodies are still arriving."""
        return self._intake.queued

    def reserve(self) -> AbstractContextManager[None]:
        """Room for one search, to be had before its body is read."""
        return self._intake.reserve()

    async def take(self, name: str, search: Search) -> SearchReceipt:
        """Check a search and put it to work."""
        deployment, terms = self._roster.ready(name, "ranked")
        trust.check_open(terms.manifest, datetime.now(UTC))
        _check(deployment, search)
        await self._intake.take(
            name, search.search_id, lambda: self._rank(name, search), lambda error: _failed(search, error)
        )
        return SearchReceipt(search_id=search.search_id, accepted_at=now())

    async def finish(self, seconds: float) -> None:
        """Give the taken searches so long to get their results; what is left fails."""
        await self._intake.finish(seconds)

    async def _rank(self, name: str, search: Search) -> SearchResult:
        ranked = await self._pool.rank(Rank(deployment=name, query=search.query))
        return SearchResult(
            search_id=search.search_id,
            requested_at=search.requested_at,
            watchlist=ranked.listed,
            scores=ranked.scores,
            elapsed_ms=ranked.elapsed_ms,
        )


def _check(deployment: Deployment, search: Search) -> None:
    if search.preset != deployment.preset:
        raise WrongPreset("The query was encrypted under another preset than the deployment's.")
    if search.key_id != deployment.key_id:
        raise WrongKey("The query was encrypted to another key than the deployment's.")
    if search.model_digest != deployment.model_digest:
        raise ModelMismatch(hint="Use the model that the gallery was enrolled with.")
    forms.check(forms.QUERY, rank_preset(deployment.preset), deployment.key_id, search.query)


def _failed(search: Search, error: BlindwatchError) -> SearchResult:
    return SearchResult(
        search_id=search.search_id,
        requested_at=search.requested_at,
        scores=(),
        elapsed_ms=0,
        problem=error.problem.urn,
    )
