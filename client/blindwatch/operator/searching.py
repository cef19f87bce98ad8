"""Ranked search: one query, all scores opened, the best few kept and every other dropped where it is opened.

The server learns when the operator searches, and nothing of what came out. The operator learns every score, from
which the template of whoever was searched for, or of an entry, can be computed: hence a use of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from secrets import token_hex

import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import ModelMismatch, OtherWatchlist, ServerUnavailable, WrongKey, WrongUse
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.keys import RankKey
from blindwatch.secret.ranked import RankDecryptor, RankSecret
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Watchlist
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
    """Searches one ranked deployment."""

    def __init__(
        self, client: ServerClient, deployment: str, secret: RankSecret, key: RankKey, model_digest: str
    ) -> None:
        if key.key_id != secret.key_id:
            raise WrongKey("The encryption key is another than the secret key's.")
        self._client = client
        self._deployment = deployment
        self._decryptor = RankDecryptor(secret)
        self._encryptor = RankEncryptor(key)
        self._key = key
        self._model_digest = model_digest
        self._watchlist: str | None = None

    def check_deployment(self, package: OperatorPackage) -> None:
        """Refuse a deployment of another use, key or model, and one of another list than the package is for."""
        info = self._client.get_deployment(self._deployment)
        if info.use != "ranked":
            raise WrongUse("The deployment reveals matches only, so it cannot be searched.")
        if info.key_id != self._key.key_id:
            raise WrongKey("The deployment has another key than the operator.")
        if info.model_digest != self._model_digest:
            raise ModelMismatch("The gallery was made with another model than the operator's.")
        listed = Envelope.from_json(self._client.get_watchlist(self._deployment))
        if Watchlist.read(listed).package_digest != package.digest:
            raise OtherWatchlist(
                "The deployment has another gallery than the operator's package.",
                "Use the operator.json that was written when this gallery was enrolled.",
            )
        self._watchlist = listed.digest

    def rank(self, template: Integers, entries: int, count: int, seconds: float) -> list[Candidate]:
        """The best `count` entries for a template (d,), best first, if the result comes within `seconds`."""
        result = self._answer(self._encryptor.query(template), seconds)
        if result.problem is not None:
            raise problems.from_urn(result.problem)
        if result.watchlist != self._watchlist:
            raise OtherWatchlist(hint="Get the operator.json of the gallery that is in force now.")
        return best(self._decryptor.scores(result.scores, entries), count)

    def _answer(self, query: bytes, seconds: float) -> SearchResult:
        search = Search(
            search_id=token_hex(16),
            preset=self._key.preset.name,
            key_id=self._key.key_id,
            model_digest=self._model_digest,
            requested_at=now(),
            query=query,
        )
        self._client.post_search(self._deployment, search)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            result = self._client.fetch_search(self._deployment, search.search_id, left)
            if result is not None:
                self._client.acknowledge_search(self._deployment, search.search_id)
                return result
        raise ServerUnavailable("The server had no result in time.", "Search again with a longer wait.")


def best(scores: Integers, count: int) -> list[Candidate]:
    """The highest `count` scores of (n,), best first, of equal ones the lower entry first."""
    count = min(count, len(scores))
    # One key for each entry, no two of them equal, so that what a partial sort takes does not depend on chance.
    keys = np.arange(len(scores)) - scores * len(scores)
    chosen = np.argpartition(keys, count - 1)[:count]
    return [Candidate(int(entry), int(scores[entry])) for entry in chosen[np.argsort(keys[chosen])]]
