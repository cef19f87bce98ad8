"""MQTT at a real broker: where events are published, and what a broker can refuse."""

from __future__ import annotations

import gc
import shutil
import subprocess
from pathlib import Path

import pytest

from blindwatch.integrations.courier import Courier
from blindwatch.integrations.dead_letters import DeadLetters
from blindwatch.integrations.destination import NotDelivered
from blindwatch.integrations.mqtt import Broker
from blindwatch.integrations.outbox import Outbox
from blindwatch.wire.tls import client_context

from ..certificates import Authority
from ..serving import eventually
from .receivers import Heard, broker, needs_broker
from .test_webhook import event

pytestmark = needs_broker


def test_an_event_is_one_message_at_its_own_topic_that_is_not_retained(tmp_path: Path) -> None:
    sent = event()
    with broker(tmp_path) as here, here.listening() as heard:
        Broker("127.0.0.1", here.port).deliver(sent)
        eventually(lambda: bool(heard))
    assert heard == [Heard("lfr/gate-4/alert.adjudicated", sent.to_json(), 1, False)]


def test_a_broker_that_was_away_gets_what_it_missed(tmp_path: Path) -> None:
    with broker(tmp_path) as here:
        here.stop()
        courier = Courier(Broker("127.0.0.1", here.port), DeadLetters(tmp_path / "dead"), waits=(0.05,) * 400)
        with Outbox([courier]) as outbox:
            outbox.send(event("sent"))
            outbox.send(event("engaged"))
            eventually(lambda: courier.fates["retried"] > 1)
            here.start()
            with here.listening() as heard:
                eventually(lambda: courier.fates["delivered"] == 2)
    assert courier.fates["dead"] == 0
    assert len(heard) <= 2  # what was published before anybody listened is not kept for them


def test_a_broker_asks_for_a_password_and_may_forbid_a_topic(tmp_path: Path) -> None:
    passwords, rules = tmp_path / "passwords", tmp_path / "rules"
    tool = shutil.which("mosquitto_passwd")
    assert tool is not None
    for option, name, word in (("-c", "console", "let me in"), ("", "other", "me too")):
        arguments = [tool, *([option] if option else []), "-b", str(passwords), name, word]
        subprocess.run(arguments, check=True, capture_output=True)
    rules.write_text("user console\ntopic readwrite lfr/#\nuser other\ntopic readwrite other/#\n")
    options = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {rules}")
    with broker(tmp_path, *options) as here:
        Broker("127.0.0.1", here.port, "console", "let me in").deliver(event())
        for refused, why in (
            (Broker("127.0.0.1", here.port), "does not let this program in"),
            (Broker("127.0.0.1", here.port, "console", "wrong"), "does not let this program in"),
            (Broker("127.0.0.1", here.port, "other", "me too"), "does not take the message"),
        ):
            with pytest.raises(NotDelivered, match=why):
                refused.deliver(event())
    with pytest.raises(NotDelivered, match="not reached"):
        Broker("127.0.0.1", here.port).deliver(event())


# The library leaves a connection open whose certificate it refuses, to whatever collects garbage.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_with_tls_is_known_by_its_certificate(tmp_path: Path) -> None:
    authority, other = Authority.make(tmp_path, "authority"), Authority.make(tmp_path, "other")
    certificate, key = authority.issue("broker")
    options = ("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}", "tls_version tlsv1.3")
    with broker(tmp_path, *options) as here:
        trusting, wary = (client_context(each.certificate, None, None) for each in (authority, other))
        Broker("127.0.0.1", here.port, tls=trusting).deliver(event())
        with pytest.raises(NotDelivered, match="not reached"):
            Broker("127.0.0.1", here.port, tls=wary).deliver(event())
    gc.collect()
