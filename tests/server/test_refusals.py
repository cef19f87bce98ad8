"""The bad inputs, over HTTP: each has its own error, and the server goes on."""

from __future__ import annotations

import hashlib
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from blindwatch.errors import (
    BlindwatchError,
    ConfigurationError,
    DeploymentNotReady,
    Forbidden,
    MalformedCiphertext,
    MalformedMessage,
    MissingBlob,
    ModelMismatch,
    StatementMismatch,
    TooLarge,
    Unauthenticated,
    UnknownDeployment,
    UnsignedRequest,
    WrongKey,
    WrongPreset,
)
from blindwatch.statements.predicates import Thresholds
from blindwatch.wire import limits, problems
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import FailedResult
from blindwatch.wire.signatures import Request, sign

from ..serving import FORCE

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Sign = Callable[[bytes], dict[str, str]]

NOT_BELOW_T = b"\xff" * (4 * 16384)


@pytest.fixture
def name(server: ServerProcess, trial: Trial) -> str:
    return trial.open(server)


@pytest.fixture(autouse=True)
def goes_on(server: ServerProcess) -> Iterator[None]:
    yield
    assert server.client("camera").health().status == "ok"


def raised(response: httpx.Response) -> type[BlindwatchError]:
    assert response.headers["Content-Type"] == problems.MEDIA_TYPE
    assert response.json()["status"] == response.status_code
    return type(problems.from_json(response.content))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"model_digest": "cd" * 32}, ModelMismatch, id="another model"),
        pytest.param({"preset": "reveal-128"}, WrongPreset, id="another preset"),
        pytest.param({"key_id": "cd" * 32}, WrongKey, id="another key"),
        pytest.param({"ciphertext": bytes(100)}, MalformedCiphertext, id="truncated ciphertext"),
        pytest.param({"ciphertext": b"\0"}, MalformedCiphertext, id="hardly any ciphertext"),
        pytest.param({"ciphertext": b""}, MalformedMessage, id="no ciphertext"),
        pytest.param({"probe_id": "1"}, MalformedMessage, id="identifier too short"),
        pytest.param({"camera": "gate 1"}, MalformedMessage, id="name of the camera"),
        pytest.param({"camera": "gate-2"}, Forbidden, id="another camera"),
        pytest.param({"captured_at": "yesterday"}, MalformedMessage, id="time"),
    ],
)
def test_probes(
    server: ServerProcess,
    trial: Trial,
    name: str,
    change: dict[str, Any],
    expected: type[BlindwatchError],
) -> None:
    with pytest.raises(expected):
        server.client("camera").post_probe(name, trial.probe(**change))


def test_a_probe_that_only_a_worker_can_refuse(server: ServerProcess, trial: Trial, name: str) -> None:
    server.client("camera").post_probe(name, trial.probe(ciphertext=NOT_BELOW_T))
    (result,) = server.results(name, 1).results
    assert isinstance(result, FailedResult)
    assert result.problem == MalformedCiphertext.problem.urn


@pytest.mark.parametrize("position", [0.1, 0.5, 0.9])
def test_one_bit_that_flips_on_the_way(
    server: ServerProcess, trial: Trial, name: str, position: float, signed: Sign
) -> None:
    body = bytearray(trial.probe().to_cbor())
    fields = signed(bytes(body))
    body[int(len(body) * position)] ^= 0x10
    path = f"/v1/deployments/{name}/probes"
    assert raised(server.http("camera").post(path, content=bytes(body), headers=fields)) is MalformedMessage


@pytest.mark.parametrize("kind", ["deployment", "closing"])
def test_bodies_need_their_digest(server: ServerProcess, trial: Trial, name: str, kind: str) -> None:
    path = f"/v1/deployments/{name}"
    response = {
        "deployment": lambda: server.http("custodian").put(path, content=trial.offer(name).to_cbor()),
        "closing": lambda: server.http("custodian").post(f"{path}/closing", content=b"{}"),
    }[kind]()
    assert raised(response) is MalformedMessage
    assert "Content-Digest" in response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xa0", id="empty map"),
        pytest.param(b"\xff\xff", id="not CBOR"),
        pytest.param(b"\x9f" * 100_000, id="deep"),
        pytest.param(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", id="a map of any length"),
        pytest.param(b"\xd8\x23\x61\x28", id="a tag"),
        pytest.param(b'{"probeId": 1}', id="JSON of something else"),
    ],
)
@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        ("camera", "POST", "/probes"),
        ("custodian", "PUT", ""),
        ("custodian", "PUT", "/tombstones/1"),
        ("custodian", "PUT", f"/revocations/{'0' * 64}"),
        ("custodian", "POST", "/closing"),
    ],
)
def test_bodies_that_are_no_message(
    server: ServerProcess, name: str, body: bytes, role: str, method: str, path: str, signed: Sign
) -> None:
    address = f"/v1/deployments/{name}{path}"
    response = server.http(role).request(method, address, content=body, headers=signed(body))
    assert raised(response) is MalformedMessage


@pytest.mark.parametrize(
    "path", ["/probes", "/results", "/activation", "/manifest", "/watchlist", "/tombstone", ""]
)
def test_unknown_deployments(server: ServerProcess, trial: Trial, path: str, signed: Sign) -> None:
    role, method = {"/probes": ("camera", "POST"), "/activation": ("custodian", "POST")}.get(
        path, ("operator", "GET")
    )
    body = trial.probe().to_cbor()
    response = server.http(role).request(
        method, f"/v1/deployments/nowhere{path}", content=body, headers=signed(body)
    )
    assert raised(response) is UnknownDeployment


def test_probes_before_the_watchlist(server: ServerProcess, trial: Trial) -> None:
    with pytest.raises(DeploymentNotReady):
        server.client("camera").post_probe(trial.open(server, enrolled=False), trial.probe())


@pytest.mark.parametrize(
    ("listed", "changes", "bundle", "expected"),
    [
        pytest.param({"preset": "no-such-preset"}, {}, None, WrongPreset, id="unknown preset"),
        pytest.param({}, {"gate": 10}, None, ConfigurationError, id="threshold too low"),
        pytest.param({}, {"gate": 201}, None, ConfigurationError, id="threshold too high"),
        pytest.param({}, {"gate": -(2**63)}, None, ConfigurationError, id="threshold far too low"),
        pytest.param({"preset": "reveal-128"}, {}, None, WrongPreset, id="bundle of another preset"),
        pytest.param({"key_id": "cd" * 32}, {}, None, WrongKey, id="bundle of another key"),
        pytest.param({}, {}, b"another", StatementMismatch, id="another bundle than approved"),
        pytest.param({}, {"bundle": b"no bundle"}, b"no bundle", MalformedCiphertext, id="not a bundle"),
        pytest.param({}, {}, b"", MalformedMessage, id="an empty bundle"),
        pytest.param({"entries": 2000}, {}, None, MalformedMessage, id="fewer blocks than entries take"),
        pytest.param({"entries": 2**31}, {}, None, TooLarge, id="more entries than fit"),
    ],
)
def test_offers(
    server: ServerProcess,
    trial: Trial,
    listed: dict[str, object],
    changes: dict[str, Any],
    bundle: bytes | None,
    expected: type[BlindwatchError],
) -> None:
    custodian, name = server.client("custodian"), f"offer-{secrets.token_hex(4)}"
    approved: dict[str, object] = {}
    if "gate" in changes:
        approved["thresholds"] = Thresholds(similarity=0.7, gate=changes["gate"], fine=0)
    if "bundle" in changes:
        approved["bundle_digest"] = hashlib.sha256(changes["bundle"]).hexdigest()
    offer = trial.offer(name, listed=trial.watchlist(name, **listed), **approved)
    with pytest.raises(expected):
        custodian.put_deployment(
            name, offer if bundle is None else offer.model_copy(update={"bundle": bundle})
        )
    with pytest.raises(UnknownDeployment):
        custodian.get_deployment(name)
    assert not list((server.store / "blobs").glob(f"{name}/*"))


def test_the_first_offer_has_its_keys_with_it(server: ServerProcess, trial: Trial) -> None:
    bare = trial.offer("bare").model_copy(update={"bundle": None})
    with pytest.raises(DeploymentNotReady):
        server.client("custodian").put_deployment("bare", bare)


def test_a_list_is_put_into_force_whole(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server, enrolled=False)
    custodian = server.client("custodian")
    custodian.put_blob(name, trial.blocks[0][0])
    with pytest.raises(MissingBlob, match=f"{len(trial.blocks[0]) - 1} ciphertexts"):
        custodian.activate(name)
    assert not custodian.get_deployment(name).ready


def test_a_watchlist_that_only_a_worker_can_refuse(server: ServerProcess, trial: Trial, name: str) -> None:
    custodian = server.client("custodian")
    row = (hashlib.sha256(NOT_BELOW_T).hexdigest(), *trial.rows[0][1:])
    bad = trial.watchlist(name, entries=9, blocks=(row,))
    custodian.put_deployment(name, trial.offer(name, listed=bad, version=2, change_reason="A bad list"))
    custodian.put_blob(name, NOT_BELOW_T)
    with pytest.raises(MalformedCiphertext):
        custodian.activate(name)
    # The watchlist before stays in use.
    assert custodian.get_deployment(name).entries == len(trial.templates)
    server.client("camera").post_probe(name, trial.probe())
    (result,) = server.results(name, 1).results
    assert not isinstance(result, FailedResult)


def test_blobs(server: ServerProcess, trial: Trial, name: str) -> None:
    custodian = server.http("custodian")
    path = f"/v1/deployments/{name}/blobs"
    blob = trial.blocks[0][0]
    assert raised(custodian.put(f"{path}/{'0' * 64}", content=blob)) is MalformedMessage
    assert raised(custodian.put(f"{path}/..%2f..%2fup", content=blob)) is not None
    assert raised(custodian.put(f"{path}/{'G' * 64}", content=blob)) is MalformedMessage
    with pytest.raises(StatementMismatch):
        server.client("custodian").put_blob(name, blob[:-1])


SIZES = [
    pytest.param("camera", "POST", "probes", limits.PROBE, id="probe"),
    pytest.param("custodian", "POST", "closing", limits.ENVELOPE, id="closing"),
    pytest.param("custodian", "PUT", f"blobs/{'0' * 64}", limits.BLOB, id="blob"),
]


@pytest.mark.parametrize(("role", "method", "path", "limit"), SIZES)
@pytest.mark.parametrize("streamed", [False, True])
def test_oversize_bodies(
    server: ServerProcess,
    name: str,
    role: str,
    method: str,
    path: str,
    limit: int,
    streamed: bool,
    signed: Sign,
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(limit // 65536 + 1):
            yield bytes(65536)

    content = chunks() if streamed else bytes(limit + 1)
    response = server.http(role).request(
        method, f"/v1/deployments/{name}/{path}", content=content, headers=signed(b"another")
    )
    assert response.status_code == 413
    assert raised(response) is TooLarge


def head(name: str, fields: dict[str, str]) -> bytes:
    """The head of a probe's request, signed."""
    path = f"/v1/deployments/{name}/probes"
    fields = {"Host": "localhost", **fields}
    request = Request.of("POST", path.encode(), b"", {key.lower(): value for key, value in fields.items()})
    signed_fields = {**fields, **sign(request, FORCE.camera, time.time())}
    lines = "".join(f"{key}: {value}\r\n" for key, value in signed_fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode()


def test_a_body_that_is_announced_and_never_comes(server: ServerProcess, name: str, signed: Sign) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=15) as connection:
        connection.sendall(head(name, {"Content-Length": f"{10**15}", **signed(b"")}))
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


def test_a_body_that_breaks_off(server: ServerProcess, name: str, signed: Sign) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=15) as connection:
        connection.sendall(head(name, {"Content-Length": "1000", **signed(b"")}) + b"x" * 10)


ROUTES = [
    ("PUT", "", {"custodian"}),
    ("GET", "", {"custodian", "camera", "operator"}),
    ("PUT", f"/blobs/{'0' * 64}", {"custodian"}),
    ("POST", "/activation", {"custodian"}),
    ("GET", "/manifest", {"custodian", "operator"}),
    ("GET", "/watchlist", {"custodian", "operator"}),
    ("PUT", "/tombstones/1", {"custodian"}),
    ("GET", "/tombstone", {"custodian", "operator"}),
    ("PUT", f"/revocations/{'0' * 64}", {"custodian"}),
    ("POST", "/closing", {"custodian"}),
    ("GET", "/receipt", {"custodian", "operator"}),
    ("POST", "/probes", {"camera"}),
    ("GET", "/results", {"operator"}),
    ("GET", f"/results/{'0' * 32}", {"operator"}),
    ("DELETE", f"/results/{'0' * 32}", {"operator"}),
]


@pytest.mark.parametrize(("method", "path", "allowed"), ROUTES)
def test_who_may_call_what(
    server: ServerProcess, name: str, method: str, path: str, allowed: set[str]
) -> None:
    address = f"/v1/deployments/{name}{path}"
    unsigned = UnsignedRequest if allowed == {"camera"} else None
    for role in ("custodian", "camera", "operator"):
        response = server.http(role).request(method, address)
        if role in allowed:
            assert response.status_code not in (401, 403)
        else:
            assert raised(response) is (unsigned or (Unauthenticated if role == "camera" else Forbidden))
    for credentials in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dTpw"}):
        response = httpx.request(method, f"{server.address}{address}", headers=credentials)
        assert raised(response) is (unsigned or Unauthenticated)
        assert response.headers.get("WWW-Authenticate") == (None if unsigned else "Bearer")


def test_a_wrong_token_is_seen_to_be_refused_behind_a_large_body(server: ServerProcess, trial: Trial) -> None:
    with ServerClient(server.address, "wrong") as client, pytest.raises(Unauthenticated):
        client.put_deployment(
            "refused", trial.offer("refused").model_copy(update={"bundle": bytes(40 * limits.MIB)})
        )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/nowhere", 404),
        ("GET", "/v1/health/", 404),
        ("POST", "/v1/health", 405),
        ("GET", "/v1/deployments/UPPER", 422),
        ("GET", "/v1/deployments/x/results?wait=long", 422),
        ("GET", "/v1/deployments/x/results?wait=-1", 422),
        ("GET", "/v1/deployments/x/results?wait=nan", 422),
        ("DELETE", "/v1/deployments/x/results/1", 422),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(
    server: ServerProcess, method: str, path: str, status: int
) -> None:
    response = server.http("operator").request(method, path)
    assert response.status_code == status
    assert response.headers["Content-Type"] == problems.MEDIA_TYPE
    assert response.json()["status"] == status
