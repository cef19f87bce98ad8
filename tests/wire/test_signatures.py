"""Signed requests: the profile holds, an independent library agrees, and whatever differs is refused."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
    algorithms,
)
from http_message_signatures import (
    InvalidSignature as PeerRefuses,
)
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
from blindwatch.wire.credentials import Signing
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
COVERED = ("@method", "@authority", "@path", "@query", "content-digest", "content-type")


def described(parts: dict[str, bytes]) -> tuple[Request, dict[str, str]]:
    fields = joined((name.encode(), parts[name]) for name in parts if name not in ("method", "path", "query"))
    return Request.of(parts["method"].decode("latin-1"), parts["path"], parts["query"], fields), fields


def signed(key: Ed25519PrivateKey = KEY, now: float = NOW, **parts: bytes) -> dict[str, bytes]:
    """A request with a body as bytes by part, and the fields that sign it."""
    whole = {**LINE, **FIELDS, **parts}
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


# The library as the other side

RESOLVER = MappingKeyResolver(public_keys=dict(KEYS), private_keys={next(iter(KEYS)): KEY})
ADDRESSES = (
    "http://match.example:8470/v1/deployments/gate-4/probes",
    "http://match.example/v1/deployments/gate-4?wait=1&x=%2F",
    "https://Match.Example/v1/a%20b/?",
)


def message(method: str, address: str) -> httpx.Request:
    headers = {"Content-Type": "application/cbor", "Content-Digest": content_digest(BODY)}
    return httpx.Request(
        method,
        address,
        content=BODY if method == "POST" else None,
        headers=headers if method == "POST" else {},
    )


def through_ours(request: httpx.Request, now: float) -> Verified:
    path, _, query = request.url.raw_path.partition(b"?")
    fields = joined(request.headers.raw)
    return verify(Request.of(request.method, path, query, fields), fields, KEYS, now)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_library_verifies_what_we_sign(method: str, address: str) -> None:
    request = next(Signing(KEY).auth_flow(message(method, address)))
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=RESOLVER)
    required = COVERED if method == "POST" else COVERED[:4]
    (found,) = verifier.verify(
        request,
        max_age=timedelta(seconds=60),
        expect_tag=signatures.TAG,
        require_components=required,
        body=BODY if method == "POST" else b"",
    )
    assert found.parameters["keyid"] in KEYS
    request.headers["Host"] = "elsewhere.example"
    request.method = "PUT"
    with pytest.raises(PeerRefuses):
        verifier.verify(request, expect_tag=signatures.TAG)


def sign_with_library(request: httpx.Request, **changes: object) -> httpx.Request:
    created = datetime.fromtimestamp(NOW, UTC)
    options: dict[str, object] = {
        "key_id": next(iter(KEYS)),
        "created": created,
        "expires": created + timedelta(seconds=60),
        "nonce": "0f" * 16,
        "label": signatures.LABEL,
        "tag": signatures.TAG,
        "use_existing_digest": request.method == "POST",
        "covered_component_ids": COVERED if request.method == "POST" else COVERED[:4],
        **changes,
    }
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=RESOLVER)
    signer.sign(request, **options)  # type: ignore[arg-type]
    return request


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_we_verify_what_the_library_signs(method: str, address: str) -> None:
    found = through_ours(sign_with_library(message(method, address)), NOW)
    assert found == Verified(next(iter(KEYS)), "0f" * 16, NOW, NOW + 60)


OUTSIDE = [
    pytest.param({"label": "other"}, id="another label"),
    pytest.param({"tag": "another-tag"}, id="another tag"),
    pytest.param({"tag": None}, id="no tag"),
    pytest.param({"nonce": None}, id="no nonce"),
    pytest.param({"nonce": "0f" * 15}, id="a short nonce"),
    pytest.param({"nonce": "0F" * 16}, id="a nonce in capitals"),
    pytest.param({"expires": None}, id="no end"),
    pytest.param({"include_alg": False}, id="no algorithm"),
    pytest.param({"expires": datetime.fromtimestamp(NOW + 61, UTC)}, id="a long life"),
    pytest.param({"expires": datetime.fromtimestamp(NOW, UTC)}, id="no life"),
    pytest.param({"expires": datetime.fromtimestamp(NOW - 1, UTC)}, id="an end before the beginning"),
    pytest.param({"covered_component_ids": COVERED[:4]}, id="without the body"),
    pytest.param({"covered_component_ids": COVERED[1:]}, id="without the method"),
    pytest.param({"covered_component_ids": COVERED[::-1]}, id="in another order"),
    pytest.param({"covered_component_ids": (*COVERED, "host")}, id="with more"),
    pytest.param({"covered_component_ids": (*COVERED[:4], '"content-digest";sf', "content-type")}, id="sf"),
]


@pytest.mark.parametrize("changes", OUTSIDE)
def test_valid_signatures_outside_the_profile_are_refused(changes: dict[str, object]) -> None:
    request = sign_with_library(message("POST", ADDRESSES[0]), **changes)
    with pytest.raises(UnsignedRequest):
        through_ours(request, NOW)


def test_two_signatures_are_refused() -> None:
    twice = sign_with_library(
        sign_with_library(message("POST", ADDRESSES[0])), label="second", append_if_signature_exists=True
    )
    assert twice.headers["Signature-Input"].count("created") == 2
    with pytest.raises(UnsignedRequest):
        through_ours(twice, NOW)


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
    parts = signed(**{"content-digest": content_digest(body).encode()})
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


def test_the_client_signs_each_request_anew() -> None:
    seen: list[Verified] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(through_ours(request, time.time()))
        return httpx.Response(204)

    with httpx.Client(transport=httpx.MockTransport(answer), auth=Signing(KEY)) as client:
        client.get("http://match.example/v1/health")
        client.post(
            "http://match.example/v1/x?wait=1",
            content=BODY,
            headers={"Content-Type": "a/b", "Content-Digest": content_digest(BODY)},
        )
        with pytest.raises(UnsignedRequest):
            client.post("http://match.example/v1/x", content=BODY)
    assert len({each.nonce for each in seen}) == 2


def test_the_clock_is_the_one_that_was_given() -> None:
    clock: Callable[[], float] = lambda: NOW + 0.9  # noqa: E731
    request = next(Signing(KEY, clock).auth_flow(message("GET", ADDRESSES[0])))
    assert through_ours(request, NOW).created == NOW
