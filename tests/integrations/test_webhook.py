"""Webhooks at a real receiver: what is sent, what is signed, what is tried again and what is given up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blindwatch.errors import ConfigurationError
from blindwatch.integrations import webhook
from blindwatch.integrations.courier import Courier
from blindwatch.integrations.dead_letters import DeadLetters
from blindwatch.integrations.destination import NotDelivered
from blindwatch.integrations.events import Event
from blindwatch.integrations.outbox import Outbox
from blindwatch.integrations.webhook import Webhook
from blindwatch.wire.tls import client_context, server_context

from ..certificates import Authority
from ..serving import eventually
from .receivers import receiving

SECRET = bytes(range(32))
AT = datetime(2026, 11, 28, 7, 0, 1, 999, UTC)


def event(outcome: str = "sent") -> Event:
    return Event("alert.adjudicated", "gate-4", AT, {"alert": "4f" * 16, "outcome": outcome})


def hook(address: str) -> Webhook:
    return Webhook(address, "127.0.0.1", SECRET)


def letters(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_signature_is_that_of_the_specification() -> None:
    key = webhook.secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert (
        webhook.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    "line",
    [
        "whsec_",
        "whsec_AAAA",
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        base64.b64encode(bytes(32)).decode(),
        "whsec_" + "!" * 40,
        "whsec_" + "ä" * 40,
    ],
)
def test_a_weak_or_misspelt_secret_is_refused_and_not_repeated(line: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        webhook.secret(line)
    assert line.removeprefix("whsec_") in {"", *()} or line not in str(refused.value)


def test_what_is_sent_can_be_checked_by_whoever_has_the_secret() -> None:
    sent = event()
    with receiving() as receiver:
        hook(receiver.address).deliver(sent)
    (got,) = receiver.posts
    said = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.new(SECRET, said, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert (got.path, got.headers["content-type"]) == ("/lfr", "application/json")
    assert json.loads(got.body) == {
        "id": got.headers["webhook-id"],
        "type": "alert.adjudicated",
        "timestamp": "2026-11-28T07:00:01Z",
        "data": {"deployment": "gate-4", "alert": "4f" * 16, "outcome": "sent"},
    }


@pytest.mark.parametrize("status", [302, 400, 410, 500])
def test_every_other_answer_is_a_failure_and_redirections_are_not_followed(status: int) -> None:
    with receiving(status) as receiver:
        with pytest.raises(NotDelivered, match=str(status)):
            hook(receiver.address).deliver(event())
        assert [each.path for each in receiver.posts] == ["/lfr"]


def test_a_receiver_with_tls_is_known_by_its_certificate(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path, "authority")
    context = server_context(*authority.issue("receiver"), None)
    with receiving(tls=context) as receiver:
        with pytest.raises(NotDelivered, match="not reached"):
            hook(receiver.address).deliver(event())
        trusting = client_context(authority.certificate, None, None)
        Webhook(receiver.address, "127.0.0.1", SECRET, trusting).deliver(event())
    assert len(receiver.posts) == 1


def test_what_fails_is_tried_again_later_in_order_and_under_the_same_identifier(tmp_path: Path) -> None:
    path = tmp_path / "dead"
    with receiving(500, 503, 204) as receiver:
        courier = Courier(hook(receiver.address), DeadLetters(path), waits=(0.01, 0.02, 0.04))
        with Outbox([courier]) as outbox:
            first, second = event("sent"), event("engaged")
            outbox.send(first)
            outbox.send(second)
            eventually(lambda: courier.fates["delivered"] == 2)
        got = [each.headers["webhook-id"] for each in receiver.posts]
    assert got == [first.id, first.id, first.id, second.id]
    assert courier.fates == {"retried": 2, "delivered": 2}
    assert not path.exists()


def test_what_cannot_be_delivered_is_a_dead_letter_and_does_not_keep_the_next(tmp_path: Path) -> None:
    path = tmp_path / "dead"
    with receiving(500, 500, 204) as receiver:
        courier = Courier(hook(receiver.address), DeadLetters(path), waits=(0.01,))
        with Outbox([courier]) as outbox:
            lost = event("sent")
            outbox.send(lost)
            outbox.send(event("engaged"))
            eventually(lambda: courier.fates["delivered"] == 1)
        assert outbox.undelivered == 1
    (letter,) = letters(path)
    assert (letter["destination"], letter["why"]) == ("webhook 127.0.0.1", "answered with status 500")
    assert letter["event"] == json.loads(lost.to_json())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_closing_tries_what_is_left_once_and_waits_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / "dead"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    courier = Courier(hook(address), DeadLetters(path), waits=(3600.0,))
    outbox = Outbox([courier])
    for outcome in ("sent", "engaged", "confirmed-true"):
        outbox.send(event(outcome))
    outbox.close()
    assert [each["event"]["data"]["outcome"] for each in letters(path)] == [
        "sent",
        "engaged",
        "confirmed-true",
    ]
    assert outbox.undelivered == 3


def test_closing_still_delivers_what_was_handed_in_last(tmp_path: Path) -> None:
    with receiving() as receiver:
        with Outbox([Courier(hook(receiver.address), DeadLetters(tmp_path / "dead"))]) as outbox:
            outbox.send(event())
        assert len(receiver.posts) == 1


def test_whoever_hands_in_events_never_waits_however_many_there_are(tmp_path: Path) -> None:
    blocked, goes_on = threading.Event(), threading.Event()

    class Blocked:
        name = "blocked"

        def deliver(self, _: Event) -> None:
            blocked.set()
            goes_on.wait(20)

    courier = Courier(Blocked(), DeadLetters(tmp_path / "dead"), waits=())
    with Outbox([courier]) as outbox:
        outbox.send(event())
        assert blocked.wait(10)
        for _ in range(300):
            outbox.send(event())
        assert courier.fates["dead"] == 300 - 256
        goes_on.set()
    assert {each["why"] for each in letters(tmp_path / "dead")} == {"too many were waiting"}


def test_dead_letters_that_cannot_be_written_are_counted(tmp_path: Path) -> None:
    dead = DeadLetters(tmp_path / "no folder" / "dead")
    with pytest.raises(ConfigurationError):
        dead.check()
    with receiving(500) as receiver:
        courier = Courier(hook(receiver.address), dead, waits=())
        with Outbox([courier]) as outbox:
            outbox.send(event())
        assert courier.fates == {"lost": 1}
        assert outbox.undelivered == 1
