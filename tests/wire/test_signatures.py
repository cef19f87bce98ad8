"""Signed requests: the profile holds, and whatever differs from it is refused."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import assume, given
from hypothesis import strategies as st

from blindwatch.errors import (
    AccessError,
    FutureRequest,
    InvalidSignature,
    MalformedMessage,
    StaleRequest,
    UnknownCamera,
    UnsignedRequest,
)
from blindwatch.wire import signatures
from blindwatch.wire.digests import check_content_digest, content_digest
from blindwatch.wire.signatures import Request, Verified, joined, key_id, sign, signature_base, verify

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEYS = {key_id(KEY.public_key()): KEY.public_key()}
NOW = 1_764_000_000
BODY = b"one probe"
LINE = {
    "method": b"POST",
    "path": b"/v1/deployments/gate-4/probes",
    "query": b"wait=1",
    "host": b"match.example:8470",
}
FIELDS = {"content-digest": content_digest(BODY).encode(), "content-type": b"application/cbor"}


def described(parts: dict[str, bytes]) -> tuple[Request, dict[str, str]]:
    fields = joined((name.encode(), parts[name]) for name in parts if name not in ("method", "path", "query"))
    return Request.of(parts["method"].decode("latin-1"), parts["path"], parts["query"], fields), fields


def signed(
    key: Ed25519PrivateKey = KEY, now: float = NOW, more: dict[str, bytes] | None = None
) -> dict[str, bytes]:
    """A request with a body as bytes by part, and the fields that sign it."""
    whole = {**LINE, **FIELDS, **(more or {})}
    added = sign(described(whole)[0], key, now)
    return {**whole, **{name.lower(): value.encode() for name, value in added.items()}}


def check(parts: dict[str, bytes], now: float = NOW) -> Verified:
    return verify(*described(parts), KEYS, now)


# What holds


def test_what_was_signed_holds() -> None:
    parts = signed()
    found = check(parts)
    assert found.key_id in KEYS
    assert (found.created, found.expires) == (NOW, NOW + signatures.LIFETIME)
    assert len(bytes.fromhex(found.nonce)) == 16
    assert check(signed()).nonce != found.nonce


def test_a_request_without_a_body_covers_no_digest() -> None:
    bare = dict(LINE, method=b"GET", query=b"")
    request, fields = described(bare)
    assert request.digest is None
    added = {name.lower(): value for name, value in sign(request, KEY, NOW).items()}
    assert '"@query");created' in added["signature-input"]
    assert verify(request, fields | added, KEYS, NOW).created == NOW


def test_the_example_of_the_standard() -> None:
    # RFC 9421, B.2.6: another choice of components, by the same construction and with the same algorithm.
    key = load_pem_private_key(
        b"-----BEGIN PRIVATE KEY-----\n"
        b"MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"
        b"-----END PRIVATE KEY-----\n",
        None,
    )
    assert isinstance(key, Ed25519PrivateKey)
    components = {
        "date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "@method": "POST",
        "@path": "/foo",
        "@authority": "example.com",
        "content-type": "application/json",
        "content-length": "18",
    }
    covered = " ".join(f'"{name}"' for name in components)
    base = signature_base(components, f'({covered});created=1618884473;keyid="test-key-ed25519"')
    expected = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    assert base64.b64encode(key.sign(base)).decode() == expected


def test_a_parameter_more_is_refused() -> None:
    parts = signed()
    parameters = parts["signature-input"].decode().removeprefix("blindwatch=") + ";extra=1"
    base = signature_base(described(parts)[0].components, parameters)
    parts["signature-input"] = f"blindwatch={parameters}".encode()
    parts["signature"] = f"blindwatch=:{base64.b64encode(KEY.sign(base)).decode()}:".encode()
    with pytest.raises(UnsignedRequest):
        check(parts)


# What is refused


@pytest.mark.parametrize(
    "missing", ["signature", "signature-input", "content-digest", "content-type", "host"]
)
def test_a_field_that_is_missing(missing: str) -> None:
    parts = signed()
    del parts[missing]
    with pytest.raises(AccessError):
        check(parts)


@pytest.mark.parametrize("again", ["signature", "signature-input", "content-digest", "content-type", "host"])
def test_a_field_that_comes_twice(again: str) -> None:
    parts = signed()
    with pytest.raises(AccessError):
        check(dict(parts, **{again: parts[again] + b", " + parts[again]}))
    assert joined([(b"A", b" 1 "), (b"b", b"2"), (b"a", b"3")]) == {"a": "1, 3", "b": "2"}


@pytest.mark.parametrize("field", [b"transfer-encoding: chunked", b"content-length: 9", b"content-type: a/b"])
def test_a_body_that_is_added(field: bytes) -> None:
    bare = dict(LINE, method=b"GET")
    request, _ = described(bare)
    added = {name.lower(): value.encode() for name, value in sign(request, KEY, NOW).items()}
    name, _, value = field.decode().partition(": ")
    assert check({**bare, **added})
    with pytest.raises(UnsignedRequest):
        check({**bare, **added, name: value.encode()})


def test_the_key_of_nobody() -> None:
    with pytest.raises(UnknownCamera):
        check(signed(OTHER))


def test_the_key_of_another_camera_under_this_one_s_name() -> None:
    stolen, own = signed(), signed(OTHER)
    with pytest.raises(InvalidSignature):
        check({**stolen, "signature": own["signature"]})


@given(st.sampled_from(sorted(signed())), st.data())
def test_one_byte_that_changed(part: str, data: st.DataObject) -> None:
    parts = signed()
    value = bytearray(parts[part])
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] ^= data.draw(st.integers(1, 255))
    changed = {**parts, part: bytes(value)}
    # A host in capitals is the same host, and a space around a value is not part of it.
    assume(described(changed) != described(parts) and described(changed)[0].authority != "")
    assume(part != "host" or described(changed)[0] != described(parts)[0])
    with pytest.raises(AccessError):
        check(changed)


@given(st.sampled_from(sorted(signed())), st.data())
def test_one_byte_more_or_less(part: str, data: st.DataObject) -> None:
    parts = signed()
    value = parts[part]
    at = data.draw(st.integers(0, len(value) - 1))
    added = bytes([data.draw(st.integers(33, 126))])
    for changed in (value[:at] + value[at + 1 :], value[:at] + added + value[at:]):
        with pytest.raises(AccessError):
            check({**parts, part: changed})


@given(st.binary(min_size=1, max_size=64), st.data())
def test_one_byte_of_the_body(body: bytes, data: st.DataObject) -> None:
    parts = signed(more={"content-digest": content_digest(body).encode()})
    check(parts)
    changed = bytearray(body)
    changed[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(MalformedMessage):
        check_content_digest(parts["content-digest"].decode(), bytes(changed), required=True)


def test_another_spelling_of_the_same_signature() -> None:
    parts = signed()
    text = parts["signature"].decode()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(text[-4]) + 1]
    changed = f"{text[:-4]}{other}{text[-3:]}"
    assert base64.b64decode(changed[12:-1]) == base64.b64decode(text[12:-1])
    with pytest.raises(UnsignedRequest):
        check(dict(parts, signature=changed.encode()))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(NOW - 6, FutureRequest, id="six seconds ahead"),
        pytest.param(NOW - 5.001, FutureRequest, id="just over five seconds ahead"),
        pytest.param(NOW - 5, None, id="five seconds ahead"),
        pytest.param(NOW + 59, None, id="one second before the end"),
        pytest.param(NOW + 59.999, None, id="just before the end"),
        pytest.param(NOW + 60, StaleRequest, id="at the end"),
        pytest.param(NOW + 61, StaleRequest, id="one second after the end"),
    ],
)
def test_times(now: float, expected: type[AccessError] | None) -> None:
    parts = signed()
    if expected is None:
        assert check(parts, now).created == NOW
        return
    with pytest.raises(expected, match=expected.problem.title):
        check(parts, now)


@given(st.binary(max_size=300), st.binary(max_size=120))
def test_fields_of_any_bytes(stated: bytes, value: bytes) -> None:
    with pytest.raises(UnsignedRequest):
        check({**signed(), "signature-input": stated, "signature": value})


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "caf\xe9", "\x7f"])
def test_what_cannot_be_signed(text: str) -> None:
    with pytest.raises(UnsignedRequest):
        signature_base({"@path": text}, "()")
