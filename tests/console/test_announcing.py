"""What others are told of a duty, at a real receiver of webhooks and a real broker: decisions, once they count."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from blindwatch.console.alerts import Reason
from blindwatch.integrations.courier import Courier
from blindwatch.integrations.dead_letters import DeadLetters
from blindwatch.integrations.mqtt import Broker
from blindwatch.integrations.outbox import Outbox
from blindwatch.integrations.webhook import Webhook
from blindwatch.operator.journal import Journal
from blindwatch.records.operator import Outcome
from blindwatch.statements.package import OperatorPackage

from ..client.running import SIMILARITY
from ..integrations.receivers import Mosquitto, Receiver, broker, needs_broker, receiving
from ..serving import eventually
from .cases import ANNA, BEN
from .stage import ENTRIES, Page, Stage

pytestmark = needs_broker


@dataclass
class Others:
    """Everybody who is told."""

    receiver: Receiver
    broker: Mosquitto
    outbox: Outbox

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the receiver of webhooks got."""
        return [json.loads(each.body) for each in self.receiver.posts]

    def told(self, kind: str = "alert.adjudicated") -> list[dict[str, Any]]:
        """The data of events of one kind."""
        return [each["data"] for each in self.events if each["type"] == kind]

    def outcomes(self) -> list[object]:
        return [each["outcome"] for each in self.told()]

    def settle(self) -> None:
        """Wait until everything that was handed in has arrived."""
        self.outbox.close()
        eventually(lambda: len(self.broker.heard) == len(self.receiver.posts))


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Others]:
    with receiving() as receiver, broker(tmp_path) as here, here.listening():
        dead = DeadLetters(tmp_path / "dead")
        places = (Webhook(receiver.address, "127.0.0.1", bytes(32)), Broker("127.0.0.1", here.port))
        with Outbox([Courier(each, dead) for each in places]) as outbox:
            yield Others(receiver, here, outbox)
        assert not dead.path.exists()


def decide(
    page: Page, identifier: str, outcome: Outcome, reason: Reason | None = None, by: str = ANNA
) -> None:
    with page.post.duty.desk() as desk:
        desk.decide(identifier, by, desk.tray.get(identifier).stage, outcome, reason)


def pass_(page: Page, time: timedelta) -> None:
    """Let time pass for alerts, until nothing of the last decision can be undone."""
    duty = page.post.duty
    ahead = duty.now() + time
    duty._clock = duty._desk._clock = duty._desk.tray._clock = lambda: ahead
    duty.tick()


@contextmanager
def on_duty(stage: Stage, others: Others) -> Iterator[Page]:
    with stage.console(BEN, outbox=others.outbox) as page:
        yield page


def test_others_are_told_what_was_decided_and_nothing_before(stage: Stage, others: Others) -> None:
    with on_duty(stage, others) as page:
        eventually(lambda: bool(others.told("deployment.started")))
        (started,) = others.told("deployment.started")
        assert (started["version"], started["threshold"]) == ("1", f"{SIMILARITY:g}")
        pass_(page, timedelta())  # from here on the clock stands still
        first, rejected, undone = stage.walk(page), stage.walk(page, 1), stage.walk(page, 3)
        decide(page, rejected, "rejected", Reason.DIFFERENT_PERSON)
        decide(page, undone, "sent")
        decide(page, first, "sent")
        with page.post.duty.desk() as desk:
            desk.undo(undone, ANNA)
        assert others.told() == []  # what can be undone is not told
        pass_(page, timedelta(seconds=11))
        eventually(lambda: others.outcomes() == ["sent"])
        decide(page, first, "engaged", by=BEN)
        decide(page, first, "confirmed-true", Reason.ARREST)
        decide(page, undone, "rejected", Reason.LOOKALIKE)
        page.post.duty.finish()
    others.settle()
    assert others.outcomes() == ["sent", "engaged", "confirmed-true"]
    assert {each["alert"] for each in others.told()} == {others.told()[0]["alert"]}
    last = others.told()[-1]
    assert (last["reason"], last["priority"], last["camera"]) == ("arrest", "red", "gate-1")
    assert str(last["captured"]).endswith(":00Z")
    assert [each["reason"] for each in others.told("deployment.ended")] == ["finished"]
    # The broker has the same, at topics of their own.
    assert [json.loads(each.payload) for each in others.broker.heard] == others.events
    assert {each.topic for each in others.broker.heard} == {
        f"lfr/{stage.deployment}/{name}"
        for name in ("alert.adjudicated", "deployment.started", "deployment.ended")
    }
    everything = b"".join(each.body for each in others.receiver.posts)
    everything += "".join(f"{each.path}{each.headers}" for each in others.receiver.posts).encode()
    for secret in hidden(stage, first, rejected, undone):
        assert secret not in everything


def hidden(stage: Stage, *alerts: str) -> Iterator[bytes]:
    """What nobody else may have: names of probes, people, operators, instructions, references, images."""
    yield from (each.encode() for each in alerts)
    yield from (ANNA.encode(), BEN.encode(), b"\xff\xd8\xff")
    yield from (each["instruction"].encode() for each in ENTRIES)
    package = OperatorPackage.load(stage.folder / "watchlist" / "operator.json")
    yield from (each.reference.encode() for each in package.entries)


def test_an_alert_that_nobody_was_sent_for_is_never_told(stage: Stage, others: Others) -> None:
    with on_duty(stage, others) as page:
        rejected, old = stage.walk(page), stage.walk(page, 1)
        decide(page, rejected, "rejected", Reason.DIFFERENT_PERSON)
        pass_(page, timedelta(hours=page.post.duty.assignment.rules.clocks.alert_hours))
        assert sorted(each[0] for each in stage.recorded(page)) == ["expired", "rejected"]
        assert old not in str(others.events)
    others.settle()
    assert others.told() == []


def test_what_others_were_told_of_is_told_to_its_end_after_a_restart_as_well(
    stage: Stage, others: Others
) -> None:
    with on_duty(stage, others) as page:
        identifier = stage.walk(page)
        decide(page, identifier, "sent")
    with on_duty(stage, others) as page:
        pass_(page, timedelta(hours=page.post.duty.assignment.rules.clocks.alert_hours))
    others.settle()
    assert others.outcomes() == ["sent", "expired"]
    assert len({each["alert"] for each in others.told()}) == 1
    assert len(others.told("deployment.started")) == 2
    assert others.told("deployment.ended")[0]["reason"] == "left"


def test_a_threshold_that_changed_is_told_once_and_after_the_start(stage: Stage, others: Others) -> None:
    for version, threshold in ((2, None), (3, 0.6), (4, 0.6)):
        with on_duty(stage, others):
            pass
        stage.renew(version, threshold)
    with on_duty(stage, others):
        pass
    others.settle()
    changed = {
        "deployment": stage.deployment,
        "version": "3",
        "threshold": "0.6",
        "before": f"{SIMILARITY:g}",
    }
    assert others.told("threshold.changed") == [changed]
    starts = [(each["version"], each["threshold"]) for each in others.told("deployment.started")]
    assert starts == [("1", "0.55"), ("2", "0.55"), ("3", "0.6"), ("4", "0.6")]
    about = {"deployment.started", "threshold.changed"}
    order = [each["type"] for each in others.events if each["type"] in about]
    assert order.index("threshold.changed") == 3


def test_what_the_clock_has_taken_is_told_once_of_whom_somebody_was_sent_for(
    stage: Stage, others: Others
) -> None:
    with on_duty(stage, others) as page:
        duty = page.post.duty
        hours = timedelta(hours=duty.assignment.rules.clocks.alert_hours)
        pass_(page, timedelta())  # from here on the clock stands still
        confirmed, lost = stage.walk(page), stage.walk(page, 1)
        rejected, unseen = stage.walk(page, 2), stage.walk(page, 3)
        for outcome in ("sent", "engaged", "confirmed-false"):
            decide(page, confirmed, outcome, Reason.LOOKALIKE if outcome == "confirmed-false" else None)
        decide(page, lost, "sent")
        with duty.desk() as desk:
            desk.consider(rejected, ANNA)
        decide(page, rejected, "rejected", Reason.DIFFERENT_PERSON)
        pass_(page, hours - timedelta(minutes=2))
        duty.lapse()
        assert (
            others.told("retention.executed") == []
        )  # of one there are no images any more, but it is not time
        pass_(page, timedelta(minutes=20))
        duty.lapse()
        duty.lapse()
    with on_duty(stage, others) as page:
        pass_(page, 2 * hours)
        page.post.duty.lapse()
    others.settle()
    assert sorted(each[0] for each in stage.recorded(page)) == [
        *("confirmed-false", "engaged", "expired", "expired", "rejected", "sent", "sent"),
    ]
    with Journal(stage.journal) as journal:
        names = [journal.reference(each) for each in (confirmed, lost)]
        unknown = [journal.reference(each) for each in (rejected, unseen)]
    assert others.told("retention.executed") == [
        {
            "deployment": stage.deployment,
            "alert": each,
            "deleted": "images-and-scores",
            "clock": "alert-hours",
        }
        for each in names
    ]
    last = max(place for place, each in enumerate(others.events) if each["type"] == "alert.adjudicated")
    assert [each["type"] for each in others.events[:last]].count("retention.executed") == 0
    assert {each["alert"] for each in others.told()} == set(names)
    for absent in (*unknown, confirmed, lost, rejected, unseen):
        assert absent not in str(others.events)
    assert [json.loads(each.payload) for each in others.broker.heard] == others.events
    assert f"lfr/{stage.deployment}/retention.executed" in {each.topic for each in others.broker.heard}


def test_what_became_due_while_no_console_ran_is_told_by_the_next(stage: Stage, others: Others) -> None:
    with on_duty(stage, others) as page:
        identifier = stage.walk(page)
        for outcome in ("sent", "rejected"):
            decide(page, identifier, outcome, Reason.DIFFERENT_PERSON if outcome == "rejected" else None)
        page.post.duty.finish()
    with on_duty(stage, others) as page:
        assert page.post.duty.assignment.rules.clocks.alert_hours == 1
        pass_(page, timedelta(hours=1, minutes=5))
        page.post.duty.lapse()
        alert = page.journal.reference(identifier)
    others.settle()
    assert [each["alert"] for each in others.told("retention.executed")] == [alert]
    assert others.outcomes() == ["sent", "rejected"]


def test_where_nobody_is_told_nothing_is_said_to_have_been(stage: Stage) -> None:
    with stage.console() as page:
        identifier = stage.walk(page)
        decide(page, identifier, "sent")
        pass_(page, timedelta(seconds=11))
        pass_(page, timedelta(hours=page.post.duty.assignment.rules.clocks.alert_hours + 1))
        page.post.duty.lapse()
        assert [each[0] for each in stage.recorded(page)] == ["sent", "expired"]
        assert not any(each.is_gone for each in page.journal.courses().values())


def test_a_stop_and_a_silent_camera_are_told_once(stage: Stage, others: Others) -> None:
    with on_duty(stage, others) as page:
        pass_(page, timedelta(seconds=80))
        page.post.duty.tick()
        page.post.duty.stop(BEN, page.post.identity, page.post.at_once)
    others.settle()
    cameras = [each["camera"] for each in others.told("camera.offline")]
    assert sorted(cameras) == ["gate-1", "gate-2"]
    assert [each["reason"] for each in others.told("deployment.ended")] == ["stopped"]


def test_a_receiver_that_is_down_delays_nothing(stage: Stage, tmp_path: Path) -> None:
    with receiving(503) as receiver:
        place = Webhook(receiver.address, "127.0.0.1", bytes(32))
        with (
            Outbox([Courier(place, DeadLetters(tmp_path / "dead"))]) as outbox,
            stage.console(outbox=outbox) as page,
        ):
            identifier = stage.walk(page)
            decide(page, identifier, "sent")
            decide(page, identifier, "engaged")
            decide(page, identifier, "confirmed-false", Reason.LOOKALIKE)
            page.post.duty.finish()
    letters = [json.loads(line) for line in (tmp_path / "dead").read_text().splitlines()]
    assert [each["event"]["type"] for each in letters] == [
        "deployment.started",
        *["alert.adjudicated"] * 3,
        "deployment.ended",
    ]


def test_counts_of_a_duty_say_nothing_of_an_alert_before_its_outcome(stage: Stage) -> None:
    with stage.console() as page:
        before = page.post.duty.counts()
        identifier = stage.walk(page)
        decide(page, identifier, "sent")
        seen = page.post.duty.counts()
        assert (before.results, seen.results) == (0, 1)
        assert (seen.outcomes, seen.key_is_held, seen.server_answers) == ({}, True, True)
        decide(page, identifier, "engaged")
        decide(page, identifier, "confirmed-true", Reason.ARREST)
        page.post.duty.finish()
        after = page.post.duty.counts()
        assert (after.outcomes, after.key_is_held, after.server_answers) == (
            {"confirmed-true": 1},
            False,
            False,
        )


@contextmanager
def started(stage: Stage, folder: Path, integrations: str) -> Iterator[subprocess.Popen[str]]:
    """`blindwatch operator console` in a process of its own."""
    (folder / "integrations.toml").write_text(integrations)
    command = stage.program(folder, integrations=folder / "integrations.toml")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_command_tells_whom_its_file_names_and_serves_counts(stage: Stage, tmp_path: Path) -> None:
    secret = tmp_path / "webhook.secret"
    secret.write_text(f"whsec_{base64.b64encode(bytes(32)).decode()}\n")
    with receiving() as receiver:
        file = (
            f"dead_letters = '{tmp_path}/dead'\nmetrics_port = 0\n"
            f"[[webhook]]\nurl = '{receiver.address}'\nsecret_file = '{secret}'\n"
        )
        with started(stage, tmp_path, file) as process:
            eventually((tmp_path / "ready").exists, 60)
            assert process.stdout is not None
            counts = next(found for line in process.stdout if (found := re.match(r"Counts: (\S+)", line)))
            assert f'blindwatch_key_held{{deployment="{stage.deployment}"}} 1.0' in httpx.get(counts[1]).text
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert [json.loads(each.body)["type"] for each in receiver.posts] == [
        "deployment.started",
        "deployment.ended",
    ]


def test_the_command_refuses_a_receiver_at_the_match_server(stage: Stage, tmp_path: Path) -> None:
    secret = tmp_path / "webhook.secret"
    secret.write_text(f"whsec_{base64.b64encode(bytes(32)).decode()}\n")
    file = (
        f"dead_letters = '{tmp_path}/dead'\n"
        f"[[webhook]]\nurl = '{stage.server.address}/x'\nsecret_file = '{secret}'\n"
    )
    with started(stage, tmp_path, file) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode not in {0, None}
    assert "match server, which must not learn what was decided" in " ".join(said.split())
    assert "Traceback" not in said
