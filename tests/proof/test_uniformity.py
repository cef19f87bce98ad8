"""What is decrypted for non-matches is uniform and tells nothing; with the masks taken away, the meter sees it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from blindwatch.he import masks
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.matching import Matcher
from blindwatch.he.released import INDICATOR, SCORE, opened
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import Decryptor, KeySet

from .conftest import Evidence
from .meter import read

Integers = NDArray[np.int64]
THRESHOLD = 90
PROBES = 64


def random_templates(rng: np.random.Generator, count: int) -> Templates:
    directions = rng.normal(size=(count, 128))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    coarse, fine = (np.trunc(scale * directions).astype(np.int64) for scale in (14, 178))
    return Templates(coarse, fine)


def decrypted(keys: KeySet, probes: int) -> tuple[Integers, Integers, Integers]:
    """Indicators, values and true fine scores of all non-matches of a full block, end to end under encryption."""
    rng = np.random.default_rng(7)
    gallery, asked = random_templates(rng, 16384), random_templates(rng, probes)
    encryptor, decryptor = Encryptor(keys.encryption), Decryptor(keys.secret)
    matcher = Matcher(keys.evaluation, THRESHOLD, rng.bytes(32))
    (parts,) = [list(parts) for parts in encryptor.watchlist(gallery)]
    blocks = [matcher.load_block(parts, len(parts))]
    columns: list[Integers] = []
    for number in range(probes):
        probe = asked[number : number + 1]
        (release,) = matcher.match(encryptor.probe(probe), blocks, str(number))
        coarse, fine = gallery.scores(probe)
        found = opened(blocks[0].layout, release, (INDICATOR, SCORE), decryptor.slots)
        columns.append(np.vstack([found, fine])[:, coarse < THRESHOLD])
    indicators, values, true_scores = np.concatenate(columns, axis=1)
    return indicators, values, true_scores


def test_non_matches_of_a_million_slots_decrypt_to_noise(keys: KeySet) -> None:
    indicators, values, scores = decrypted(keys, PROBES)
    assert len(values) > 10**6
    assert (indicators != 0).all()
    assert not read(values, scores).reveals
    assert not read(indicators, scores).reveals


def test_the_meter_sees_values_without_a_mask(keys: KeySet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "uniform", lambda _seed, count: np.ones(count, dtype=np.int64))
    monkeypatch.setattr(masks, "nonzero", lambda _seed, count: np.ones(count, dtype=np.int64))
    indicators, values, scores = decrypted(keys, 2)
    assert read(values, scores).reveals
    assert read(indicators, scores).reveals


def test_the_meter_sees_a_mask_that_is_slightly_uneven() -> None:
    rng = np.random.default_rng(3)
    scores = rng.integers(-60, 60, 10**6)
    even = rng.integers(0, 65537, 10**6)
    assert not read(even, scores).reveals
    assert read(even // 2 + rng.integers(0, 32769, 10**6), scores).reveals
    assert read(np.where(scores > 55, even // 2, even), scores).reveals
    assert read(rng.integers(0, 65000, 10**6), scores).reveals


def test_non_matches_on_photographs_decrypt_to_noise(evidence: Evidence) -> None:
    below = [answer.coarse_scores < evidence.thresholds.gate for answer in evidence.answers]
    scores = np.concatenate([each.fine_scores[b] for each, b in zip(evidence.answers, below, strict=True)])
    for kind in ("values", "indicators"):
        opened = [getattr(each, kind)[b] for each, b in zip(evidence.answers, below, strict=True)]
        reading = read(np.concatenate(opened), scores)
        assert not reading.reveals
        assert reading.count > 100_000
