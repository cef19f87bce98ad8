"""Serialized ciphertexts: what SEAL writes we read, what we write SEAL reads, and everything else is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tenseal.sealapi as sealapi
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import CipherError, MalformedCiphertext, WrongPreset
from blindwatch.he import objects, seal
from blindwatch.he.presets import Preset, preset

from .conftest import Bench

Change = Callable[[bytearray], None]


@pytest.fixture(scope="module")
def fresh(bench: Bench) -> bytes:
    return seal.save(bench.theirs.load(bench.encrypt(np.arange(bench.preset.poly_degree))))


def body_of(data: bytes) -> bytearray:
    return bytearray(zstandard.ZstdDecompressor().decompress(data[16:], max_output_size=1 << 24))


def raw(body: bytes | bytearray) -> bytes:
    header = objects.HEADER.pack(objects.MAGIC, 16, *objects.VERSION, objects.RAW, 0, 16 + len(body))
    return header + bytes(body)


def test_what_is_written_is_what_seal_reads(bench: Bench, fresh: bytes) -> None:
    content = objects.read_ciphertext(bench.preset, fresh, bench.preset.data_primes)
    again = objects.write_ciphertext(bench.preset, content.residues)
    loaded = seal.load(bench.preset, sealapi.Ciphertext, again)
    assert np.array_equal(bench.open(loaded), np.arange(bench.preset.poly_degree))


def test_an_uncompressed_ciphertext_is_read_too(bench: Bench, fresh: bytes) -> None:
    plain = raw(body_of(fresh))
    one, other = (objects.read_ciphertext(bench.preset, each, 7).residues for each in (fresh, plain))
    assert np.array_equal(one, other)


def set_byte(at: int, value: int) -> Change:
    def change(data: bytearray) -> None:
        data[at] = value

    return change


HEADERS: dict[str, Change] = {
    "empty": lambda data: data.clear(),
    "shorter than its header": lambda data: data.__delitem__(slice(15, None)),
    "another magic": set_byte(0, 0),
    "another header size": set_byte(2, 17),
    "another version": set_byte(4, 1),
    "unknown compression": set_byte(5, 1),
    "reserved bytes in use": set_byte(6, 1),
    "another size than it says": lambda data: data.append(0),
    "larger than any of the preset": lambda data: data.extend(bytes(300_000)),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_false_header_is_refused(bench: Bench, fresh: bytes, name: str) -> None:
    data = bytearray(fresh)
    HEADERS[name](data)
    if name.startswith("larger"):
        data[8:16] = len(data).to_bytes(8, "little")
    with pytest.raises(MalformedCiphertext):
        objects.read_ciphertext(bench.preset, bytes(data), bench.preset.data_primes)


BODIES: dict[str, tuple[Change, type[CipherError]]] = {
    "of other parameters": (set_byte(0, 1), WrongPreset),
    "neither in NTT form nor not": (set_byte(32, 2), MalformedCiphertext),
    "of three polynomials": (set_byte(33, 3), MalformedCiphertext),
    "of another degree": (set_byte(42, 0), MalformedCiphertext),
    "of fewer primes": (set_byte(49, 6), MalformedCiphertext),
    "of another scale": (set_byte(64, 0), MalformedCiphertext),
    "of another correction": (set_byte(65, 2), MalformedCiphertext),
    "with another count": (set_byte(89, 1), MalformedCiphertext),
    "with a residue of its prime or more": (set_byte(104, 0xFF), MalformedCiphertext),
    "one byte short": (lambda body: body.__delitem__(-1), MalformedCiphertext),
    "one byte long": (lambda body: body.append(0), MalformedCiphertext),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("compressed", [True, False])
def test_a_false_body_is_refused(bench: Bench, fresh: bytes, name: str, compressed: bool) -> None:
    change, error = BODIES[name]
    body = body_of(fresh)
    change(body)
    if compressed:
        packed = zstandard.ZstdCompressor().compress(bytes(body))
        mode, total = objects.ZSTANDARD, 16 + len(packed)
        data = objects.HEADER.pack(objects.MAGIC, 16, *objects.VERSION, mode, 0, total) + packed
    else:
        data = raw(body)
    with pytest.raises(error):
        objects.read_ciphertext(bench.preset, data, bench.preset.data_primes)


def test_a_small_input_that_expands_without_end_is_refused(real: Preset) -> None:
    packed = zstandard.ZstdCompressor().compress(bytes(1 << 28))
    mode, total = objects.ZSTANDARD, 16 + len(packed)
    data = objects.HEADER.pack(objects.MAGIC, 16, *objects.VERSION, mode, 0, total) + packed
    with pytest.raises(MalformedCiphertext):
        objects.read_ciphertext(real, data, real.data_primes)


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_a_cipher_error(data: bytes) -> None:
    for candidate in (data, raw(data)):
        with pytest.raises(CipherError):
            objects.read_ciphertext(preset("reveal-128"), candidate, 7)
