"""The gate for cameras, over a real socket: whose requests pass, when, how often, and what is said to the others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blindwatch.errors import (
    BlindwatchError,
    FutureRequest,
    InvalidSignature,
    MalformedMessage,
    OutsideWindow,
    QueryBudgetUsed,
    ReplayedRequest,
    RevokedCamera,
    StaleRequest,
    UnknownCamera,
    UnsignedRequest,
)
from blindwatch.statements.predicates import Revocation, Window
from blindwatch.wire import problems
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.digests import content_digest
from blindwatch.wire.messages import Probe, now
from blindwatch.wire.signatures import key_id

from ..people import CAMERA, camera_key, stamp
from ..serving import FORCE
from . import checks

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]
    Sign = Callable[[bytes], dict[str, str]]

SECOND_CAMERA = Ed25519PrivateKey.generate()
CAMERAS = (camera_key(CAMERA, FORCE.camera), camera_key("gate-2", SECOND_CAMERA))
HOUR = timedelta(hours=1)
OWN = key_id(FORCE.camera.public_key())


@pytest.fixture
def name(server: ServerProcess, trial: Trial) -> str:
    return trial.open(server, cameras=CAMERAS)


def request(server: ServerProcess, name: str, probe: Probe, auth: httpx.Auth | None = None) -> httpx.Request:
    """The request of a probe, signed, to be sent as it is and as often as one likes."""
    body = probe.to_cbor()
    made = httpx.Request(
        "POST",
        f"{server.address}/v1/deployments/{name}/probes",
        content=body,
        headers={"Content-Type": "application/cbor", "Content-Digest": content_digest(body)},
    )
    return next((auth or Signing(FORCE.camera)).sync_auth_flow(made))


def send(made: httpx.Request, address: str | None = None) -> type[BlindwatchError] | None:
    """What the server says: None if it takes the request."""
    url = made.url if address is None else httpx.URL(address).join(made.url.raw_path.decode())
    with httpx.Client(timeout=20) as client:
        response = client.send(httpx.Request(made.method, url, headers=made.headers, content=made.content))
    if response.status_code < 300:
        return None
    assert response.status_code in (403, 422)
    return type(problems.from_json(response.content))


def reasons(server: ServerProcess) -> list[str]:
    """Why the server refused cameras, as it logged it."""
    lines = map(json.loads, server.log.splitlines())
    return [line["why"] for line in lines if line["event"] == "camera-refused"]


def test_a_request_passes_once(server: ServerProcess, trial: Trial, name: str) -> None:
    made = request(server, name, trial.probe())
    assert send(made) is None
    assert send(made) is ReplayedRequest
    assert len(server.results(name, 1).results) == 1
    assert "replayed-request" in reasons(server)


def test_a_nonce_is_remembered_by_a_server_that_was_killed(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    made = request(server, name, trial.probe())
    assert send(made) is None
    server.kill()
    server.start()
    # The address is another one; the request is the same to the byte, with the Host that it was signed for.
    assert send(made, server.address) is ReplayedRequest
    fresh = request(server, name, trial.probe())
    assert send(fresh) is None


def test_of_copies_that_come_at_once_one_passes(server: ServerProcess, trial: Trial, name: str) -> None:
    made = request(server, name, trial.probe())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(made), range(8)))
    assert (answers.count(None), answers.count(ReplayedRequest)) == (1, 7)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(-61, StaleRequest, id="stale"),
        pytest.param(-50, None, id="old"),
        pytest.param(3, None, id="a little ahead"),
        pytest.param(10, FutureRequest, id="ahead"),
    ],
)
def test_clocks(
    server: ServerProcess, trial: Trial, name: str, seconds: float, expected: type[BlindwatchError] | None
) -> None:
    auth = Signing(FORCE.camera, lambda: time.time() + seconds)
    assert send(request(server, name, trial.probe(), auth)) is expected


def test_keys_that_the_manifest_does_not_list(server: ServerProcess, trial: Trial, name: str) -> None:
    stranger = Signing(Ed25519PrivateKey.generate())
    assert send(request(server, name, trial.probe(), stranger)) is UnknownCamera
    unlisted = trial.open(server)
    assert (
        send(request(server, unlisted, trial.probe(camera="gate-2"), Signing(SECOND_CAMERA))) is UnknownCamera
    )
    assert send(request(server, name, trial.probe(camera="gate-2"), Signing(SECOND_CAMERA))) is None


def test_a_request_that_is_not_signed(server: ServerProcess, trial: Trial, name: str, signed: Sign) -> None:
    body = trial.probe().to_cbor()
    for role in ("custodian", "operator"):
        answer = server.http(role).post(f"/v1/deployments/{name}/probes", content=body, headers=signed(body))
        assert isinstance(problems.from_json(answer.content), UnsignedRequest)


def changed(made: httpx.Request, **parts: object) -> httpx.Request:
    """The same with other parts, which the signature then is not for."""
    content = {"method": made.method, "url": made.url, "headers": dict(made.headers), "content": made.content}
    return httpx.Request(**{**content, **parts})  # type: ignore[arg-type]


def test_one_byte_that_changed(server: ServerProcess, trial: Trial, name: str) -> None:
    other = trial.open(server, cameras=CAMERAS)
    made = request(server, name, trial.probe())
    body = bytearray(made.content)
    body[len(body) // 2] ^= 1
    fields = dict(made.headers)
    before, letter, after = fields["signature"][:40], fields["signature"][40], fields["signature"][41:]
    signature = f"{before}{'B' if letter == 'A' else 'A'}{after}"
    refused = {
        "body": (changed(made, content=bytes(body)), MalformedMessage),
        "body and digest": (
            changed(
                made, content=bytes(body), headers={**fields, "content-digest": content_digest(bytes(body))}
            ),
            InvalidSignature,
        ),
        "deployment": (changed(made, url=str(made.url).replace(name, other)), InvalidSignature),
        "query": (changed(made, url=f"{made.url}?a=1"), InvalidSignature),
        "host": (changed(made, headers={**fields, "host": "elsewhere.example"}), InvalidSignature),
        "type": (changed(made, headers={**fields, "content-type": "application/cborx"}), InvalidSignature),
        "signature": (changed(made, headers={**fields, "signature": signature}), InvalidSignature),
    }
    answers = {what: send(each) for what, (each, _) in refused.items()}
    assert answers == {what: expected for what, (_, expected) in refused.items()}
    assert server.client("operator").fetch_results(name).results == ()


def test_revocation_is_effective_on_the_next_request(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server, cameras=CAMERAS)
    assert send(request(server, name, trial.probe())) is None
    revocation = Revocation(deployment=name, camera_key=OWN, reason="Stolen", issued_at=now())
    statement = FORCE.sign(revocation.envelope(), "a.khan").to_json()
    server.client("custodian").put_revocation(name, OWN, statement)
    assert send(request(server, name, trial.probe())) is RevokedCamera
    with pytest.raises(RevokedCamera):
        server.client("camera").get_deployment(name)
    server.kill()
    server.start()
    assert send(request(server, name, trial.probe())) is RevokedCamera
    assert reasons(server) == ["revoked-camera"] * 3
    assert send(request(server, name, trial.probe(camera="gate-2"), Signing(SECOND_CAMERA))) is None
    # A newer manifest that lists the key all the same changes nothing.
    newer = trial.offer(name, version=2, change_reason="Back again", cameras=CAMERAS)
    server.client("custodian").put_deployment(name, newer)
    server.client("custodian").activate(name)
    assert send(request(server, name, trial.probe())) is RevokedCamera


def test_before_the_window_a_camera_sees_nothing(server: ServerProcess, trial: Trial) -> None:
    start = datetime.now(UTC) + timedelta(minutes=5)
    name = trial.open(server, window=Window(not_before=stamp(start), not_after=stamp(start + HOUR)))
    with pytest.raises(OutsideWindow, match="not begun"):
        server.client("camera").get_deployment(name)
    assert send(request(server, name, trial.probe())) is OutsideWindow
    assert server.client("operator").get_deployment(name).ready


def test_after_the_window_a_camera_sees_nothing(server: ServerProcess, trial: Trial) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
    name = trial.open(server, window=Window(not_before=stamp(end - HOUR), not_after=stamp(end)))
    camera = server.client("camera")
    assert camera.get_deployment(name).ready
    assert send(request(server, name, trial.probe())) is None
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
    with pytest.raises(OutsideWindow, match="has ended"):
        camera.get_deployment(name)
    assert send(request(server, name, trial.probe())) is OutsideWindow
    assert len(server.results(name, 1).results) == 1


def test_a_camera_has_the_budget_of_the_profile(server: ServerProcess, trial: Trial) -> None:
    name = checks.opened(server, trial, cameras=CAMERAS)  # six in a minute
    camera = server.client("camera")

    if time.time() % 60 > 50:
        time.sleep(61 - time.time() % 60)  # so that all happens in one minute of the clock
    for _ in range(checks.OFFICERS.profile.probes_per_minute):
        camera.get_deployment(name)
        camera.post_probe(name, checks.authorised(trial.probe(), name))
    with httpx.Client() as client:
        answer = client.send(request(server, name, checks.authorised(trial.probe(), name)))
    assert (answer.status_code, type(problems.from_json(answer.content))) == (429, QueryBudgetUsed)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert camera.get_deployment(name).ready
    # Nobody else's budget is touched.
    other = checks.authorised(trial.probe(camera="gate-2"), name)
    assert send(request(server, name, other, Signing(SECOND_CAMERA))) is None
    assert "query-budget-used" in reasons(server)
    assert len(server.results(name, 7).results) == 7


def test_a_client_with_a_token_is_no_camera(server: ServerProcess, trial: Trial, name: str) -> None:
    with ServerClient(server.address, "token-of-the-camera") as client, pytest.raises(UnsignedRequest):
        client.post_probe(name, trial.probe())
