"""Sealed faces: one length, bound to their probe, closed to everybody who has not both keys."""

from __future__ import annotations

import base64
from secrets import token_bytes

import pytest

from blindwatch.errors import CropClosed, MalformedMessage
from blindwatch.he.presets import preset
from blindwatch.secret.crops import Opener, recipient
from blindwatch.secret.keys import SecretKey, generate
from blindwatch.wire import crops

from ..crops import crop_key

HERE = ("gate-4", "north", "0f" * 16)
BOUND = crops.bound_to(*HERE)
KEY = bytes(range(16))


@pytest.fixture(scope="module")
def secret() -> SecretKey:
    made = generate(preset("insecure-noop-128")).secret
    return SecretKey(made.preset, made.key_id, token_bytes(64))


@pytest.fixture(scope="module")
def to(secret: SecretKey) -> crops.Recipient:
    return crops.Recipient(recipient(secret))


@pytest.mark.parametrize("length", [0, 1, 5000, crops.LONGEST])
def test_what_was_sealed_opens_to_the_same_and_has_one_length(
    length: int, secret: SecretKey, to: crops.Recipient
) -> None:
    image = token_bytes(length)
    sealed = to.seal(crops.pad(image), BOUND)
    wrapped = crops.wrap(sealed, KEY, BOUND)
    assert (len(sealed), len(wrapped)) == (crops.SEALED, crops.WRAPPED)
    assert Opener(secret).open(crops.unwrap(wrapped, KEY, BOUND), BOUND) == image


def test_what_is_too_long_is_not_cut() -> None:
    with pytest.raises(ValueError, match="too long"):
        crops.pad(bytes(crops.LONGEST + 1))


@pytest.mark.parametrize("place", range(3), ids=["deployment", "camera", "probe"])
def test_neither_layer_opens_elsewhere(place: int, secret: SecretKey, to: crops.Recipient) -> None:
    names = list(HERE)
    names[place] = "other"
    elsewhere = crops.bound_to(*names)
    sealed = to.seal(crops.pad(b"a face"), BOUND)
    with pytest.raises(CropClosed):
        Opener(secret).open(sealed, elsewhere)
    with pytest.raises(CropClosed):
        crops.unwrap(crops.wrap(sealed, KEY, BOUND), KEY, elsewhere)


def test_whatever_is_changed_is_refused(secret: SecretKey, to: crops.Recipient) -> None:
    sealed = to.seal(crops.pad(b"a face"), BOUND)
    wrapped, opener = crops.wrap(sealed, KEY, BOUND), Opener(secret)
    for at in (*range(0, crops.WRAPPED, 997), crops.WRAPPED - 1):
        with pytest.raises(CropClosed):
            crops.unwrap(_flipped(wrapped, at), KEY, BOUND)
    for at in (*range(0, crops.SEALED, 997), crops.SEALED - 1):
        with pytest.raises(CropClosed):
            opener.open(_flipped(sealed, at), BOUND)
    with pytest.raises(CropClosed):
        crops.unwrap(wrapped, _flipped(KEY, 3), BOUND)


def test_another_secret_key_does_not_open(secret: SecretKey, to: crops.Recipient) -> None:
    sealed = to.seal(crops.pad(b"a face"), BOUND)
    other = Opener(SecretKey(secret.preset, secret.key_id, token_bytes(64)))
    with pytest.raises(CropClosed):
        other.open(sealed, BOUND)
    opener = Opener(secret)
    opener.forget()
    with pytest.raises(Exception, match="released"):
        opener.open(sealed, BOUND)


def test_two_faces_are_never_sealed_to_the_same_bytes(to: crops.Recipient) -> None:
    first, again = (to.seal(crops.pad(b"a face"), BOUND) for _ in range(2))
    assert first != again


@pytest.mark.parametrize(
    "padded",
    [b"", bytes(crops.PADDED - 1), b"\xff\xff" + bytes(crops.PADDED - 2), bytes(crops.PADDED - 1) + b"x"],
    ids=["nothing", "short", "longer than it is", "not padded by zeros"],
)
def test_another_form_is_refused(padded: bytes) -> None:
    with pytest.raises(CropClosed):
        crops.unpad(padded)


@pytest.mark.parametrize(
    "text",
    ["", "?", base64.b64encode(bytes(crops.PUBLIC_BYTES - 1)).decode(), "A" * 1621 + "===", "ä"],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        crops.Recipient(text)


def test_a_public_key_has_its_length(secret: SecretKey) -> None:
    assert {len(base64.b64decode(each)) for each in (crop_key(), recipient(secret))} == {crops.PUBLIC_BYTES}
    assert recipient(secret) == recipient(secret)


def test_a_key_that_was_not_released_may_have_pieces_that_no_key_has() -> None:
    assert crops.from_pieces([0, 1, 65535, 2, 3, 4, 5, 256]).hex() == "00000001ffff00020003000400050100"
    with pytest.raises(CropClosed):
        crops.from_pieces([0, 0, 65536, 0, 0, 0, 0, 0])


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
