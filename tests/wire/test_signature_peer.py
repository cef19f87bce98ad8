"""Signed requests, with an independent library as the other side, and as the client sends them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
    algorithms,
)
from http_message_signatures import (
    InvalidSignature as PeerRefuses,
)

from blindwatch.errors import (
    UnsignedRequest,
)
from blindwatch.wire import signatures
from blindwatch.wire.credentials import Signing
from blindwatch.wire.digests import content_digest
from blindwatch.wire.signatures import Request, Verified, joined, verify

from .test_signatures import BODY, KEY, KEYS, NOW

COVERED = ("@method", "@authority", "@path", "@query", "content-digest", "content-type")
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
    assert (found.key_id, found.nonce, found.created, found.expires) == (
        next(iter(KEYS)),
        "0f" * 16,
        NOW,
        NOW + 60,
    )
    KEYS[found.key_id].verify(found.value, found.base)


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
