"""The end of a deployment at the times that a test cannot wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from blindwatch.errors import NotFound
from blindwatch.matching.authority import Authority
from blindwatch.matching.closing import ClosingDesk
from blindwatch.matching.roster import Roster
from blindwatch.matching.workers import WorkerPool
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Receipt, instant
from blindwatch.store.database import IDENTITY, Store
from blindwatch.store.deployments import Terms

from ..people import a_manifest, a_watchlist
from ..serving import FORCE

LISTED = a_watchlist(FORCE)
STATEMENT = FORCE.watchlist(LISTED)
TERMS = Terms(FORCE.manifest(a_manifest(FORCE, LISTED, STATEMENT)), STATEMENT)
NAME = LISTED.deployment
END = instant(TERMS.manifest.window.not_after)
CLOCK = timedelta(hours=FORCE.profile.clocks.list_after_end_hours)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    Store.create(tmp_path / "store")
    FORCE.write_identity("server-1", tmp_path / "store" / IDENTITY)
    with Store.open(tmp_path / "store") as store:
        store.deployments.add(NAME, b"s" * 32, TERMS)
        store.blobs.put(NAME, b"a ciphertext")
        yield store


def desk(store: Store) -> ClosingDesk:
    authority = Authority(FORCE.register, store.identity, allow_insecure=True, allow_ranked=False)
    return ClosingDesk(store, WorkerPool(0, 1, 1.0), Roster(store), authority)


@pytest.mark.parametrize(("late", "closed"), [(-1, False), (0, True)])
def test_time_that_runs_out_closes(store: Store, late: int, closed: bool) -> None:
    closing = desk(store)
    asyncio.run(closing.close_due(END + CLOCK + timedelta(seconds=late)))
    assert bool(store.blobs.held(NAME)) is not closed
    if closed:
        receipt = Receipt.read(Envelope.from_json(closing.receipt(NAME)))
        assert receipt.closing_digest is None
        assert receipt.manifest_digest == TERMS.manifest_statement.digest
    else:
        with pytest.raises(NotFound):
            closing.receipt(NAME)


def test_an_end_that_was_begun_is_finished_at_the_next_start(store: Store) -> None:
    (deployment,) = store.deployments.all()
    store.closures.begin(deployment, "12" * 32, ())
    closing = desk(store)
    with pytest.raises(NotFound):
        closing.receipt(NAME)
    asyncio.run(closing.resume())
    assert Receipt.read(Envelope.from_json(closing.receipt(NAME))).closing_digest == "12" * 32
    assert not store.blobs.held(NAME)
    assert store.deployments.all() == []
    (kept,) = store.closures.all()
    assert desk(store).receipt(NAME) == kept.receipt
