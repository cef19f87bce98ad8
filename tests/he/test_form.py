"""Ciphertexts as they are sent and kept: SEAL reads them by what the documentation says, and each has one form."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import CipherError, MalformedCiphertext
from blindwatch.he import form, objects, seal
from blindwatch.he.preflight import check_part, check_probe
from blindwatch.he.presets import PRESETS, Preset, preset

from .conftest import Bench

ENGINE = Path(__file__).parents[2] / "docs" / "engine.md"
REAL = [each for each in PRESETS.values() if not each.is_insecure]


def residues(chosen: Preset, primes: int, seed: int = 0) -> objects.Residues:
    """Random ones, and the lowest and the highest that there are."""
    moduli = np.array(chosen.primes[:primes], dtype=np.uint64)[:, np.newaxis]
    shape = (2, primes, chosen.poly_degree)
    drawn = np.random.default_rng(seed).integers(0, moduli, shape, dtype=np.uint64)
    drawn[..., 0], drawn[..., -1] = 0, moduli[:, 0] - 1
    return drawn


@pytest.fixture(scope="module")
def fresh(bench: Bench) -> bytes:
    return bench.encrypt(np.arange(bench.preset.poly_degree))


def test_it_is_read_as_the_documentation_says(bench: Bench, fresh: bytes) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", ENGINE.read_text(), re.DOTALL)
    names = {"data": fresh, "context": seal.context(bench.preset)}
    exec(code, names)  # noqa: S102 - what the documentation tells others to run
    assert np.array_equal(bench.open(names["ciphertext"]), np.arange(bench.preset.poly_degree))


@pytest.mark.parametrize("chosen", REAL, ids=lambda each: each.name)
@pytest.mark.parametrize("primes", [1, 3, 7])
def test_every_residue_comes_back(chosen: Preset, primes: int) -> None:
    expected = residues(chosen, primes)
    data = form.write(chosen, expected)
    assert len(data) == form.size(chosen, primes) == objects.raw_size(chosen, 2, primes) - 2 * expected.size
    assert np.array_equal(form.read(chosen, data, primes), expected)


@pytest.mark.parametrize("chosen", REAL, ids=lambda each: each.name)
def test_six_bytes_hold_every_residue(chosen: Preset) -> None:
    assert max(chosen.primes[: chosen.data_primes]) < 1 << 48


def test_a_ciphertext_has_one_form(bench: Bench, fresh: bytes) -> None:
    again = form.write(bench.preset, form.read(bench.preset, fresh, bench.preset.data_primes))
    assert again == fresh


def test_every_byte_of_the_header_counts(real: Preset) -> None:
    data = form.write(real, residues(real, 1))
    for at in range(objects.HEAD_BYTES):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(MalformedCiphertext):
            form.read(real, bytes(changed), 1)


def test_other_lengths_are_refused(real: Preset, fresh: bytes) -> None:
    for data in (
        b"",
        fresh[:-1],
        fresh + b"\0",
        fresh[: form.size(real, 3)],
        form.write(real, residues(real, 6)),
    ):
        with pytest.raises(MalformedCiphertext):
            form.read(real, data, real.data_primes)


@pytest.mark.parametrize("place", [0, 16383, 16384, -1])
def test_a_residue_that_is_not_below_its_prime_is_refused(real: Preset, place: int) -> None:
    high = residues(real, 2)
    high.reshape(-1)[place] = max(real.primes)
    with pytest.raises(MalformedCiphertext):
        form.read(real, form.write(real, high), 2)


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_a_cipher_error(body: bytes) -> None:
    chosen = preset("reveal-128")
    head = objects.head(chosen, (2, 1, chosen.poly_degree))
    full = (head + body).ljust(form.size(chosen, 1), b"\xff")
    for candidate in (body, head + body, full):
        with pytest.raises(CipherError):
            form.read(chosen, candidate, 1)


def test_what_seal_writes_itself_is_not_taken(bench: Bench, fresh: bytes) -> None:
    theirs = bench.theirs.load(fresh)
    uncompressed = objects.write_ciphertext(bench.preset, seal.residues(bench.preset, theirs))
    for data in (seal.save(theirs), uncompressed, bench.keys.encryption.public):
        for load in (bench.ours.load, bench.theirs.load):
            with pytest.raises(MalformedCiphertext):
                load(data)


def test_probes_and_parts_are_told_by_size(real: Preset) -> None:
    coarse, fine, neither = (form.write(real, residues(real, primes)) for primes in (7, 3, 2))
    check_probe(real, coarse)
    check_part(real, coarse)
    check_part(real, fine)
    for check, data in ((check_probe, fine), (check_probe, neither), (check_part, neither)):
        with pytest.raises(MalformedCiphertext):
            check(real, data)
