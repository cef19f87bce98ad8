"""What operators do under ranked use: submit searches."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from blindwatch.errors import BlindwatchError, ModelMismatch, QueryBudgetUsed, WrongKey, WrongPreset
from blindwatch.he.ranked import forms
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.matching import logs
from blindwatch.matching.cameras import budget_of
from blindwatch.matching.intake import Intake
from blindwatch.matching.jobs import Rank, Ranked
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.roster import Roster
from blindwatch.matching.workers import WorkerPool
from blindwatch.policy.profile import profile
from blindwatch.records import replaying
from blindwatch.records.record import Record, minute
from blindwatch.records.server import ResultReleased, SearchAccepted
from blindwatch.statements import trust
from blindwatch.statements.predicates import Tombstone
from blindwatch.store.deployments import Deployment
from blindwatch.store.nonces import Nonces
from blindwatch.wire import limits
from blindwatch.wire.messages import Search, SearchReceipt, SearchResult, now


class SearchDesk:
    """Takes a few searches at a time, since each holds megabytes, and turns every one it took into a result."""

    def __init__(
        self, roster: Roster, pool: WorkerPool, mailbox: Mailbox, ledger: Ledger, nonces: Nonces
    ) -> None:
        self._roster = roster
        self._nonces = nonces
        self._pool = pool
        self._intake = Intake("search", mailbox, ledger, limits.SEARCHES)

    @property
    def queued(self) -> int:
        """Searches that have no result yet, with those whose bodies are still arriving."""
        return self._intake.queued

    def reserve(self) -> AbstractContextManager[None]:
        """Room for one search, to be had before its body is read."""
        return self._intake.reserve()

    async def take(self, name: str, search: Search) -> SearchReceipt:
        """Check a search and put it to work."""
        deployment, terms = self._roster.taking(name, "ranked")
        trust.check_open(terms.manifest, datetime.now(UTC))
        _check(deployment, search)
        rules = profile(terms.manifest.profile.name)
        budget = budget_of(terms.manifest, rules)
        try:
            await asyncio.to_thread(self._nonces.count_search, name, time.time(), budget)
        except QueryBudgetUsed as error:
            logs.warning("search-refused", why=error.problem.slug)
            raise
        await self._intake.take(name, search.search_id, _Piece(name, search, self._roster, self._pool))
        return SearchReceipt(search_id=search.search_id, accepted_at=now())

    async def finish(self, seconds: float) -> None:
        """Give the taken searches so long to get their results; what is left fails."""
        await self._intake.finish(seconds)


@dataclass(frozen=True)
class _Piece:
    """A search on its way to its result."""

    deployment: str
    search: Search
    roster: Roster
    pool: WorkerPool

    @property
    def accepted(self) -> Record:
        return SearchAccepted(
            at=minute(),
            deployment=self.deployment,
            search_id=self.search.search_id,
            query=hashlib.sha256(self.search.query).hexdigest(),
        )

    async def work(self) -> SearchResult:
        """Scan the gallery, again if entries were removed in the meantime: they get no score."""
        while True:
            tombstone = self.roster.get(self.deployment).tombstone
            ranked = await self.pool.rank(_job(self.deployment, self.search, tombstone))
            if self.roster.get(self.deployment).tombstone == tombstone:
                return _result(self.search, ranked, tombstone)

    def failed(self, error: BlindwatchError) -> SearchResult:
        return SearchResult(
            search_id=self.search.search_id,
            requested_at=self.search.requested_at,
            scores=(),
            tombstone=0,
            elapsed_ms=0,
            problem=error.problem.urn,
        )

    async def released(self, outcome: SearchResult) -> Record:
        deployment = self.roster.get(self.deployment)
        return ResultReleased(
            at=minute(),
            deployment=self.deployment,
            probe_id=self.search.search_id,
            result=replaying.digest(outcome),
            preset=deployment.preset,
            watchlist=outcome.watchlist,
            tombstone=outcome.tombstone,
            mask_commitment=deployment.mask_commitment,
            problem=outcome.problem,
        )


def _job(name: str, search: Search, tombstone: Tombstone | None) -> Rank:
    return Rank(
        deployment=name,
        query=search.query,
        removed_from=tombstone.watchlist_digest if tombstone else "",
        removed=tombstone.removed if tombstone else (),
    )


def _result(search: Search, ranked: Ranked, tombstone: Tombstone | None) -> SearchResult:
    applied = tombstone if tombstone and tombstone.watchlist_digest == ranked.listed else None
    return SearchResult(
        search_id=search.search_id,
        requested_at=search.requested_at,
        watchlist=ranked.listed,
        scores=ranked.scores,
        tombstone=applied.sequence if applied else 0,
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
