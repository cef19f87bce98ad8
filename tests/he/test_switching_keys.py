"""Serialized key-switching keys, read without SEAL: the same residues as SEAL's, and everything else is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tenseal.sealapi as sealapi
import zstandard

from blindwatch.errors import CipherError, MalformedCiphertext
from blindwatch.he import objects, seal
from blindwatch.he.presets import Preset
from blindwatch.secret.keys import KeySet

Change = Callable[[bytearray], None]
FIRST_DIGIT = 48  # after the identifier and the numbers of places and of digits
PART_HEADER, PART_META = FIRST_DIGIT, FIRST_DIGIT + 16


def read(
    preset: Preset, data: bytes, places: int = 1, indices: tuple[int, ...] = (0,)
) -> dict[int, list[objects.Residues]]:
    return dict(objects.read_switching_keys(preset, data, places, indices))


@pytest.fixture(scope="module")
def body(keys: KeySet) -> bytes:
    """The relinearisation key, expanded."""
    return zstandard.ZstdDecompressor().decompress(
        keys.evaluation.relinearisation[16:], max_output_size=1 << 25
    )


def raw(body: bytes | bytearray) -> bytes:
    header = objects.HEADER.pack(objects.MAGIC, 16, *objects.VERSION, objects.RAW, 0, 16 + len(body))
    return header + bytes(body)


def test_the_digits_are_those_of_seal(real: Preset, keys: KeySet) -> None:
    relinearisation = seal.load(real, sealapi.RelinKeys, keys.evaluation.relinearisation)
    (digits,) = read(real, keys.evaluation.relinearisation).values()
    for ours, theirs in zip(digits, relinearisation.key(2), strict=True):
        content = objects.read_ciphertext(real, seal.save(theirs), len(real.primes))
        assert np.array_equal(ours, content.residues)


def test_an_uncompressed_key_is_read_too(real: Preset, keys: KeySet, body: bytes) -> None:
    (packed,), (plain,) = read(real, keys.evaluation.relinearisation).values(), read(real, raw(body)).values()
    assert all(np.array_equal(a, b) for a, b in zip(packed, plain, strict=True))


def put(at: int, value: bytes) -> Change:
    def change(data: bytearray) -> None:
        data[at : at + len(value)] = value

    return change


BODIES: dict[str, Change] = {
    "of another preset": put(0, b"\0"),
    "with another number of places": put(32, b"\2"),
    "with another number of digits": put(40, b"\6"),
    "without a digit": put(40, b"\0"),
    "with a part of another magic": put(PART_HEADER, b"\0"),
    "with a part of another size": put(PART_HEADER + 8, b"\0"),
    "with a part that says it is compressed": put(PART_HEADER + 5, b"\2"),
    "with a part of another level": put(PART_META, b"\0"),
    "with a part that is not transformed": put(PART_META + 32, b"\0"),
    "with a residue of its prime or more": put(FIRST_DIGIT + 16 + 97, b"\xff" * 8),
    "one byte short": lambda data: data.__delitem__(-1),
    "one byte long": lambda data: data.append(0),
    "empty": lambda data: data.clear(),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_false_key_is_refused(real: Preset, body: bytes, name: str) -> None:
    changed = bytearray(body)
    BODIES[name](changed)
    with pytest.raises(CipherError):
        read(real, raw(changed))


def test_keys_for_other_rotations_are_refused(real: Preset, keys: KeySet) -> None:
    steps = [2 * real.poly_degree - 1, 3, 9]
    for wanted in (steps[:2], [*steps, 27], [*steps[:2], 27]):
        places = [element // 2 for element in wanted]
        generator = sealapi.KeyGenerator(seal.context(real))
        made = sealapi.GaloisKeys()
        generator.create_galois_keys(steps, made)
        with pytest.raises(MalformedCiphertext):
            read(real, seal.save(made), real.poly_degree, tuple(places))
