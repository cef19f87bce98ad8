"""Ranked search: one query, all scores opened, the best few kept and every other dropped where it is opened.

The server learns when the operator searches, and nothing of what came out. The operator learns every score, from
which the template of whoever was searched for, or of an entry, can be computed: hence a use of its own. Of entries
that were removed there is no score, which the operator checks.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from secrets import token_hex

import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import OtherWatchlist, RemovalIgnored, ServerUnavailable, WrongKey, WrongUse
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.keys import RankKey
from blindwatch.he.ranked.withholding import is_withheld
from blindwatch.operator.removals import Removals
from blindwatch.records.gating import Gate
from blindwatch.secret.ranked import RankDecryptor, RankSecret
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.wire import problems
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import Search, SearchResult, now

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Candidate:
    """An entry of the gallery, by its number, and its score."""

    entry: int
    score: int


class Searcher:
    """Searches the gallery of one approved manifest."""

    def __init__(
        self,
        client: ServerClient,
        manifest: DeploymentManifest,
        removals: Removals,
        gate: Gate,
        secret: RankSecret,
        key: RankKey,
    ) -> None:
        if manifest.use != "ranked":
            raise WrongUse("The deployment reveals matches only, so it cannot be searched.")
        if not key.key_id == secret.key_id == manifest.key_id:
            raise WrongKey("The encryption key, the secret key and the deployment's are not of one ceremony.")
        self._client = client
        self._manifest = manifest
        self._removals = removals
        self._gate = gate
        self._decryptor = RankDecryptor(secret)
        self._encryptor = RankEncryptor(key)
        self._preset = key.preset

    def rank(self, template: Integers, count: int, seconds: float, identifier: str = "") -> list[Candidate]:
        """The best `count` entries for a template (d,), best first, if the result comes within `seconds`.

        `identifier` is what the server's log calls the search, if it has one already, as 32 hexadecimal digits.
        Raises RemovalIgnored if an entry has a score that was removed before, and LogError if the server's log does
        not prove the result, which is not opened then.
        """
        self._removals.refresh()
        before, removed = self._removals.newest
        result = self._answer(self._encryptor.query(template), seconds, identifier or token_hex(16))
        if result.problem is not None:
            raise problems.from_urn(result.problem)
        if result.watchlist != self._manifest.watchlist.digest:
            raise OtherWatchlist(hint="Get the operator.json of the gallery that is in force now.")
        scores = self._decryptor.scores(result.scores, self._manifest.watchlist.entries)
        self._removals.refresh()
        newest, gone = self._removals.newest
        owed = gone if result.tombstone >= newest else removed
        if result.tombstone < before or not is_withheld(self._preset, result.scores, owed):
            raise RemovalIgnored("The server gave a score for an entry that was removed from the gallery.")
        return best(scores, count, gone)

    def forget(self) -> None:
        """Let go of the key; nothing is opened any more."""
        self._decryptor.forget()

    def _answer(self, query: bytes, seconds: float, identifier: str) -> SearchResult:
        search = Search(
            search_id=identifier,
            preset=self._preset.name,
            key_id=self._manifest.key_id,
            model_digest=self._manifest.model_digest,
            requested_at=now(),
            query=query,
        )
        name = self._manifest.deployment
        self._client.post_search(name, search)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            answer = self._client.fetch_search(name, search.search_id, left)
            if answer is not None:
                self._client.acknowledge_search(name, search.search_id)
                self._gate.check(answer.result, answer.logged)
                return answer.result
        raise ServerUnavailable("The server had no result in time.", "Search again with a longer wait.")


def best(scores: Integers, count: int, removed: Collection[int] = ()) -> list[Candidate]:
    """The highest `count` scores of (n,) but for removed entries, best first, of equal ones the lower entry first."""
    left = np.setdiff1d(np.arange(len(scores)), np.fromiter(removed, np.int64))
    if not left.size:
        return []
    count = min(count, left.size)
    # One key for each entry, no two of them equal, so that what a partial sort takes does not depend on chance.
    keys = left - scores[left] * len(scores)
    chosen = np.argpartition(keys, count - 1)[:count]
    return [Candidate(int(entry), int(scores[entry])) for entry in left[chosen[np.argsort(keys[chosen])]]]
