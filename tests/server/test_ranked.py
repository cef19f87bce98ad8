"""Ranked search through a running server: only where it is allowed, and exact."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from blindwatch.errors import (
    BlindwatchError,
    Busy,
    ConfigurationError,
    DeploymentNotReady,
    Forbidden,
    MalformedCiphertext,
    MalformedMessage,
    MissingBlob,
    ModelMismatch,
    NotFound,
    PolicyViolation,
    QueryBudgetUsed,
    RankedNotAllowed,
    StatementMismatch,
    TooLarge,
    Unauthenticated,
    WrongKey,
    WrongPreset,
    WrongUse,
)
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.policy.profile import profile
from blindwatch.secret.ranked import RankDecryptor, RankKeySet, generate_ranked
from blindwatch.statements.predicates import Thresholds, Watchlist
from blindwatch.wire import limits, problems
from blindwatch.wire.messages import DeploymentOffer, Search, SearchResult, now

from ..people import Force, a_manifest, a_watchlist
from ..serving import FORCE, MODEL, ServerProcess

if TYPE_CHECKING:
    from tests.serving import Trial

PRESET = rank_preset("rank-128")
SEARCHERS = Force("rfr", FORCE)
A_THRESHOLD = Thresholds(similarity=0.0, gate=1, fine=0)


@dataclass(frozen=True)
class RankTrial:
    """Keys and an encrypted gallery of one block, made once and uploaded under many names."""

    @cached_property
    def keys(self) -> RankKeySet:
        return generate_ranked(PRESET)

    @cached_property
    def templates(self) -> NDArray[np.int64]:
        return np.random.default_rng(3).integers(-5, 6, (30, PRESET.dimension))

    @cached_property
    def block(self) -> bytes:
        return RankEncryptor(self.keys.encryption).block(self.templates)

    @cached_property
    def query(self) -> bytes:
        return RankEncryptor(self.keys.encryption).query(self.templates[4])

    def watchlist(self, name: str, **changes: object) -> Watchlist:
        content: dict[str, object] = {
            "deployment": name,
            "preset": PRESET.name,
            "key_id": self.keys.encryption.key_id,
            "model_digest": MODEL,
            "entries": 30,
            "blocks": ((hashlib.sha256(self.block).hexdigest(),),),
        }
        return a_watchlist(SEARCHERS, **{**content, **changes})

    def offer(self, name: str, *, listed: Watchlist | None = None, **changes: object) -> DeploymentOffer:
        """An approved search deployment of this name; the changes are made before people sign."""
        bundle = self.keys.encryption.to_bytes()
        watchlist = listed or self.watchlist(name)
        statement = SEARCHERS.watchlist(watchlist)
        content: dict[str, object] = {
            "use": "ranked",
            "bundle_digest": hashlib.sha256(bundle).hexdigest(),
            "thresholds": Thresholds(similarity=0.0, gate=0, fine=0),
        }
        manifest = SEARCHERS.manifest(a_manifest(SEARCHERS, watchlist, statement, **{**content, **changes}))
        return DeploymentOffer(manifest=manifest.to_json(), watchlist=statement.to_json(), bundle=bundle)

    def search(self, **changes: object) -> Search:
        made = Search(
            search_id=secrets.token_hex(16),
            preset=PRESET.name,
            key_id=self.keys.encryption.key_id,
            model_digest=MODEL,
            requested_at=now(),
            query=self.query,
        )
        return made.model_copy(update=changes)

    def open(self, server: ServerProcess, *, enrolled: bool = True) -> str:
        name = f"ranked-{secrets.token_hex(4)}"
        custodian = server.client("custodian")
        custodian.put_deployment(name, self.offer(name))
        if enrolled:
            custodian.put_blob(name, self.block)
            custodian.activate(name)
        return name


@pytest.fixture(scope="module")
def ranked() -> RankTrial:
    return RankTrial()


@pytest.fixture(scope="module")
def allowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ExitStack() as stack:
        yield ServerProcess(tmp_path_factory.mktemp("ranked"), stack, workers=2, allow_ranked=True)


@pytest.fixture
def name(allowing: ServerProcess, ranked: RankTrial) -> str:
    """A deployment for one test, since the profile has few searches for each."""
    return ranked.open(allowing)


def answer(server: ServerProcess, name: str, search: Search) -> SearchResult:
    operator = server.client("operator")
    assert operator.post_search(name, search).search_id == search.search_id
    found = operator.fetch_search(name, search.search_id, wait=20)
    assert found is not None
    return found.result


def test_every_score_reaches_the_operator(allowing: ServerProcess, ranked: RankTrial, name: str) -> None:
    search = ranked.search()
    result = answer(allowing, name, search)
    assert (result.search_id, result.requested_at) == (search.search_id, search.requested_at)
    assert result.problem is None
    scores = RankDecryptor(ranked.keys.secret).scores(result.scores, 30)
    assert np.array_equal(scores, ranked.templates @ ranked.templates[4])
    operator = allowing.client("operator")
    operator.acknowledge_search(name, search.search_id)
    assert operator.fetch_search(name, search.search_id) is None
    with pytest.raises(NotFound):
        operator.acknowledge_search(name, search.search_id)


def test_a_deployment_says_its_use(allowing: ServerProcess, trial: Trial, name: str) -> None:
    custodian = allowing.client("custodian")
    info = custodian.get_deployment(name)
    assert (info.use, info.ready, info.entries) == ("ranked", True, 30)
    assert custodian.get_deployment(trial.open(allowing, enrolled=False)).use == "reveal"


def test_no_query_is_on_the_disk(allowing: ServerProcess, ranked: RankTrial, name: str) -> None:
    answer(allowing, name, ranked.search())
    piece = ranked.query[4096:4160]
    for path in allowing.folder.rglob("*"):
        assert not path.is_file() or piece not in path.read_bytes()


def test_a_server_that_does_not_allow_it(server: ServerProcess, ranked: RankTrial) -> None:
    with pytest.raises(RankedNotAllowed) as caught:
        server.client("custodian").put_deployment("ranked", ranked.offer("ranked"))
    assert "allow_ranked" in caught.value.hint
    response = server.http("custodian").get("/v1/deployments/ranked")
    assert response.status_code == 404


def test_a_store_with_ranked_deployments_needs_the_setting(
    start: Callable[..., ServerProcess], ranked: RankTrial
) -> None:
    server = start(allow_ranked=True)
    assert "ranked-search-allowed" in server.log
    name = ranked.open(server)
    assert server.stop() == 0
    server.start()
    assert answer(server, name, ranked.search()).problem is None
    server.stop()
    config = server._config.read_text()
    server._config.write_text(config.replace("allow_ranked = true\n", ""))
    with pytest.raises(AssertionError, match="does not allow ranked search"):
        server.start()


def test_one_use_is_refused_what_is_for_the_other(
    allowing: ServerProcess, ranked: RankTrial, trial: Trial, name: str
) -> None:
    revealing = trial.open(allowing, enrolled=False)
    operator = allowing.client("operator")
    with pytest.raises(WrongUse):
        operator.post_search(revealing, ranked.search())
    with pytest.raises(WrongUse):
        operator.fetch_search(revealing, "0" * 32)
    with pytest.raises(WrongUse):
        operator.acknowledge_search(revealing, "0" * 32)
    response = allowing.http("camera").post(f"/v1/deployments/{name}/probes", content=b"")
    assert isinstance(problems.from_json(response.content), WrongUse)
    with pytest.raises(WrongUse):
        operator.fetch_results(name)
    with pytest.raises(WrongUse):
        operator.acknowledge(name, "0" * 32)


@pytest.mark.parametrize(
    ("listed", "changes", "expected"),
    [
        pytest.param({}, {"use": "reveal"}, PolicyViolation, id="a use that the profile is not for"),
        pytest.param({"preset": "reveal-128"}, {}, WrongUse, id="use of another preset"),
        pytest.param({"preset": "rank-256"}, {}, WrongPreset, id="key of another preset"),
        pytest.param({"preset": "rank-129"}, {}, WrongPreset, id="unknown preset"),
        pytest.param({"key_id": "cd" * 32}, {}, WrongKey, id="another key"),
        pytest.param({}, {"thresholds": A_THRESHOLD}, ConfigurationError, id="a threshold"),
        pytest.param({}, {"bundle_digest": "cd" * 32}, StatementMismatch, id="another bundle"),
    ],
)
def test_offers(
    allowing: ServerProcess,
    ranked: RankTrial,
    listed: dict[str, object],
    changes: dict[str, object],
    expected: type[BlindwatchError],
) -> None:
    offer = ranked.offer("refused", listed=ranked.watchlist("refused", **listed), **changes)
    with pytest.raises(expected):
        allowing.client("custodian").put_deployment("refused", offer)


SHORT = b"bwquery1" + bytes(100)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"preset": "rank-256"}, WrongPreset, id="another preset"),
        pytest.param({"key_id": "cd" * 32}, WrongKey, id="another key"),
        pytest.param({"model_digest": "cd" * 32}, ModelMismatch, id="another model"),
        pytest.param({"query": b"q"}, MalformedCiphertext, id="hardly any query"),
        pytest.param({"query": SHORT}, WrongPreset, id="query without a preset"),
        pytest.param({"query": b""}, MalformedMessage, id="no query"),
        pytest.param({"search_id": "1"}, MalformedMessage, id="identifier too short"),
    ],
)
def test_searches(
    allowing: ServerProcess,
    ranked: RankTrial,
    name: str,
    change: dict[str, object],
    expected: type[BlindwatchError],
) -> None:
    with pytest.raises(expected):
        allowing.client("operator").post_search(name, ranked.search(**change))


def test_a_block_is_no_query(allowing: ServerProcess, ranked: RankTrial, name: str) -> None:
    with pytest.raises(MalformedCiphertext):
        allowing.client("operator").post_search(name, ranked.search(query=ranked.block))


def test_a_query_that_only_a_worker_can_refuse(allowing: ServerProcess, ranked: RankTrial, name: str) -> None:
    result = answer(allowing, name, ranked.search(query=ranked.query[:-4] + b"\xff" * 4))
    assert result.problem == MalformedCiphertext.problem.urn
    assert result.scores == ()


def test_a_search_identifier_is_used_once(allowing: ServerProcess, ranked: RankTrial, name: str) -> None:
    search = ranked.search()
    answer(allowing, name, search)
    with pytest.raises(MalformedMessage):
        allowing.client("operator").post_search(name, search)


def test_few_searches_wait_at_a_time(allowing: ServerProcess, ranked: RankTrial, name: str) -> None:
    operator = allowing.client("operator")
    allowing.pause()
    try:
        taken = [operator.post_search(name, ranked.search()) for _ in range(limits.SEARCHES)]
        with pytest.raises(Busy):
            operator.post_search(name, ranked.search())
        assert operator.health().queued == limits.SEARCHES
    finally:
        allowing.resume()
    for receipt in taken:
        found = operator.fetch_search(name, receipt.search_id, wait=20)
        assert found is not None
        assert found.result.problem is None


def test_galleries(allowing: ServerProcess, ranked: RankTrial) -> None:
    name = ranked.open(allowing, enrolled=False)
    custodian = allowing.client("custodian")

    def offer_again(listed: Watchlist) -> None:
        offer = ranked.offer(name, listed=listed, version=2, change_reason="Another list")
        custodian.put_deployment(name, offer)

    with pytest.raises(DeploymentNotReady):
        allowing.client("operator").post_search(name, ranked.search())
    with pytest.raises(MissingBlob):
        custodian.activate(name)
    with pytest.raises(StatementMismatch):
        custodian.put_blob(name, ranked.query)
    row = ranked.watchlist(name).blocks[0]
    for blocks in ((), (row, row), ((*row, *row),)):
        with pytest.raises(MalformedMessage):
            offer_again(ranked.watchlist(name, blocks=blocks))
    with pytest.raises(TooLarge):
        offer_again(ranked.watchlist(name, entries=2**31))
    false = ranked.block[:-4] + b"\xff" * 4
    offer_again(ranked.watchlist(name, blocks=((hashlib.sha256(false).hexdigest(),),)))
    custodian.put_blob(name, false)
    with pytest.raises(MalformedCiphertext):
        custodian.activate(name)
    assert not custodian.get_deployment(name).ready


def test_a_block_that_changed_in_the_store(start: Callable[..., ServerProcess], ranked: RankTrial) -> None:
    server = start(allow_ranked=True)
    name = ranked.open(server, enrolled=False)
    custodian = server.client("custodian")
    blob: Path = server.store / "blobs" / name / custodian.put_blob(name, ranked.block)
    blob.write_bytes(ranked.block[:-1] + bytes([ranked.block[-1] ^ 1]))
    with pytest.raises(MissingBlob):
        custodian.activate(name)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("GET", f"/{'0' * 32}"), ("DELETE", f"/{'0' * 32}")]
)
def test_only_the_operator_searches(allowing: ServerProcess, name: str, method: str, path: str) -> None:
    for role, refusal in (("custodian", Forbidden), ("camera", Unauthenticated)):
        response: httpx.Response = allowing.http(role).request(
            method, f"/v1/deployments/{name}/searches{path}"
        )
        assert isinstance(problems.from_json(response.content), refusal)


def test_searches_are_limited_in_number(allowing: ServerProcess, ranked: RankTrial, name: str) -> None:
    """By the minute here; the profile's number for a deployment is below that from which a gallery follows."""
    rules = profile("rfr")
    assert rules.probes_per_deployment < PRESET.dimension
    operator = allowing.client("operator")

    def search() -> None:
        for _ in range(3 * rules.probes_per_minute):
            receipt = operator.post_search(name, ranked.search())
            assert operator.fetch_search(name, receipt.search_id, wait=20) is not None
            operator.acknowledge_search(name, receipt.search_id)

    with pytest.raises(QueryBudgetUsed) as refused:
        search()
    assert 1 <= refused.value.retry_seconds <= 60
    assert '"search-refused"' in allowing.log
