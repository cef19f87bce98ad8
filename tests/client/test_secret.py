"""The wrapped secret key: it opens with its passphrase, and whatever else is tried is a clear error."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blindwatch.errors import CipherError, MalformedCiphertext, WrongKey, WrongPreset
from blindwatch.he.presets import PRESETS, preset
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.secret import wrapping
from blindwatch.secret.keys import Decryptor, KeySet, SecretKey, generate
from blindwatch.secret.ranked import RankDecryptor, RankSecret, generate_ranked
from blindwatch.secret.wrapping import unwrap, unwrap_ranked, wrap
from blindwatch.wire import cbor

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of keys that are made for one run
SECRET = SecretKey(preset("reveal-128"), "ab" * 32, bytes(range(256)) * 4)
RANKED = RankSecret(rank_preset("rank-128"), "cd" * 32, bytes(range(256)))
REAL_COST = wrapping._COST


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    """Guessing is cheap here, so that many examples take little time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "_COST", 2)
        yield


@cache
def wrapped() -> bytes:
    return wrap(SECRET, PASSPHRASE)


def test_it_opens_with_its_passphrase_at_its_real_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrapping, "_COST", REAL_COST)
    data = wrap(SECRET, PASSPHRASE)
    assert unwrap(data, PASSPHRASE) == SECRET
    with pytest.raises(WrongKey, match="passphrase"):
        unwrap(data, PASSPHRASE + " ")
    assert REAL_COST >= 2**16


def test_kinds_are_told_apart() -> None:
    assert unwrap_ranked(wrap(RANKED, PASSPHRASE), PASSPHRASE) == RANKED
    with pytest.raises(WrongPreset):
        unwrap_ranked(wrapped(), PASSPHRASE)
    with pytest.raises(WrongPreset):
        unwrap(wrap(RANKED, PASSPHRASE), PASSPHRASE)


def test_equal_keys_are_never_wrapped_equally() -> None:
    first, second = (cbor.decode(wrap(SECRET, PASSPHRASE), 10_000) for _ in range(2))
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert {name for name in first if first[name] != second[name]} == {"salt", "nonce", "sealed"}


def test_the_key_is_in_neither_the_wrapping_nor_what_is_printed_of_it() -> None:
    assert SECRET.material[:16] not in wrapped()
    for secret in (SECRET, RANKED):
        assert "material" not in repr(secret)
        assert repr(secret.material) not in repr(secret)


@given(st.text())
@example("")
@example(PASSPHRASE.upper())
def test_no_other_passphrase_opens_it(passphrase: str) -> None:
    if passphrase != PASSPHRASE:
        with pytest.raises(WrongKey, match="passphrase"):
            unwrap(wrapped(), passphrase)


@given(st.data())
def test_no_bit_of_it_can_change(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(wrapped()) - 1))
    changed = bytearray(wrapped())
    changed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(WrongKey):
        unwrap(bytes(changed), PASSPHRASE)


@given(st.data())
def test_nothing_of_it_can_be_missing_or_follow_it(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(wrapped()) - 1))
    with pytest.raises(WrongKey, match="not a wrapped secret key"):
        unwrap(wrapped()[:cut], PASSPHRASE)
    with pytest.raises(WrongKey, match="not a wrapped secret key"):
        unwrap(wrapped() + data.draw(st.binary(min_size=1)), PASSPHRASE)


@given(st.binary())
def test_other_files_are_told_from_keys(data: bytes) -> None:
    for opening in (unwrap, unwrap_ranked):
        with pytest.raises(WrongKey, match="not a wrapped secret key"):
            opening(data, PASSPHRASE)


def test_the_public_keys_are_no_secret_keys(keys: KeySet) -> None:
    for data in (keys.encryption.to_bytes(), keys.secret.material, b"{}", b""):
        with pytest.raises(WrongKey, match="not a wrapped secret key"):
            unwrap(data, PASSPHRASE)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(), st.binary())


@given(st.sampled_from(["kind", "preset", "keyId", "salt", "nonce", "sealed", "more"]), VALUES)
@example("sealed", b"")
@example("sealed", b"\0" * 15)
@example("nonce", b"")
@example("salt", b"\0" * 16)
@example("preset", "insecure-noop-128")
@example("preset", "unheard-of")
def test_no_field_of_it_can_be_another(name: str, value: Any) -> None:
    parts = cbor.decode(wrapped(), 10_000)
    assert isinstance(parts, dict)
    if parts.get(name) != value:
        with pytest.raises(WrongKey):
            unwrap(cbor.encode({**parts, name: value}), PASSPHRASE)


def test_a_key_of_a_preset_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "blindwatch.he.presets.PRESETS", {k: v for k, v in PRESETS.items() if k != "reveal-128"}
    )
    with pytest.raises(WrongPreset):
        unwrap(wrapped(), PASSPHRASE)


# What is inside


@given(st.binary(max_size=400))
@example(b"")
def test_what_is_no_key_does_not_decrypt(material: bytes) -> None:
    with pytest.raises(WrongKey):
        Decryptor(SecretKey(SECRET.preset, SECRET.key_id, material))
    with pytest.raises(WrongKey):
        RankDecryptor(RankSecret(RANKED.preset, RANKED.key_id, material))


@pytest.mark.parametrize("kept", [1, 100, 0.5, -1])
def test_a_key_that_was_cut_does_not_decrypt(keys: KeySet, kept: float) -> None:
    material = keys.secret.material
    cut = material[: int(kept * len(material)) if isinstance(kept, float) else kept]
    with pytest.raises(WrongKey):
        Decryptor(SecretKey(keys.secret.preset, keys.secret.key_id, cut))


def test_a_key_of_other_parameters_does_not_decrypt(keys: KeySet) -> None:
    ranked = generate_ranked(RANKED.preset)
    with pytest.raises(WrongKey):
        Decryptor(SecretKey(keys.secret.preset, keys.secret.key_id, ranked.secret.material))
    with pytest.raises(WrongKey):
        RankDecryptor(RankSecret(RANKED.preset, keys.secret.key_id, keys.secret.material))


@given(st.binary(max_size=300), st.booleans())
def test_what_is_no_ciphertext_is_refused(keys: KeySet, data: bytes, insecure: bool) -> None:
    secret = generate(preset("insecure-noop-128")).secret if insecure else keys.secret
    with pytest.raises(CipherError):
        Decryptor(secret).slots(data)


def test_a_fresh_ciphertext_is_no_release(keys: KeySet) -> None:
    with pytest.raises((MalformedCiphertext, WrongPreset)):
        Decryptor(keys.secret).slots(b"\0" * 2**19)
