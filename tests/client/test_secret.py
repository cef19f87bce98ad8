"""The wrapped secret key: it opens with the secret of its shares, with stock tools as well, and with nothing else."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pyrage
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blindwatch.errors import CipherError, MalformedCiphertext, WrongKey, WrongPreset
from blindwatch.he.presets import PRESETS, preset
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.secret.keys import Decryptor, KeySet, SecretKey, generate
from blindwatch.secret.ranked import RankDecryptor, RankSecret, generate_ranked
from blindwatch.secret.shares import new_master
from blindwatch.secret.wrapping import identity, unwrap, unwrap_ranked, wrap
from blindwatch.wire import cbor

MASTER = bytes(range(32))
SECRET = SecretKey(preset("reveal-128"), "ab" * 32, bytes(range(256)) * 4)
RANKED = RankSecret(rank_preset("rank-128"), "cd" * 32, bytes(range(256)))
CONTENT: dict[str, cbor.Value] = {
    "kind": "blindwatch secret key",
    "preset": "reveal-128",
    "keyId": "ab" * 32,
    "material": SECRET.material,
}


@cache
def wrapped() -> bytes:
    return wrap(SECRET, MASTER)


def sealed(content: bytes) -> bytes:
    data: bytes = pyrage.encrypt(content, [pyrage.x25519.Identity.from_str(identity(MASTER)).to_public()])
    return data


def test_it_opens_with_its_secret_and_no_other() -> None:
    assert unwrap(wrapped(), MASTER) == SECRET
    with pytest.raises(WrongKey, match="shares do not open"):
        unwrap(wrapped(), new_master())


def test_kinds_are_told_apart() -> None:
    assert unwrap_ranked(wrap(RANKED, MASTER), MASTER) == RANKED
    with pytest.raises(WrongPreset):
        unwrap_ranked(wrapped(), MASTER)
    with pytest.raises(WrongPreset):
        unwrap(wrap(RANKED, MASTER), MASTER)


def test_equal_keys_are_never_wrapped_equally() -> None:
    assert wrapped() != wrap(SECRET, MASTER)


def test_the_key_is_in_neither_the_wrapping_nor_what_is_printed_of_it() -> None:
    assert SECRET.material[:16] not in wrapped()
    for secret in (SECRET, RANKED):
        assert "material" not in repr(secret)
        assert repr(secret.material) not in repr(secret)


@given(st.binary(min_size=32, max_size=32))
def test_identities_are_those_of_age(master: bytes) -> None:
    """The library reads what is written, and refuses it with one letter changed."""
    text = identity(master)
    pyrage.x25519.Identity.from_str(text)
    with pytest.raises(pyrage.IdentityError):
        pyrage.x25519.Identity.from_str(text[:-1] + ("Q" if text[-1] != "Q" else "P"))


def test_the_library_opens_it_without_us() -> None:
    opened = pyrage.decrypt(wrapped(), [pyrage.x25519.Identity.from_str(identity(MASTER))])
    assert cbor.decode(opened, 10_000) == CONTENT


@pytest.mark.skipif(shutil.which("age") is None, reason="needs the age command")
def test_the_stock_tool_opens_it(tmp_path: Path) -> None:
    (tmp_path / "secret.key.age").write_bytes(wrapped())
    (tmp_path / "identity").write_text(identity(MASTER) + "\n")
    command = ["age", "--decrypt", "-i", str(tmp_path / "identity"), str(tmp_path / "secret.key.age")]
    opened = subprocess.run(command, capture_output=True, check=True).stdout
    assert cbor.decode(opened, 10_000) == CONTENT


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    changed = bytearray(wrapped())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WrongKey):
        unwrap(bytes(changed), MASTER)


@given(st.data())
def test_any_other_length_is_noticed(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(wrapped()) - 1))
    with pytest.raises(WrongKey):
        unwrap(wrapped()[:cut], MASTER)
    with pytest.raises(WrongKey):
        unwrap(wrapped() + data.draw(st.binary(min_size=1)), MASTER)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"something",
        cbor.encode(dict(CONTENT, kind="blindwatch wrapped secret key")),
        cbor.encode(dict(CONTENT, more=1)),
        cbor.encode(dict(CONTENT, material="text")),
        cbor.encode({name: value for name, value in CONTENT.items() if name != "keyId"}),
    ],
)
def test_a_file_of_something_else(content: bytes) -> None:
    for opening in (unwrap, unwrap_ranked):
        with pytest.raises(WrongKey, match="something else"):
            opening(sealed(content), MASTER)


def test_a_key_of_a_preset_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "blindwatch.he.presets.PRESETS", {k: v for k, v in PRESETS.items() if k != "reveal-128"}
    )
    with pytest.raises(WrongPreset):
        unwrap(wrapped(), MASTER)


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
