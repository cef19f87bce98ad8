"""What a worker does with a watchlist, without the server around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blindwatch.he.encrypting import Encryptor
from blindwatch.he.labels import mask_label
from blindwatch.he.presets import preset
from blindwatch.he.templates import Templates
from blindwatch.matching.jobs import Load, Match, Order, Released
from blindwatch.matching.watchlists import Watchlists
from blindwatch.operator.reading import Reader
from blindwatch.secret.keys import KeySet, generate
from blindwatch.store.blobs import Blobs

from ..crops import CROP

FACE = np.eye(1, 128, dtype=np.int64)
PEOPLE = Templates(np.repeat(14 * FACE, 5, axis=0), np.repeat(170 * FACE, 5, axis=0))


@pytest.fixture(scope="module")
def clear() -> KeySet:
    return generate(preset("insecure-noop-128"))


@pytest.fixture
def watchlists(tmp_path: Path, clear: KeySet) -> Watchlists:
    """One list, of the same face five times."""
    blobs = Blobs(tmp_path / "blobs")
    (tmp_path / "blobs").mkdir()

    def kept(data: bytes) -> str:
        return str(blobs.path("trial", blobs.put("trial", data)))

    watchlists = Watchlists()
    watchlists.load(
        Load(
            deployment="trial",
            handle="first",
            listed="a list",
            bundle=kept(clear.evaluation.to_bytes()),
            preset=clear.encryption.preset.name,
            key_id=clear.evaluation.key_id,
            threshold=90,
            mask_secret=bytes(32),
            prepared=str(tmp_path / "prepared" / "first"),
            blocks=tuple(
                tuple(kept(part) for part in block) for block in Encryptor(clear.encryption).watchlist(PEOPLE)
            ),
        )
    )
    return watchlists


def ask(watchlists: Watchlists, keys: KeySet, *removed: int, removed_from: str = "a list") -> Released:
    """The answer to that face, by a job as it comes out of a worker's pipe."""
    probe = Encryptor(keys.encryption).probe(PEOPLE[:1])
    job = Match(
        deployment="trial",
        camera="north",
        probe_id="one",
        ciphertext=probe,
        crop=CROP,
        removed_from=removed_from,
        removed=removed,
    )
    order = Order.from_cbor(Order(job=job).to_cbor()).job
    assert isinstance(order, Match)
    return watchlists.match(order)


def test_entries_that_were_removed_are_no_matches(watchlists: Watchlists, clear: KeySet) -> None:
    reader = Reader(clear.secret, 25_000, len(PEOPLE))
    found = [match.entry for match in reader.matches(ask(watchlists, clear).releases)]
    left = [match.entry for match in reader.matches(ask(watchlists, clear, 1, 4).releases)]
    assert (found, left) == ([0, 1, 2, 3, 4], [0, 2, 3])


def test_entries_of_another_list_are_not_mistaken_for_those_of_this_one(
    watchlists: Watchlists, clear: KeySet
) -> None:
    reader = Reader(clear.secret, 25_000, len(PEOPLE))
    answer = ask(watchlists, clear, 1, 4, 99, removed_from="the list before")
    assert answer.listed == "a list"
    assert len(reader.matches(answer.releases)) == len(PEOPLE)


def test_whatever_a_result_depends_on_gives_other_masks() -> None:
    labels = {
        mask_label(*each)
        for each in (
            ("first", "one", b"probe", b"crop", frozenset[int]()),
            ("other", "one", b"probe", b"crop", frozenset[int]()),
            ("first", "other", b"probe", b"crop", frozenset[int]()),
            ("first", "one", b"other", b"crop", frozenset[int]()),
            ("first", "one", b"probe", b"other", frozenset[int]()),
            ("first", "one", b"probe", b"crop", frozenset({1})),
            ("first", "one", b"probe", b"crop", frozenset({1, 2})),
            ("first", "one", b"probe", b"crop", frozenset({12})),
        )
    }
    assert len(labels) == 8
    first, again = (mask_label("a", "b", b"c", b"d", frozenset(each)) for each in ((2, 1), (1, 2)))
    assert first == again
