"""Entries that were removed from a gallery have no score in a result, by real ciphertexts; all others keep theirs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, pearsonr

from blindwatch.he.ranked import forms
from blindwatch.he.ranked.gallery import Gallery
from blindwatch.he.ranked.scanning import scan
from blindwatch.he.ranked.withholding import is_withheld
from blindwatch.secret.ranked import RankDecryptor, Scores

from .conftest import RankBench

ENTRIES = 4200
REMOVED = (0, 3, 4095, 4096, ENTRIES - 1)


@pytest.fixture(scope="module")
def templates() -> Scores:
    """Of entries that are alike in pairs, so that every score is far from zero."""
    return np.repeat(np.random.default_rng(3).choice([-5, 5], (ENTRIES // 2, 128)), 2, axis=0)


@pytest.fixture(scope="module")
def gallery(rank_bench: RankBench, templates: Scores) -> Gallery:
    preset, key_id = rank_bench.preset, rank_bench.keys.encryption.key_id
    blocks = rank_bench.encryptor.gallery(templates)
    return Gallery(preset, key_id, [forms.read(forms.BLOCK, preset, key_id, each) for each in blocks])


def opened(bench: RankBench, results: list[bytes]) -> Scores:
    return RankDecryptor(bench.keys.secret).scores(results, ENTRIES)


def test_only_removed_entries_lose_their_scores(
    rank_bench: RankBench, gallery: Gallery, templates: Scores
) -> None:
    query = rank_bench.encryptor.query(templates[3])
    whole, cut = scan(query, gallery), scan(query, gallery, removed=REMOVED)
    changed = np.flatnonzero(np.frombuffer(b"".join(whole), "<u4") != np.frombuffer(b"".join(cut), "<u4"))
    places = [3 * 4096 * (entry // 4096) + entry % 4096 for entry in REMOVED]
    assert changed.tolist() == places
    expected = templates @ templates[3]
    assert np.array_equal(opened(rank_bench, whole), expected)
    found = opened(rank_bench, cut)
    left = np.setdiff1d(np.arange(ENTRIES), REMOVED)
    assert np.array_equal(found[left], expected[left])
    # One value in 8,192 would be the score by chance.
    assert np.count_nonzero(found[list(REMOVED)] == expected[list(REMOVED)]) <= 1


def test_what_opens_in_their_place_is_uniform_whatever_the_score(
    rank_bench: RankBench, gallery: Gallery, templates: Scores
) -> None:
    """Of entries of one score, and that the highest there is: each search draws anew what opens there."""
    removed = tuple(range(0, 4096, 2))
    alike = np.flatnonzero((templates == templates[3]).all(axis=1))
    assert alike.tolist() == [2, 3]
    found = []
    for _ in range(6):
        query = rank_bench.encryptor.query(templates[3])
        found.append(opened(rank_bench, scan(query, gallery, removed=removed))[list(removed)])
    values = np.stack(found)
    counts = np.bincount((values.ravel() + 4096) // 256, minlength=32)
    assert chisquare(counts).pvalue > 1e-4
    scores = (templates @ templates[3])[list(removed)]
    for row in values:
        assert pearsonr(row, scores).pvalue > 1e-4
    assert scores[1] == 3200
    assert not (values[:, 1] == 3200).all()


def test_what_is_left_out_is_seen(rank_bench: RankBench, gallery: Gallery, templates: Scores) -> None:
    query = rank_bench.encryptor.query(templates[0])
    cut = scan(query, gallery, removed=REMOVED)
    assert is_withheld(rank_bench.preset, cut, REMOVED)
    assert is_withheld(rank_bench.preset, cut, ())
    assert not is_withheld(rank_bench.preset, cut, (*REMOVED, 7))
    assert not is_withheld(rank_bench.preset, scan(query, gallery), REMOVED[:1])


def test_a_result_can_be_computed_again(rank_bench: RankBench, gallery: Gallery, templates: Scores) -> None:
    query = rank_bench.encryptor.query(templates[0])
    assert scan(query, gallery, removed=REMOVED) == scan(query, gallery, threads=2, removed=REMOVED[::-1])
