"""The end of a deployment at the times that a test cannot wait for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from blindwatch.errors import NotFound
from blindwatch.matching.authority import Authority
from blindwatch.matching.closing import ClosingDesk
from blindwatch.matching.cosigning import Cosigner
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.pending import Pending
from blindwatch.matching.roster import Roster
from blindwatch.matching.workers import WorkerPool
from blindwatch.records.reading import server_record
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Receipt, instant
from blindwatch.store.database import IDENTITY, Store
from blindwatch.store.deployments import Terms

from ..people import a_manifest, a_watchlist
from ..serving import FORCE

LISTED = a_watchlist(FORCE)
STATEMENT = FORCE.watchlist(LISTED)
TERMS = Terms(FORCE.manifest(a_manifest(FORCE, LISTED, STATEMENT)), STATEMENT, accepted=1)
NAME = LISTED.deployment
END = instant(TERMS.manifest.window.not_after)
CLOCK = timedelta(hours=FORCE.profile.clocks.list_after_end_hours)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with one deployment."""
    folder = tmp_path / "store"
    Store.create(folder, FORCE.log)
    FORCE.write_identity("server-1", folder / IDENTITY)
    with Store.open(folder) as store:
        store.deployments.add(NAME, b"s" * 32, TERMS)
        store.blobs.put(NAME, b"a ciphertext")
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder) as store:
        yield store


def desk(store: Store) -> ClosingDesk:
    authority = Authority(
        FORCE.register, store.identity, store.log_name, allow_insecure=True, allow_ranked=False
    )
    roster = Roster(store)
    ledger = Ledger(store.log, store.log_site, store.log_name, Cosigner(store.log, roster.log_policies))
    mailbox = Mailbox(store.results, ledger, 60)
    return ClosingDesk(store, WorkerPool(0, 1, 1.0), roster, authority, mailbox, Pending(), ledger)


def recorded(store: Store) -> list[str]:
    """The kinds of what the log has."""
    size = store.log.checkpoint.checkpoint.size
    return [server_record(entry).kind for entry in store.log.entries(0, size)]


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


class PowerCut(BaseException):
    """Nothing that handles errors handles this, as nothing handles kill -9."""


STEPS = (
    ("closures", "begin"),
    ("prepared", "drop"),
    ("blobs", "drop"),
    ("closures", "forget"),
    ("closures", "finish"),
)


def cut(monkeypatch: pytest.MonkeyPatch, store: Store, part: str, step: str, before: bool) -> None:
    """Have the power cut just before or just after one step of the end."""
    held = getattr(store, part)
    real = getattr(held, step)

    def stopped(*arguments: object) -> None:
        if not before:
            real(*arguments)
        raise PowerCut

    monkeypatch.setattr(held, step, stopped)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("part", "step"), STEPS)
def test_an_end_is_destruction_wherever_it_is_cut_short(
    folder: Path, monkeypatch: pytest.MonkeyPatch, part: str, step: str, before: bool
) -> None:
    with Store.open(folder) as store:
        cut(monkeypatch, store, part, step, before)
        with pytest.raises(PowerCut):
            asyncio.run(desk(store).close_due(END + CLOCK))
    with Store.open(folder) as store:
        closing = desk(store)
        asyncio.run(closing.resume())
        if (step, before) == ("begin", True):
            assert store.blobs.held(NAME)
            asyncio.run(closing.close_due(END + CLOCK))
        assert not (folder / "blobs" / NAME).exists()
        assert store.deployments.all() == []
        receipt = Receipt.read(Envelope.from_json(closing.receipt(NAME)))
        kinds = recorded(store)
        assert kinds[0] == "deployment-closed"
        assert kinds[-1] == "deployment-destroyed"
    # What the first attempt counted is what there was, although the second one found less of it.
    assert {each.what: each.count for each in receipt.destroyed}["watchlist-ciphertexts"] == 1


def test_an_end_that_fails_has_no_receipt_and_is_tried_again(store: Store, folder: Path) -> None:
    held = folder / "blobs" / NAME
    held.rename(held.with_name("held"))
    held.write_bytes(b"what is in the way")  # so that there is no folder to delete
    closing = desk(store)
    asyncio.run(closing.close_due(END + CLOCK))
    asyncio.run(closing.resume())
    with pytest.raises(NotFound):
        closing.receipt(NAME)
    held.unlink()
    asyncio.run(closing.close_due(END))
    assert Receipt.read(Envelope.from_json(closing.receipt(NAME))).closing_digest is None


def test_an_end_that_was_begun_is_finished_at_the_next_start(store: Store) -> None:
    (deployment,) = store.deployments.all()
    store.closures.begin(deployment, "12" * 32, (), time.time() + 60)
    closing = desk(store)
    with pytest.raises(NotFound):
        closing.receipt(NAME)
    asyncio.run(closing.resume())
    assert Receipt.read(Envelope.from_json(closing.receipt(NAME))).closing_digest == "12" * 32
    assert not store.blobs.held(NAME)
    assert store.deployments.all() == []
    (kept,) = store.closures.all()
    assert desk(store).receipt(NAME) == kept.receipt
