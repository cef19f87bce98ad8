"""The store by itself: blobs, results and what it refuses to open."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from blindwatch.errors import ConfigurationError, DeploymentClosed, MissingBlob, NotDestroyed
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Destroyed
from blindwatch.store.blobs import read_verified
from blindwatch.store.database import DATABASE, Store
from blindwatch.store.deployments import Deployment, Terms
from blindwatch.store.results import Waiting
from blindwatch.wire import limits

from ..people import a_manifest, a_watchlist
from ..serving import FORCE

LISTED = a_watchlist(FORCE, deployment="trial")
STATEMENT = FORCE.watchlist(LISTED)


def terms(**changes: object) -> Terms:
    return Terms(FORCE.manifest(a_manifest(FORCE, LISTED, STATEMENT, **changes)), STATEMENT, accepted=1)


def waiting(body: bytes) -> Waiting:
    return Waiting(body, b"record", 7)


FIRST, SECOND = terms(), terms(version=2, change_reason="Another camera")
DEPLOYMENT = Deployment("trial", b"s" * 32, waiting=FIRST)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    Store.create(folder, FORCE.log)
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder) as store:
        store.deployments.add("trial", DEPLOYMENT.mask_secret, FIRST)
        yield store


def test_a_deployment_comes_back_and_does_not_show_its_secret(store: Store) -> None:
    assert store.deployments.all() == [DEPLOYMENT]
    assert "ssss" not in repr(DEPLOYMENT)


def test_versions_wait_until_they_are_in_force(store: Store) -> None:
    store.deployments.activate("trial", FIRST, same_list=False)
    store.deployments.offer("trial", SECOND)
    (held,) = store.deployments.all()
    assert (held.in_force, held.waiting) == (FIRST, SECOND)
    assert (held.newest, held.shown) == (SECOND, FIRST)
    store.deployments.activate("trial", SECOND, same_list=True)
    (held,) = store.deployments.all()
    assert (held.in_force, held.waiting) == (SECOND, None)


@pytest.mark.parametrize("same_list", [True, False])
def test_removals_last_as_long_as_the_list(store: Store, same_list: bool) -> None:
    store.deployments.activate("trial", FIRST, same_list=False)
    for sequence, statement in enumerate((Envelope(b"one"), Envelope(b"two")), 1):
        store.deployments.remove_entries("trial", sequence, statement)
    assert store.deployments.all()[0].tombstone_statement == Envelope(b"two")
    store.deployments.activate("trial", SECOND, same_list=same_list)
    assert (store.deployments.tombstone("trial", 1) is not None) == same_list
    left = store.deployments.all()[0].tombstone_statement
    assert left == (Envelope(b"two") if same_list else None)


def test_a_revoked_camera_stays_revoked(store: Store) -> None:
    for key in ("aa" * 32, "bb" * 32, "aa" * 32):
        store.deployments.revoke("trial", key, Envelope(b"lost"))
    store.deployments.activate("trial", SECOND, same_list=False)
    assert store.deployments.all()[0].revoked == {"aa" * 32, "bb" * 32}


def test_what_is_closed_leaves_a_receipt_and_no_rows(store: Store) -> None:
    store.results.add("trial", "0" * 32, waiting(b"result"), expires=10)
    files = Destroyed(what="files", count=2, size=3)
    begun = store.closures.begin(DEPLOYMENT, None, (files,), 99.0)
    assert store.closures.all() == [begun]
    assert begun.destroyed[0] == files
    counted = {each.what: (each.count, each.size) for each in begun.destroyed[1:]}
    signed = len(FIRST.manifest_statement.to_json()) + len(FIRST.watchlist_statement.to_json())
    assert counted == {"results": (1, 6), "statements": (2, signed), "nonces": (0, 0)}
    with pytest.raises(DeploymentClosed):
        store.results.add("trial", "1" * 32, waiting(b"late"), expires=10)
    store.closures.forget("trial")
    store.closures.finish("trial", b"receipt")
    assert store.closures.all()[0].receipt == b"receipt"
    assert store.closures.all()[0].destroyed == begun.destroyed
    assert store.deployments.all() == []
    assert not store.results.holds("trial", "0" * 32)


def test_what_cannot_be_deleted_is_not_said_to_be_gone(store: Store, folder: Path) -> None:
    store.blobs.put("trial", b"1")
    reader = sqlite3.connect(folder / DATABASE)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM deployments").fetchall()
    with pytest.raises(NotDestroyed, match="journal"):
        store.closures.forget("trial")
    reader.close()
    store.closures.forget("trial")
    assert (folder / f"{DATABASE}-wal").stat().st_size == 0
    # A folder that is in the way of another mount, or no folder at all, cannot be removed as one.
    held = store.blobs.path("trial", "x").parent
    held.rename(held.with_name("other"))
    held.write_bytes(b"in the way")
    with pytest.raises(NotDestroyed, match="cannot be deleted"):
        store.blobs.drop("trial")


def test_what_a_killed_server_left_is_deleted(store: Store, folder: Path) -> None:
    kept = store.blobs.put("trial", b"1")
    store.blobs.put("never-opened", b"keys")
    half = store.blobs.path("trial", f".{kept}.0a0b0c0d")
    half.write_bytes(b"half of a ciphertext")
    store.blobs.keep_deployments({"trial"})
    assert [path.name for path in (folder / "blobs").rglob("*")] == ["trial", kept]


def test_a_batch_is_bounded_by_count(store: Store) -> None:
    for at in range(limits.BATCH_RESULTS + 3):
        store.results.add("trial", f"{at:032x}", waiting(at.to_bytes(2, "big")), expires=10)
    batch = store.results.oldest("trial", at=5)
    assert batch == [waiting(at.to_bytes(2, "big")) for at in range(limits.BATCH_RESULTS)]


def test_a_batch_is_bounded_by_bytes_but_never_empty(store: Store) -> None:
    sizes = [limits.BATCH_TARGET + 1, limits.BATCH_TARGET - 1, 1, 1]
    for at, size in enumerate(sizes):
        store.results.add("trial", f"{at:032x}", waiting(bytes(size)), expires=10)
    taken: list[int] = []
    while batch := store.results.oldest("trial", at=5):
        for _ in batch:
            store.results.delete("trial", f"{len(taken):032x}")
            taken.append(len(batch))
    assert taken == [1, 2, 2, 1]


def test_results_expire_at_their_time(store: Store) -> None:
    store.results.add("trial", "0" * 32, waiting(b"early"), expires=10)
    store.results.add("trial", "1" * 32, waiting(b"late"), expires=20)
    assert store.results.oldest("trial", at=10) == [waiting(b"late")]
    assert store.results.expired(at=10) == [("trial", "0" * 32)]
    store.results.forget(store.results.expired(at=10))
    assert not store.results.holds("trial", "0" * 32)
    assert store.results.holds("trial", "1" * 32)
    assert not store.results.delete("trial", "0" * 32)


def test_a_blob_is_kept_once_and_read_as_it_was(store: Store) -> None:
    digest = store.blobs.put("trial", b"ciphertext")
    assert digest == hashlib.sha256(b"ciphertext").hexdigest()
    assert store.blobs.put("trial", b"ciphertext") == digest
    path = store.blobs.require("trial", digest)
    assert read_verified(path) == b"ciphertext"
    assert [found.name for found in path.parent.iterdir()] == [digest]
    path.write_bytes(b"Ciphertext")
    with pytest.raises(MissingBlob):
        read_verified(path)
    path.unlink()
    with pytest.raises(MissingBlob):
        read_verified(path)
    with pytest.raises(MissingBlob):
        store.blobs.require("trial", digest)


def test_blobs_that_no_watchlist_names_are_deleted(store: Store) -> None:
    kept, dropped = store.blobs.put("trial", b"1"), store.blobs.put("trial", b"2")
    other = store.blobs.put("other", b"2")
    store.blobs.keep_only("trial", frozenset({kept}))
    assert store.blobs.require("trial", kept)
    assert store.blobs.require("other", other)
    with pytest.raises(MissingBlob):
        store.blobs.require("trial", dropped)


def test_a_store_of_another_version(folder: Path) -> None:
    database = sqlite3.connect(folder / DATABASE)
    database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(ConfigurationError, match="another version"):
        Store.open(folder)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ConfigurationError):
        Store.create(tmp_path, FORCE.log)
    with pytest.raises(ConfigurationError):
        Store.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
