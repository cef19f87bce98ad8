"""The operator's search while the gallery is replaced, or loses entries, and against servers that do not follow."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest

from blindwatch.errors import (
    ConfigurationError,
    OtherWatchlist,
    Problem,
    RecordMismatch,
    RemovalIgnored,
    StatementMismatch,
    WrongUse,
)
from blindwatch.operator.fetching import check_deployment
from blindwatch.operator.removals import Removals
from blindwatch.operator.searching import Searcher, best
from blindwatch.records import replaying
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage, PackageEntry, Priority, new_reference
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import SearchAnswer

from ..proving import altered
from ..serving import MODEL, TOKENS, ServerProcess
from .acts import CUSTODIAN, tombstone
from .test_ranked import PRESET, SEARCHERS, RankTrial

if TYPE_CHECKING:
    Start = Callable[..., ServerProcess]

SOUGHT, OTHER = 4, 9
AT_ONCE = 2.0
"""Seconds."""


def package(ranked: RankTrial) -> OperatorPackage:
    """References for everybody in the gallery, other ones each time."""
    entries = tuple(
        PackageEntry(
            reference=new_reference(),
            category="wanted",
            priority=Priority.GREEN,
            instruction=None,
            image_date=None,
            known_relative=None,
        )
        for _ in ranked.templates
    )
    return OperatorPackage(
        preset=PRESET.name,
        key_id=ranked.keys.encryption.key_id,
        model_digest=MODEL,
        similarity=0.0,
        gate=0,
        fine_threshold=0,
        entries=entries,
    )


@pytest.fixture(scope="module")
def ranked() -> RankTrial:
    return RankTrial()


@pytest.fixture(scope="module")
def allowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ExitStack() as stack:
        yield ServerProcess(tmp_path_factory.mktemp("searched"), stack, workers=2, allow_ranked=True)


def opened(server: ServerProcess, ranked: RankTrial, *packages: OperatorPackage) -> str:
    """A deployment with a gallery, and more of them that wait, one for each package."""
    custodian, name = server.client("custodian"), f"ranked-{secrets.token_hex(4)}"
    for version, held in enumerate(packages, start=1):
        listed = ranked.watchlist(name, package_digest=held.digest)
        reason = None if version == 1 else "Another order"
        offer = ranked.offer(name, listed=listed, version=version, change_reason=reason)
        custodian.put_deployment(name, offer)
        custodian.put_blob(name, ranked.block)
        if version == 1:
            custodian.activate(name)
    return name


def searcher(
    server: ServerProcess,
    ranked: RankTrial,
    name: str,
    held: OperatorPackage,
    client: ServerClient | None = None,
    handed: Envelope | None = None,
) -> Searcher:
    asking = client or server.client("operator")
    approved = check_deployment(asking, name, held, SEARCHERS.register)
    removals = Removals(asking, approved.manifest, SEARCHERS.register, handed)
    keys = ranked.keys
    return Searcher(asking, approved.manifest, removals, approved.gate, keys.secret, keys.encryption)


def found(searching: Searcher, ranked: RankTrial, entry: int = SOUGHT, count: int = 30) -> list[int]:
    """The entries that a search for one of them ranks, best first."""
    return [each.entry for each in searching.rank(ranked.templates[entry], count, 30)]


def remove(server: ServerProcess, name: str, *removed: int, sequence: int = 1) -> None:
    made = tombstone(server, name, *removed, sequence=sequence)
    server.client("custodian").put_tombstone(name, sequence, made.to_json())


def test_a_gallery_that_is_replaced_is_not_read_by_the_package_before(
    allowing: ServerProcess, ranked: RankTrial
) -> None:
    first, second = package(ranked), package(ranked)
    name = opened(allowing, ranked, first, second)
    with pytest.raises(ConfigurationError, match="another watchlist"):
        searcher(allowing, ranked, name, second)
    searching = searcher(allowing, ranked, name, first)
    assert found(searching, ranked)[0] == SOUGHT
    allowing.client("custodian").activate(name)
    with pytest.raises(OtherWatchlist):
        found(searching, ranked)
    assert found(searcher(allowing, ranked, name, second), ranked)[0] == SOUGHT


def test_only_a_gallery_is_searched(allowing: ServerProcess, ranked: RankTrial) -> None:
    held = package(ranked)
    searching = searcher(allowing, ranked, opened(allowing, ranked, held), held)
    revealing = searching._manifest.model_copy(update={"use": "reveal"})
    with pytest.raises(WrongUse):
        Searcher(
            searching._client,
            revealing,
            searching._removals,
            searching._gate,
            ranked.keys.secret,
            ranked.keys.encryption,
        )


# K13


def test_a_removed_entry_is_ranked_no_more_and_does_not_come_back(start: Start, ranked: RankTrial) -> None:
    server, held = start(allow_ranked=True), package(ranked)
    name = opened(server, ranked, held)
    searching = searcher(server, ranked, name, held)
    every = set(range(len(ranked.templates)))
    assert set(found(searching, ranked)) == every
    began = time.monotonic()
    remove(server, name, SOUGHT)
    assert set(found(searching, ranked)) == every - {SOUGHT}
    assert time.monotonic() - began < AT_ONCE
    server.kill()
    server.start()
    searching = searcher(server, ranked, name, held)
    assert set(found(searching, ranked)) == every - {SOUGHT}
    with pytest.raises(StatementMismatch):
        remove(server, name, OTHER, sequence=2)
    remove(server, name, SOUGHT, OTHER, sequence=2)
    assert set(found(searching, ranked, OTHER)) == every - {SOUGHT, OTHER}
    assert found(searching, ranked, OTHER, count=1)[0] in every - {SOUGHT, OTHER}


def test_a_search_that_is_under_way_is_done_again(start: Start, ranked: RankTrial) -> None:
    """What was taken before a removal and answered after it has no score of the removed entry either."""
    server, held = start(allow_ranked=True), package(ranked)
    name = opened(server, ranked, held)
    search = ranked.search()
    server.pause()
    server.client("operator").post_search(name, search)
    remove(server, name, SOUGHT)
    server.resume()
    answer = server.client("operator").fetch_search(name, search.search_id, wait=20)
    assert answer is not None
    assert answer.result.tombstone == 1
    assert np.frombuffer(answer.result.scores[0], "<u4")[SOUGHT] == 0


class Altering(ServerClient):
    """Answers as a server would that does not follow the protocol."""

    change: Callable[[SearchAnswer], SearchAnswer]

    def fetch_search(self, deployment: str, search_id: str, wait: float = 0.0) -> SearchAnswer | None:
        answer = super().fetch_search(deployment, search_id, wait)
        return None if answer is None else self.change(answer)


def giving(changes: dict[str, object]) -> Callable[[SearchAnswer], SearchAnswer]:
    """Another result than the server's."""

    def change(answer: SearchAnswer) -> SearchAnswer:
        return answer.model_copy(update={"result": answer.result.model_copy(update=changes)})

    return change


def claiming(sequence: int) -> Callable[[SearchAnswer], SearchAnswer]:
    """The same scores, computed by the word of the server, and of its log, with another removal."""

    def change(answer: SearchAnswer) -> SearchAnswer:
        result = answer.result.model_copy(update={"tombstone": sequence})
        said = {"tombstone": sequence, "result": replaying.digest(result)}
        logged = altered(answer.logged, SEARCHERS.log, SEARCHERS.witness, **said)
        return answer.model_copy(update={"result": result, "logged": logged})

    return change


@pytest.mark.parametrize("sequence", [0, 2])
def test_a_server_that_ignores_a_removal_is_found_out(
    allowing: ServerProcess, ranked: RankTrial, sequence: int
) -> None:
    """It says that it has not heard of the newest removal, or that it followed one that it did not follow."""
    held = package(ranked)
    name = opened(allowing, ranked, held)
    remove(allowing, name, SOUGHT)
    with Altering(allowing.address, TOKENS["operator"]) as client:
        searching = searcher(allowing, ranked, name, held, client)
        client.change = lambda answer: answer
        assert SOUGHT not in found(searching, ranked)

        def change(answer: SearchAnswer) -> SearchAnswer:
            remove(allowing, name, SOUGHT, OTHER, sequence=2)
            return claiming(sequence)(answer)

        client.change = change
        with pytest.raises(RemovalIgnored):
            found(searching, ranked)


def test_a_result_that_is_not_the_recorded_one_is_not_read(
    allowing: ServerProcess, ranked: RankTrial
) -> None:
    held = package(ranked)
    name = opened(allowing, ranked, held)
    with Altering(allowing.address, TOKENS["operator"]) as client:
        searching = searcher(allowing, ranked, name, held, client)
        changed: tuple[dict[str, object], ...] = (
            {"scores": ()},
            {"tombstone": 1},
            {"problem": Problem.BUSY.urn},
        )
        for changes in changed:
            client.change = giving(changes)
            with pytest.raises(RecordMismatch):
                found(searching, ranked)
        client.change = lambda answer: answer
        assert found(searching, ranked)[0] == SOUGHT


def test_a_removal_that_comes_after_the_scan_is_kept_to_by_the_operator(
    allowing: ServerProcess, ranked: RankTrial
) -> None:
    """The result is one from before, so its score of the entry is no violation, and is dropped."""
    held = package(ranked)
    name = opened(allowing, ranked, held)
    with Altering(allowing.address, TOKENS["operator"]) as client:
        searching = searcher(allowing, ranked, name, held, client)

        def change(answer: SearchAnswer) -> SearchAnswer:
            remove(allowing, name, SOUGHT)
            return answer

        client.change = change
        assert SOUGHT not in found(searching, ranked)


def test_a_server_without_the_removal_that_a_custodian_handed_over(
    allowing: ServerProcess, ranked: RankTrial
) -> None:
    held = package(ranked)
    name = opened(allowing, ranked, held)
    with pytest.raises(RemovalIgnored):
        searcher(allowing, ranked, name, held, handed=tombstone(allowing, name, SOUGHT))


def test_removals_do_not_wait_for_a_gallery_to_be_loaded(allowing: ServerProcess, ranked: RankTrial) -> None:
    held = package(ranked)
    name = opened(allowing, ranked, held, package(ranked))
    allowing.pause()
    try:
        with allowing.cut_off(f"/v1/deployments/{name}/activation", b"", CUSTODIAN):
            time.sleep(0.3)
            began = time.monotonic()
            remove(allowing, name, SOUGHT)
            assert time.monotonic() - began < AT_ONCE
    finally:
        allowing.resume()


def test_nobody_is_left_of_a_gallery_from_which_everybody_is_removed() -> None:
    assert best(np.array([3, 5]), 2, {0, 1}) == []
    assert [each.entry for each in best(np.array([3, 5, 4]), 2, {1})] == [2, 0]
