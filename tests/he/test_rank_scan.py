"""Ranked search from templates to scores with real ciphertexts: exact for every entry, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from math import log2
from pathlib import Path

import numpy as np
import pytest
import tenseal.sealapi as sealapi
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from blindwatch.errors import (
    BlindwatchError,
    CipherError,
    ConfigurationError,
    EmptyWatchlist,
    MalformedCiphertext,
    MissingBlob,
    WrongKey,
    WrongPreset,
)
from blindwatch.he import objects
from blindwatch.he import seal as serialized
from blindwatch.he.ranked import forms, seal
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.gallery import Gallery, verify
from blindwatch.he.ranked.keys import RankKey
from blindwatch.he.ranked.presets import RANK_PRESETS, RankPreset, rank_preset
from blindwatch.he.ranked.scanning import multiply, scan
from blindwatch.secret.ranked import RankDecryptor, generate_ranked
from blindwatch.vision.quantise import quantise

from .conftest import RankBench

Templates = NDArray[np.int64]


def templates(preset: RankPreset, count: int, rng: np.random.Generator) -> Templates:
    directions = rng.normal(size=(count, preset.dimension))
    return np.stack([quantise(each, preset.squared_norm) for each in directions])


def extremes(preset: RankPreset) -> Templates:
    """The longest templates there are, in one coordinate, spread evenly, and their opposites."""
    one = np.zeros(preset.dimension, np.int64)
    one[0] = 63
    level = np.full(preset.dimension, int((preset.squared_norm / preset.dimension) ** 0.5))
    turns = np.where(np.arange(preset.dimension) % 2, level, -level)
    return np.stack([one, -one, level, -level, turns, -turns, 0 * one])


@pytest.fixture(scope="module")
def gallery(rank_bench: RankBench) -> tuple[Templates, Gallery, list[bytes]]:
    """Two blocks, the second of them nearly empty, with extremes at both ends."""
    rng = np.random.default_rng(7)
    preset = rank_bench.preset
    whole = np.concatenate([extremes(preset), templates(preset, 4100, rng), extremes(preset)])
    blocks = list(rank_bench.encryptor.gallery(whole))
    key_id = rank_bench.keys.encryption.key_id
    return (
        whole,
        Gallery(preset, key_id, [forms.read(forms.BLOCK, preset, key_id, each) for each in blocks]),
        blocks,
    )


def scores(bench: RankBench, gallery: Gallery, entries: int, query: Templates) -> Templates:
    results = scan(bench.encryptor.query(query), gallery, threads=2)
    return RankDecryptor(bench.keys.secret).scores(results, entries)


def test_every_score_is_the_integer_product(
    rank_bench: RankBench, gallery: tuple[Templates, Gallery, list[bytes]]
) -> None:
    whole, opened, _ = gallery
    assert len(opened.blocks) == 2
    for query in (whole[100], whole[3]):
        assert np.array_equal(scores(rank_bench, opened, len(whole), query), whole @ query)


@pytest.mark.parametrize("threads", [1, 2])
def test_many_blocks_give_what_each_gives_alone(
    rank_bench: RankBench, gallery: tuple[Templates, Gallery, list[bytes]], threads: int
) -> None:
    whole, opened, _ = gallery
    query = rank_bench.encryptor.query(whole[50])
    alone = [scan(query, dataclasses.replace(opened, blocks=[block]))[0] for block in opened.blocks]
    many = dataclasses.replace(opened, blocks=[*opened.blocks[::-1], *opened.blocks] * 4)
    assert scan(query, many, threads) == [*alone[::-1], *alone] * 4


@settings(max_examples=3)
@given(st.integers(0, 127), st.integers(-63, 63), st.integers(0, 2**32 - 1))
def test_any_query_within_the_norm(
    rank_bench: RankBench, gallery: tuple[Templates, Gallery, list[bytes]], at: int, value: int, seed: int
) -> None:
    whole, opened, _ = gallery
    rest = rank_bench.preset.squared_norm - value * value
    query = np.random.default_rng(seed).permutation(np.arange(128) < rest).astype(np.int64)
    query[at] = value
    while np.square(query).sum() > rank_bench.preset.squared_norm:
        query[np.flatnonzero(query == 1)[0]] = 0
    assert np.array_equal(scores(rank_bench, opened, len(whole), query), whole @ query)


def test_the_largest_dimension_is_exact_and_has_room(rng: np.random.Generator) -> None:
    preset = rank_preset("rank-512")
    keys = generate_ranked(preset)
    encryptor = RankEncryptor(keys.encryption)
    whole = np.concatenate([extremes(preset), templates(preset, 90, rng)])
    key_id = keys.encryption.key_id
    block = forms.read(forms.BLOCK, preset, key_id, encryptor.block(whole))
    (result,) = scan(encryptor.query(whole[20]), Gallery(preset, key_id, [block]))
    decryptor = RankDecryptor(keys.secret)
    assert np.array_equal(decryptor.scores([result], len(whole)), whole @ whole[20])
    assert decryptor.noise_budget(result) >= 2


def test_noise_is_what_the_preset_says(
    rank_bench: RankBench, gallery: tuple[Templates, Gallery, list[bytes]]
) -> None:
    """Its root mean square, from which the tail follows, and the largest of 8,192 coefficients."""
    whole, opened, _ = gallery
    preset, decryptor = rank_bench.preset, RankDecryptor(rank_bench.keys.secret)
    query = rank_bench.encryptor.query(whole[2])
    assert min(decryptor.noise_budget(result) for result in scan(query, opened)) >= 2
    probe = forms.read(forms.QUERY, preset, opened.key_id, query)
    for block in opened.blocks:
        data = objects.write_ciphertext(preset, multiply(preset, probe, block).astype(np.uint64))
        before = serialized.load_into(rank_bench.context, sealapi.Ciphertext, data)
        # Of 46 bits, 30.8 are for one standard deviation and 2.2 more for the largest of 4,096.
        assert int(rank_bench.decryptor.invariant_noise_budget(before)) >= 11
    ring = 2 * preset.poly_degree / 3
    product = log2(
        (1 + ring) / 12 * (2 * preset.dimension * preset.poly_degree) ** 0.5 * preset.plain_modulus
    )
    rounding = ((1 + ring + 2 * ring**2) / 12) ** 0.5
    assert product == pytest.approx(30.8, abs=0.1)
    assert rounding == pytest.approx(1115, abs=1)
    assert preset.primes[0] / (2 * preset.plain_modulus) / rounding > 58


@pytest.mark.parametrize("preset", [pytest.param(each, id=each.name) for each in RANK_PRESETS.values()])
def test_parameters(preset: RankPreset) -> None:
    limit = sealapi.CoeffModulus.MaxBitCount(preset.poly_degree, sealapi.SEC_LEVEL_TYPE.TC128)
    context = seal.context(preset)
    assert context.parameters_set()
    assert sum(p.bit_length() for p in preset.primes) == 90 < limit
    assert all(p % preset.plain_modulus == 1 and p < 2**30 for p in preset.primes)
    assert 2 * preset.squared_norm < preset.plain_modulus
    assert preset.primes[1] < preset.primes[0]
    identifiers = {3: context.key_parms_id(), 2: context.first_parms_id(), 1: context.last_parms_id()}
    for primes, words in identifiers.items():
        assert np.frombuffer(preset.parms_id(primes), "<u8").tolist() == list(words)
    assert forms.size(preset) == 64 + 16 * preset.dimension * preset.poly_degree
    assert [preset.blocks(count) for count in (1, 4096, 4097, 1_000_000)] == [1, 1, 2, 245]


def test_equal_templates_have_unequal_ciphertexts(rank_bench: RankBench) -> None:
    row = np.zeros(1, np.int64)
    one, other = rank_bench.encryptor._encrypt(row), rank_bench.encryptor._encrypt(row)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(np.zeros((1, 127), np.int64), id="dimension"),
        pytest.param(np.zeros((1, 128)), id="not integers"),
        pytest.param(np.full((1, 128), 6, np.int64), id="too long"),
        pytest.param(np.zeros((4097, 128), np.int64), id="too many"),
    ],
)
def test_templates_that_are_refused(rank_bench: RankBench, wrong: Templates) -> None:
    with pytest.raises(ConfigurationError):
        rank_bench.encryptor.block(wrong)


def changed(at: int, value: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + value + data[at + len(value) :]


FALSE_FORMS: dict[str, tuple[Callable[[bytes], bytes], type[BlindwatchError]]] = {
    "nothing but a header": (lambda data: data[:64], MalformedCiphertext),
    "less than a header": (lambda data: data[:63], MalformedCiphertext),
    "one byte short": (lambda data: data[:-1], MalformedCiphertext),
    "one byte long": (lambda data: data + b"\0", MalformedCiphertext),
    "a query": (changed(0, forms.QUERY), MalformedCiphertext),
    "of another preset": (changed(8, b"rank-256"), WrongPreset),
    "of another key": (changed(32, bytes(32)), WrongKey),
    "with its first prime as residue": (changed(64, (1073692673).to_bytes(4, "little")), MalformedCiphertext),
    "with a residue over its last prime": (lambda data: data[:-4] + b"\xff" * 4, MalformedCiphertext),
}


@pytest.mark.parametrize("name", FALSE_FORMS)
def test_blocks_that_are_refused(
    tmp_path: Path, gallery: tuple[Templates, Gallery, list[bytes]], name: str
) -> None:
    _, opened, blocks = gallery
    change, error = FALSE_FORMS[name]
    file = tmp_path / "block"
    file.write_bytes(change(blocks[0]))
    with pytest.raises(error):
        Gallery.open(opened.preset, opened.key_id, [file])


def test_a_gallery_is_mapped_and_verified(
    tmp_path: Path, gallery: tuple[Templates, Gallery, list[bytes]]
) -> None:
    _, opened, blocks = gallery
    file, empty = tmp_path / "block", tmp_path / "empty"
    file.write_bytes(blocks[1])
    empty.touch()
    again = Gallery.open(opened.preset, opened.key_id, [file])
    assert np.array_equal(again.blocks[0], opened.blocks[1])
    assert not again.blocks[0].flags.writeable
    verify(file, hashlib.sha256(blocks[1]).hexdigest())
    with pytest.raises(MissingBlob):
        verify(file, "0" * 64)
    for missing in (empty, tmp_path / "nowhere"):
        with pytest.raises(MissingBlob):
            Gallery.open(opened.preset, opened.key_id, [missing])
    with pytest.raises(EmptyWatchlist):
        Gallery.open(opened.preset, opened.key_id, [])


def test_results_that_are_refused(
    rank_bench: RankBench, gallery: tuple[Templates, Gallery, list[bytes]]
) -> None:
    whole, opened, _ = gallery
    decryptor = RankDecryptor(rank_bench.keys.secret)
    results = scan(rank_bench.encryptor.query(whole[0]), opened)
    for entries, given_ in (
        (len(whole), results[:1]),
        (len(whole), [results[0], results[1][:-4]]),
        (len(whole), [results[0], b"\xff" * len(results[1])]),
        (len(whole) - 1, results[::-1]),
        (4100, results),
    ):
        with pytest.raises(MalformedCiphertext):
            decryptor.scores(given_, entries)


def test_keys_come_back_and_false_ones_are_refused(rank_bench: RankBench) -> None:
    key = rank_bench.keys.encryption
    assert RankKey.from_bytes(key.to_bytes()) == key
    for data in (b"", b"\xa0", key.to_bytes()[:-1], key.to_bytes().replace(b"ranked", b"hanked")):
        with pytest.raises(MalformedCiphertext):
            RankKey.from_bytes(data)
    with pytest.raises(WrongPreset):
        RankKey.from_bytes(key.to_bytes().replace(b"rank-128", b"rank-129"))
    with pytest.raises(CipherError):
        RankEncryptor(dataclasses.replace(key, public=b"no key"))
    with pytest.raises(WrongKey):
        RankDecryptor(dataclasses.replace(rank_bench.keys.secret, material=b"no key"))
