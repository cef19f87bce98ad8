"""Writing a log: what is acknowledged stays, nothing is made by accident, and the log neither forks nor goes back."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindwatch.errors import (
    LogCorrupt,
    LogExists,
    LogForked,
    LogInUse,
    LogMissing,
    LogRolledBack,
    LogUnwritable,
    TooLarge,
    UntrustedCheckpoint,
)
from blindwatch.tlog import merkle
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.log import Log
from blindwatch.wire import limits

from .logs import ORIGIN, SIGNER, Place, naive_root, numbered


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.made(tmp_path)


def test_an_empty_log(place: Place) -> None:
    assert place.entries() == []
    with place.open() as log:
        checkpoint = log.checkpoint.verify(SIGNER.verifier)
    assert (checkpoint.size, checkpoint.root) == (0, merkle.EMPTY_ROOT)


def test_indices_follow_each_other(place: Place) -> None:
    entries = numbered(700)
    with place.open() as log:
        assert log.append(entries[:1]) == 0
        assert log.append(entries[1:300]) == 1
        assert log.append([]) == 300
        assert log.checkpoint.checkpoint.size == 300
        assert place.entries() == entries[:300]
    with place.open() as log:
        assert log.append(entries[300:]) == 300
        assert log.checkpoint.checkpoint.root == naive_root(entries)
        assert log.view().entry(299) == entries[299]
    assert place.entries() == entries


@settings(max_examples=25)
@given(st.lists(st.integers(1, 600), min_size=1, max_size=5), st.booleans())
def test_the_same_files_come_of_any_batches(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], reopen: bool
) -> None:
    places = [Place.made(tmp_path_factory.mktemp("log")) for _ in range(2)]
    entries = numbered(sum(batches))
    with places[0].open() as log:
        log.append(entries)
    log, first = places[1].open(), 0
    for count in batches:
        log.append(entries[first : first + count])
        first += count
        if reopen:
            log.close()
            log = places[1].open()
    log.close()
    last = [
        {path: data for path, data in each.files().items() if ".p/" not in path or path in places[0].files()}
        for each in places
    ]
    assert last[0] == last[1]


def test_partial_files_are_there_for_every_checkpoint_until_the_full_one_is(place: Place) -> None:
    with place.open() as log:
        for index, entry in enumerate(numbered(5)):
            log.append([entry])
            assert log.checkpoint.checkpoint.size == index + 1
        assert [f"tile/0/000.p/{width}" in place.files() for width in range(1, 7)] == [True] * 5 + [False]
        log.append(numbered(252, 5))
    assert {path for path in place.files() if ".p/" in path} == {
        "tile/0/001.p/1",
        "tile/entries/001.p/1",
        "tile/1/000.p/1",
    }


def test_what_a_checkpoint_stands_on_is_not_written_again(place: Place) -> None:
    with place.open() as log:
        log.append(numbered(65_536))
        assert log.checkpoint.checkpoint.size == 65_536
        tile = place.site / "tile/2/000.p/1"
        before = tile.stat()
        log.append(numbered(256, 65_536))
    assert tile.stat().st_mtime_ns == before.st_mtime_ns
    assert place.entries() == numbered(65_792)


def test_nothing_is_appended_any_more_when_readers_cannot_see_it(place: Place, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    with place.open() as log:
        before = log.checkpoint
        place.site.rename(aside)
        place.site.write_text("in the way")
        assert log.append([b"durable"]) == 0
        assert log.checkpoint is before
        with pytest.raises(LogUnwritable):
            log.append([b"refused"])
    place.site.unlink()
    aside.rename(place.site)
    place.open().close()
    assert place.entries() == [b"durable"]


def test_a_log_is_not_made_by_accident(tmp_path: Path) -> None:
    site, head = tmp_path / "site", tmp_path / "head"
    with pytest.raises(LogMissing):
        Log(site, head, SIGNER)
    assert list(tmp_path.iterdir()) == []
    Log.create(site, head, SIGNER)
    for folders in ((site, head), (site, tmp_path / "new"), (tmp_path / "new", head)):
        with pytest.raises(LogExists):
            Log.create(*folders, SIGNER)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(LogMissing):
        Log(site, empty, SIGNER)


def test_one_process_has_it_open(place: Place) -> None:
    with place.open(), pytest.raises(LogInUse):
        place.open()
    place.open().close()


def test_it_opens_with_its_own_key_only(place: Place) -> None:
    with pytest.raises(UntrustedCheckpoint):
        Log(place.site, place.head, Signer.generate(ORIGIN, Use.LOG))
    place.open().close()


def test_entries_that_are_too_long(place: Place) -> None:
    with place.open() as log:
        with pytest.raises(TooLarge):
            log.append([b"fits", bytes(limits.LOG_ENTRY + 1)])
        assert log.append([bytes(limits.LOG_ENTRY)]) == 0


def test_an_old_head_does_not_go_on(place: Place, tmp_path: Path) -> None:
    with place.open() as log:
        log.append(numbered(3))
    shutil.copytree(place.head, tmp_path / "old")
    with place.open() as log:
        log.append(numbered(1, 3))
    with pytest.raises(LogRolledBack):
        Log(place.site, tmp_path / "old", SIGNER)


def test_a_head_with_another_history_does_not_go_on(tmp_path: Path) -> None:
    one, other = Place.made(tmp_path / "1"), Place.made(tmp_path / "2")
    for place, entries in ((one, numbered(3)), (other, numbered(3, 1))):
        with place.open() as log:
            log.append(entries)
    with pytest.raises(LogForked):
        Log(one.site, other.head, SIGNER)


@pytest.mark.parametrize("size", [3, 300])
def test_old_files_are_not_taken_for_new(place: Place, tmp_path: Path, size: int) -> None:
    old = tmp_path / "old"
    with place.open() as log:
        log.append(numbered(2))
        assert log.checkpoint.checkpoint.size == 2
        shutil.copytree(place.site, old)
        log.append(numbered(size - 2, 2))
    if size < 256:
        # All that is missing is in the head.
        Log(old, place.head, SIGNER).close()
        assert Place(old, place.head).entries() == numbered(size)
    else:
        with pytest.raises(LogMissing, match="tile/0/000"):
            Log(old, place.head, SIGNER)


def test_the_files_are_gone(place: Place) -> None:
    with place.open() as log:
        log.append(numbered(3))
    shutil.rmtree(place.site)
    with pytest.raises(LogMissing):
        place.open()


def test_a_full_tile_that_was_changed(place: Place) -> None:
    with place.open() as log:
        log.append(numbered(600))
    path = place.site / "tile/0/001"
    path.write_bytes(bytes(32) + path.read_bytes()[32:])
    with pytest.raises(LogCorrupt):
        place.open()


def test_a_crash_before_the_head_is_written_takes_the_append_back(place: Place, tmp_path: Path) -> None:
    with place.open() as log:
        log.append(numbered(250))
        assert log.checkpoint.checkpoint.size == 250
        before = place.files()
        shutil.copytree(place.head, tmp_path / "before")
        log.append(numbered(1000, 5000))
    # As it is then: full tiles on the disk, and the head and the checkpoint of before.
    (place.site / "checkpoint").write_bytes(before["checkpoint"])
    for path in ("tile/0/000.p/250", "tile/entries/000.p/250"):
        (place.site / path).parent.mkdir()
        (place.site / path).write_bytes(before[path])
    crashed = Place(place.site, tmp_path / "before")
    with crashed.open() as log:
        assert before.items() <= crashed.files().items()
        assert not [path for path in crashed.files() if path != "checkpoint" and "/000.p/" not in path]
        assert log.append(numbered(1000, 250)) == 250
    assert crashed.entries() == numbered(1250)


@pytest.mark.parametrize("size", [3, 256, 300])
def test_a_crash_after_the_head_is_written_completes_the_append(place: Place, size: int) -> None:
    with place.open() as log:
        log.append(numbered(2))
        assert log.checkpoint.checkpoint.size == 2
        old = (place.site / "checkpoint").read_bytes()
        log.append(numbered(size - 2, 2))
    after = place.files()
    (place.site / "checkpoint").write_bytes(old)
    for folder in list(place.site.rglob("*.p")):
        shutil.rmtree(folder)
    place.open().close()
    assert after.items() <= place.files().items()
    assert place.entries() == numbered(size)


def test_partial_files_that_a_loss_of_power_damaged_are_made_again(place: Place) -> None:
    with place.open() as log:
        for index, entry in enumerate(numbered(5)):
            log.append([entry])
            assert log.checkpoint.checkpoint.size == index + 1
    before = place.files()
    for path in place.site.rglob("*.p/*"):
        path.write_bytes(b"")
    place.open().close()
    assert place.files() == before


@pytest.mark.parametrize("slot", ["head-0", "head-1"])
@pytest.mark.parametrize("size", [2, 3])
def test_a_slot_that_was_half_written(place: Place, slot: str, size: int) -> None:
    with place.open() as log:
        for entry in numbered(size):
            log.append([entry])
    path = place.head / slot
    newest = path.read_bytes() >= max(each.read_bytes() for each in place.head.iterdir())
    sizes = {name: (place.head / name).stat().st_size for name in ("head-0", "head-1")}
    newest = sizes[slot] == max(sizes.values())
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    if newest:
        # The checkpoint was published, so the slot had been written: this is damage, and no crash.
        with pytest.raises(LogRolledBack):
            place.open()
    else:
        with place.open() as log:
            assert log.append([b"next"]) == size
            assert log.append([b"after"]) == size + 1
        assert place.entries() == [*numbered(size), b"next", b"after"]


def test_no_slot_is_left(place: Place) -> None:
    for slot in place.head.iterdir():
        slot.write_bytes(b"")
    with pytest.raises(LogCorrupt):
        place.open()


def test_threads_share_writes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    sync = os.fdatasync

    def counted(descriptor: int) -> None:
        writes.append(descriptor)
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", counted)
    workers, each = 16, 20

    def run(worker: int) -> list[tuple[int, bytes]]:
        entries = [b"%d %d" % (worker, number) for number in range(each)]
        return [(log.append([entry]), entry) for entry in entries]

    with place.open() as log, ThreadPoolExecutor(workers) as pool:
        written = [pair for pairs in pool.map(run, range(workers)) for pair in pairs]
    assert [entry for _, entry in sorted(written)] == place.entries()
    assert len({index for index, _ in written}) == workers * each
    assert len(writes) < workers * each / 2


def test_after_a_failed_write_nothing_is_appended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    log = place.open()
    log.append(numbered(2))
    waiting = threading.Event()

    def fail(descriptor: int) -> None:
        waiting.wait(10)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setattr(os, "fdatasync", fail)
        appends = [pool.submit(log.append, [b"lost"]) for _ in range(4)]
        waiting.set()
        assert {type(each.exception()) for each in appends} == {LogUnwritable}
    with pytest.raises(LogUnwritable):
        log.append([b"no"])
    log.close()
    with place.open() as log:
        assert log.append([b"yes"]) in (2, 3)
    assert place.entries()[-1] == b"yes"
