"""Nonces pass once, also after a restart and for many at once; and probes are counted for good."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blindwatch.errors import BlindwatchError, QueryBudgetUsed, ReplayedRequest, UnknownDeployment
from blindwatch.store.database import DATABASE, Store
from blindwatch.store.deployments import Terms
from blindwatch.store.nonces import MARGIN_SECONDS, Budget
from blindwatch.wire.signatures import Verified

from ..people import a_manifest, a_watchlist
from ..serving import FORCE

LISTED = a_watchlist(FORCE)
STATEMENT = FORCE.watchlist(LISTED)
TERMS = Terms(FORCE.manifest(a_manifest(FORCE, LISTED, STATEMENT)), STATEMENT, accepted=1)
CAMERA, OTHER = "ca" * 32, "cb" * 32
MINUTE = 29_400_000
NOW = 60.0 * MINUTE  # a minute begins
BUDGET = Budget(per_minute=3, per_deployment=5, ends=NOW + 3600)


def used(number: int, camera: str = CAMERA, at: float = NOW) -> Verified:
    return Verified(camera, f"{number:032x}", int(at), int(at) + 60, b"base", b"signature")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    Store.create(folder, FORCE.log)
    with Store.open(folder) as store:
        for name in ("trial", "other"):
            store.deployments.add(name, b"s" * 32, TERMS)
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder) as store:
        yield store


def rows(folder: Path, table: str) -> int:
    database = sqlite3.connect(folder / DATABASE)
    (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    database.close()
    return int(count)


def test_a_nonce_passes_once(store: Store) -> None:
    store.nonces.admit("trial", used(1), NOW)
    with pytest.raises(ReplayedRequest):
        store.nonces.admit("trial", used(1), NOW + 1)
    store.nonces.admit("trial", used(2), NOW)
    store.nonces.admit("trial", used(1, OTHER), NOW)
    store.nonces.admit("other", used(1), NOW)


def test_a_nonce_is_known_after_a_restart(folder: Path) -> None:
    with Store.open(folder) as store:
        store.nonces.admit("trial", used(1), NOW, BUDGET)
    with Store.open(folder) as store:
        with pytest.raises(ReplayedRequest):
            store.nonces.admit("trial", used(1), NOW, BUDGET)
        assert store.nonces.spent("trial", CAMERA) == 1


def test_of_many_at_once_one_passes(store: Store) -> None:
    def admit(number: int) -> bool:
        try:
            store.nonces.admit("trial", used(number % 4), NOW)
        except ReplayedRequest:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        passed = list(pool.map(admit, range(64)))
    assert sum(passed) == 4


def test_of_many_at_once_as_many_are_counted_as_the_budget_has(store: Store) -> None:
    def admit(number: int) -> type[BlindwatchError] | None:
        try:
            store.nonces.admit("trial", used(number), NOW, BUDGET)
        except QueryBudgetUsed as error:
            return type(error)
        return None

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(admit, range(32)))
    assert outcomes.count(None) == BUDGET.per_minute
    assert store.nonces.spent("trial", CAMERA) == BUDGET.per_minute


def test_expired_nonces_are_deleted_and_counts_stay(store: Store, folder: Path) -> None:
    for number in range(3):
        store.nonces.admit("trial", used(number), NOW, BUDGET)
    end = used(0).expires + MARGIN_SECONDS
    late = used(100, at=end)
    store.nonces.admit("trial", late, end - 1)
    assert rows(folder, "nonces") == 4
    with pytest.raises(ReplayedRequest):
        store.nonces.admit("trial", late, end)
    # What was refused deleted nothing.
    store.nonces.admit("trial", used(101, at=end), end)
    assert rows(folder, "nonces") == 2
    assert store.nonces.spent("trial", CAMERA) == 3


def refused(store: Store, number: int, at: float, camera: str = CAMERA) -> QueryBudgetUsed:
    with pytest.raises(QueryBudgetUsed) as caught:
        store.nonces.admit("trial", used(number, camera), at, BUDGET)
    return caught.value


def test_a_minute_has_its_budget(store: Store) -> None:
    for number in range(3):
        store.nonces.admit("trial", used(number), NOW + 10, BUDGET)
    refusal = refused(store, 3, NOW + 59.5)
    assert "minute" in refusal.detail
    assert refusal.retry_seconds == 1
    assert refused(store, 4, NOW + 10).retry_seconds == 50
    # Another camera and another deployment have budgets of their own, and requests that are no probes take nothing.
    store.nonces.admit("trial", used(0, OTHER), NOW + 10, BUDGET)
    store.nonces.admit("other", used(0), NOW + 10, BUDGET)
    store.nonces.admit("trial", used(5), NOW + 10)
    store.nonces.admit("trial", used(6), NOW + 60, BUDGET)
    assert store.nonces.spent("trial", CAMERA) == 4


def test_a_deployment_has_its_budget(store: Store) -> None:
    for number in range(5):
        store.nonces.admit("trial", used(number), NOW + 60 * number, BUDGET)
    refusal = refused(store, 5, NOW + 600)
    assert "deployment" in refusal.detail
    assert refusal.retry_seconds == 3000
    assert refused(store, 6, NOW + 1200).retry_seconds == 2400
    assert store.nonces.spent("trial", CAMERA) == 5


def test_what_is_refused_for_its_number_has_used_its_nonce(store: Store) -> None:
    for number in range(3):
        store.nonces.admit("trial", used(number), NOW, BUDGET)
    refused(store, 3, NOW)
    with pytest.raises(ReplayedRequest):
        store.nonces.admit("trial", used(3), NOW + 60, BUDGET)


def test_nothing_is_kept_for_what_is_closed(store: Store, folder: Path) -> None:
    store.nonces.admit("trial", used(1), NOW, BUDGET)
    assert (rows(folder, "nonces"), rows(folder, "probe_counts")) == (1, 1)
    store.closures.forget("trial")
    assert (rows(folder, "nonces"), rows(folder, "probe_counts")) == (0, 0)
    with pytest.raises(UnknownDeployment):
        store.nonces.admit("trial", used(2), NOW, BUDGET)
