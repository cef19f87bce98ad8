"""A duty against a real server: what is written down, what a restart leaves, how it ends, what fails in words."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

import pytest

from blindwatch.console.alerts import Reason
from blindwatch.console.board import Board, board, retention
from blindwatch.console.wording import span
from blindwatch.errors import (
    AlertsOpen,
    ConfigurationError,
    DeploymentStopped,
    LogUnwritable,
    ServerUnavailable,
    StatementMismatch,
    WrongKey,
)
from blindwatch.operator.journal import Journal
from blindwatch.policy.profile import profile, profiles
from blindwatch.records.operator import Alerted, AttentionChecked, KeyForgotten, KeyReceived, Outcome, Stopped
from blindwatch.statements.predicates import Closing
from blindwatch.wire.messages import now

from ..client.photographs import small
from ..crops import crop_key
from ..serving import FORCE, eventually
from .cases import ANNA, BEN
from .stage import Page, Stage, seen_again


def decide(
    page: Page, identifier: str, outcome: Outcome, reason: Reason | None = None, by: str = ANNA
) -> None:
    with page.post.duty.desk() as desk:
        desk.decide(identifier, by, desk.tray.get(identifier).stage, outcome, reason)


def lines(page: Page, operator: str = ANNA) -> dict[str, tuple[str, str]]:
    found: Board = board(page.post.duty, operator)
    return {line.label: (line.text, line.level) for line in found.lines}


def kinds(stage: Stage) -> list[str]:
    with Journal(stage.journal) as journal:
        return [record.kind for record in journal.records()]


def test_no_duty_begins_where_faces_are_sealed_to_somebody_else(stage: Stage) -> None:
    stage.open(crop_key=crop_key())
    with pytest.raises(WrongKey, match="another key"), stage.console():
        pass


def test_a_face_that_does_not_open_is_an_alert_without_it(stage: Stage) -> None:
    with stage.console() as page:
        identifier = stage.walk(page, closed=True)
        with page.post.duty.desk() as desk:
            assert desk.tray.get(identifier).probe_image is None
        assert page.post.duty.signals.unread == 1


def test_what_lasts_of_a_duty_is_its_journal(stage: Stage) -> None:
    with stage.console(BEN) as page:
        first = stage.walk(page)
        stage.see(small(70))
        decide(page, first, "sent")
        decide(page, first, "engaged", by=BEN)
        decide(page, first, "confirmed-false", Reason.LOOKALIKE)
        page.post.duty.finish()
    assert kinds(stage) == [
        *("key-received", "console-started", "alerted"),
        *("adjudicated", "adjudicated", "adjudicated", "key-forgotten"),
    ]
    written = b"".join(path.read_bytes() for path in stage.journal.rglob("*") if path.is_file())
    assert stage.crops[first] not in written
    assert b"\xff\xd8\xff" not in written
    with Journal(stage.journal) as journal:
        (alerted,) = [each for each in journal.records() if isinstance(each, Alerted)]
        (course,) = journal.courses().values()
    assert (alerted.alert, alerted.priority, alerted.test_subject) == (first, "red", True)
    assert [(each.outcome, each.operator, each.reason) for each in course.decided] == [
        ("sent", ANNA, None),
        ("engaged", BEN, None),
        ("confirmed-false", ANNA, "relative-or-lookalike"),
    ]


def test_nothing_is_finished_while_an_alert_is_open(stage: Stage) -> None:
    with stage.console() as page:
        identifier = stage.walk(page)
        with pytest.raises(AlertsOpen):
            page.post.duty.finish()
        assert page.post.duty.key.is_held
        decide(page, identifier, "rejected", Reason.DIFFERENT_PERSON)
        page.post.duty.finish()
        assert not page.post.duty.key.is_held


def test_after_a_restart_alerts_are_there_and_their_images_are_gone(stage: Stage) -> None:
    with stage.console() as page:
        first, second = stage.walk(page), stage.walk(page, 1)
        decide(page, first, "sent")
    with stage.console() as page:
        with page.post.duty.desk() as desk:
            left = {alert.id: alert for alert in desk.tray.open}
        assert {name: (each.stage, each.has_images) for name, each in left.items()} == {
            first: ("sent", False),
            second: ("new", False),
        }
        decide(page, second, "lost", Reason.NOT_COMPARABLE)
        decide(page, first, "engaged")
        decide(page, first, "confirmed-true", Reason.ARREST)
        page.post.duty.finish()
    with stage.console() as page:
        page.post.duty.finish()


def test_an_alert_expires_by_the_clock_of_the_profile_and_only_its_outcome_stays(stage: Stage) -> None:
    with stage.console() as page:
        duty = page.post.duty
        identifier = stage.walk(page)
        hours = timedelta(hours=duty.assignment.rules.clocks.alert_hours)
        ahead = duty.now() + hours
        duty._clock = duty._desk._clock = duty._desk.tray._clock = lambda: ahead
        duty.tick()
        with duty.desk() as desk:
            assert desk.tray.alerts == []
            assert [(each.id, each.outcome) for each in desk.tray.settled] == [(identifier, "expired")]
        assert stage.recorded(page) == [("expired", ANNA, None)]


@pytest.mark.parametrize("name", profiles())
def test_the_page_says_what_the_profile_has_and_the_tray_purges_by_it(name: str) -> None:
    rules = profile(name)
    kept = span(timedelta(hours=rules.clocks.alert_hours))
    assert f"after {kept} at the latest" in retention(rules)


# Stop


def test_a_stop_reaches_the_server_forgets_the_key_and_is_written_down(stage: Stage) -> None:
    with stage.console(BEN) as page:
        duty = page.post.duty
        identifier = stage.walk(page)
        sent = stage.walk(page, 1)
        decide(page, sent, "sent")
        began = time.monotonic()
        duty.stop(BEN, page.post.identity, page.post.at_once)
        with pytest.raises(DeploymentStopped):
            stage.see(seen_again(2))
        assert time.monotonic() - began < 2
        assert not duty.key.is_held
        with duty.desk() as desk:
            assert {each.id: each.has_images for each in desk.tray.open} == {identifier: False, sent: True}
        assert lines(page)["Server"][0].startswith(f"stopped by {BEN}")
        assert duty.stop(ANNA, page.post.identity, page.post.at_once) is duty.halt  # once for all
    with Journal(stage.journal) as journal:
        found = list(journal.records())
    (stop,) = [each for each in found if isinstance(each, Stopped)]
    assert (stop.operator, stop.told) == (BEN, True)
    assert [type(each) for each in found].count(KeyForgotten) == 1


def test_a_stop_that_the_server_cannot_hear_stops_here_and_is_told_on(stage: Stage) -> None:
    with stage.console() as page:
        duty = page.post.duty
        os.kill(stage.server.process.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            duty.stop(ANNA, page.post.identity, page.post.at_once)
            assert time.monotonic() - began < 3
            text, level = lines(page)["Server"]
            assert level == "bad"
            assert f"does not know that {ANNA} stopped" in text
            assert not duty.key.is_held
        finally:
            os.kill(stage.server.process.pid, signal.SIGCONT)
        assert duty.halt is not None
        assert duty.halt.told.wait(10)
        with pytest.raises(DeploymentStopped):
            stage.see(seen_again(0))
    with Journal(stage.journal) as journal:
        (stop,) = [each for each in journal.records() if isinstance(each, Stopped)]
    assert not stop.told


def test_a_stop_holds_for_the_version_that_came_into_force_meanwhile(stage: Stage) -> None:
    with stage.console() as page:
        stage.renew()
        page.post.duty.stop(ANNA, page.post.identity, page.post.at_once)
        assert page.post.duty.halt is not None
        assert page.post.duty.halt.told.wait(10)
        with pytest.raises(DeploymentStopped):
            stage.see(seen_again(0))


# What fails, in words


def test_a_server_that_is_gone_is_said_to_be(stage: Stage) -> None:
    with stage.console() as page:
        page.post.duty.lost(ServerUnavailable())
        text, level = lines(page)["Server"]
        assert (text, level) == ("not reached", "bad")
        assert lines(page)["Cameras"][0] == "not known"
        page.post.duty.reached()
        assert lines(page)["Server"] == ("connected", "good")


def test_a_deployment_that_is_closed_is_said_to_be(stage: Stage) -> None:
    with stage.console() as page:
        digest = stage.server.client("custodian").get_deployment(stage.deployment).manifest_digest
        closing = Closing(
            deployment=stage.deployment, manifest_digest=digest, reason="It is over", issued_at=now()
        )
        signed = FORCE.sign(closing.envelope(), "b.osei").to_json()
        stage.server.client("custodian").close_deployment(stage.deployment, signed)
        eventually(page.post.duty.over.is_set)
        text, level = lines(page)["Server"]
        assert level == "bad"
        assert "nothing more is fetched" in text


def test_a_key_whose_time_is_over_is_forgotten(stage: Stage) -> None:
    with stage.console(hours=3 / 3600) as page:
        assert lines(page)["Key"][1] == "good"
        eventually(lambda: not page.post.duty.key.is_held)
        assert lines(page)["Key"] == ("gone: nothing can be opened", "bad")
        assert "time that the key was released for is over" in lines(page)["Server"][0]
    assert kinds(stage) == ["key-received", "console-started", "key-forgotten"]


def test_what_cannot_be_written_down_is_not_shown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage.console() as page:
        log = page.journal._log
        append = log.append

        def full(entries: object) -> int:
            raise LogUnwritable

        monkeypatch.setattr(log, "append", full)
        stage.walk(page)
        with page.post.duty.desk() as desk:
            assert desk.tray.open == []
        assert page.post.duty.over.is_set()
        text, level = lines(page)["Journal"]
        assert level == "bad"
        assert "Nothing more is fetched" in text
        monkeypatch.setattr(log, "append", append)


# Checks


def test_a_check_is_written_down_as_what_it_is(stage: Stage) -> None:
    with stage.console(check_minutes=0.005) as page:
        eventually(lambda: bool(page.post.duty._desk.tray.open), 20)
        with page.post.duty.desk() as desk:
            shown = desk.tray.open[0]
            assert shown.is_check
            assert shown.has_images
            if shown.relatives:
                desk.consider(shown.id, ANNA)
            desk.decide(shown.id, ANNA, "new", "sent", None)
        assert board(page.post.duty, ANNA).flags[0].operator == ANNA
    with Journal(stage.journal) as journal:
        found = list(journal.records())
    assert [(each.operator, each.passed) for each in found if isinstance(each, AttentionChecked)] == [
        (ANNA, False)
    ]
    assert not [each for each in found if isinstance(each, Alerted)]
    assert [type(each) for each in found].count(KeyReceived) == 1


# What is refused before anything is opened


def test_only_operators_sit_at_a_console(stage: Stage) -> None:
    with pytest.raises(ConfigurationError, match="Only operators"), stage.console("d.silva"):
        pass


def test_faces_of_another_list_are_refused(stage: Stage) -> None:
    faces = stage.folder / "watchlist" / "candidates.cbor"
    whole = faces.read_bytes()
    try:
        faces.write_bytes(whole + b"x")
        with pytest.raises(StatementMismatch, match="the package names"), stage.console():
            pass
    finally:
        faces.write_bytes(whole)
