"""The desk: claims of two operators, duplicates, undo, two people, checks, training, expiry, by a clock at hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindwatch.console.alerts import Alert, Reason, Stage
from blindwatch.console.desk import Desk, Notice
from blindwatch.errors import (
    AlertsOpen,
    AlertTaken,
    LogUnwritable,
    NotFound,
    NotTrained,
    SamePerson,
    WrongStep,
)
from blindwatch.statements.package import Priority

from .cases import ANNA, BEN, START, Office, alert, entry, with_relative

WHY = Reason.DIFFERENT_PERSON


def identifiers(alerts: list[Alert]) -> list[int]:
    return [int(each.id, 16) for each in alerts]


def reject(desk: Desk, made: Alert, operator: str = ANNA) -> Notice:
    return desk.decide(made.id, operator, "new", "rejected", WHY)


def held(desk: Desk, operator: str) -> Alert:
    found = desk.held(operator)
    assert found is not None
    return found


def taken(desk: Desk, operator: str) -> Alert:
    found = desk.take(operator)
    assert found is not None
    return found


# Order and claims


def test_the_most_urgent_comes_first_and_among_these_the_oldest() -> None:
    office = Office()
    late = {"raised_at": START.replace(minute=5)}
    desk = office.raised(
        alert(1, about=entry("AAAAAAAA", Priority.GREEN)),
        alert(2, about=entry("BBBBBBBB", Priority.AMBER)),
        alert(3, about=entry("CCCCCCCC"), **late),
        alert(4, about=entry("DDDDDDDD")),
    )
    assert identifiers(desk.tray.open) == [4, 3, 2, 1]


def test_two_operators_get_two_alerts_and_neither_can_act_on_the_others() -> None:
    desk = Office().raised(first := alert(1), second := alert(2))
    assert (desk.take(ANNA), desk.take(BEN)) == (desk.held(ANNA), desk.held(BEN))
    assert (held(desk, ANNA).id, held(desk, BEN).id) == (first.id, second.id)
    for act in (
        lambda: desk.claim(first.id, BEN),
        lambda: reject(desk, first, BEN),
        lambda: desk.release(first.id, BEN),
        lambda: desk.undo(first.id, BEN),
        lambda: desk.consider(first.id, BEN),
    ):
        with pytest.raises(AlertTaken):
            act()
    assert held(desk, ANNA).id == first.id


def test_taking_again_gives_the_same_alert() -> None:
    desk = Office().raised(alert(1), alert(2))
    assert taken(desk, ANNA).id == taken(desk, ANNA).id


def test_whoever_takes_another_alert_gives_the_first_one_back() -> None:
    desk = Office().raised(first := alert(1), second := alert(2))
    desk.take(ANNA)
    desk.claim(second.id, ANNA)
    assert held(desk, ANNA).id == second.id
    assert taken(desk, BEN).id == first.id


def test_an_alert_that_was_given_back_waits_again() -> None:
    desk = Office().raised(first := alert(1))
    desk.take(ANNA)
    assert desk.waiting(BEN) == []
    desk.release(first.id, ANNA)
    assert taken(desk, BEN).id == first.id


def test_an_operator_who_does_nothing_for_a_minute_is_away_and_the_alert_waits_again() -> None:
    office = Office()
    desk = office.raised(first := alert(1))
    desk.take(ANNA)
    office.pass_(seconds=59)
    assert desk.held(ANNA)
    assert not desk.is_away(ANNA)
    office.pass_(seconds=1)
    assert desk.held(ANNA) is None
    assert desk.is_away(ANNA)
    assert taken(desk, BEN).id == first.id
    office.pass_(seconds=60)
    assert taken(desk, ANNA).id == first.id
    assert not desk.is_away(ANNA)


def test_an_alert_need_not_be_claimed_to_be_decided() -> None:
    office = Office()
    desk = office.raised(first := alert(1))
    assert reject(desk, first) is Notice.DECIDED


# Decisions


def test_a_decision_is_written_down_once_it_cannot_be_undone_and_the_images_go() -> None:
    office = Office()
    desk = office.raised(first := alert(1))
    reject(desk, first)
    office.pass_(seconds=9.9)
    assert office.notes.outcomes == []
    assert [each.id for each in desk.undoable(ANNA)] == [first.id]
    office.pass_(seconds=0.1)
    assert office.notes.outcomes == [(first.id, "rejected", (ANNA,), WHY)]
    assert desk.tray.alerts == []
    assert desk.tray.outcomes == {"rejected": 1}
    with pytest.raises(NotFound):
        desk.undo(first.id, ANNA)


def test_what_was_undone_was_never_decided() -> None:
    office = Office()
    desk = office.raised(first := alert(1))
    reject(desk, first)
    office.pass_(seconds=5)
    desk.undo(first.id, ANNA)
    assert held(desk, ANNA).id == first.id
    office.pass_(seconds=30)
    assert office.notes.outcomes == []
    assert desk.tray.open[0].stage == "new"


def test_undoing_gives_back_the_alert_that_was_taken_since() -> None:
    office = Office()
    desk = office.raised(first := alert(1), second := alert(2))
    reject(desk, first)
    desk.take(ANNA)
    desk.undo(first.id, ANNA)
    assert held(desk, ANNA).id == first.id
    assert identifiers(desk.waiting(BEN)) == [int(second.id, 16)]


def test_the_next_step_settles_the_one_before() -> None:
    office = Office()
    desk = office.raised(first := alert(1))
    desk.decide(first.id, ANNA, "new", "sent", None)
    desk.decide(first.id, ANNA, "sent", "engaged", None)
    assert office.notes.outcomes == [(first.id, "sent", (ANNA,), None)]
    desk.undo(first.id, ANNA)
    assert held(desk, ANNA).stage == "sent"


def test_a_whole_engagement() -> None:
    office = Office()
    desk = office.raised(first := alert(1))
    desk.decide(first.id, ANNA, "new", "sent", None)
    office.pass_(seconds=20)
    desk.decide(first.id, BEN, "sent", "engaged", None)
    office.pass_(minutes=4)
    desk.decide(first.id, BEN, "engaged", "confirmed-true", Reason.ARREST)
    office.pass_(seconds=10)
    assert [each[1:] for each in office.notes.outcomes] == [
        ("sent", (ANNA,), None),
        ("engaged", (BEN,), None),
        ("confirmed-true", (BEN,), Reason.ARREST),
    ]


def test_a_decision_about_what_was_seen_before_does_not_count() -> None:
    office = Office()
    desk = office.raised(first := alert(1))
    desk.decide(first.id, ANNA, "new", "sent", None)
    with pytest.raises(WrongStep):
        reject(desk, first, BEN)
    with pytest.raises(WrongStep):
        desk.decide(first.id, BEN, "new", "sent", None)


def test_what_is_decided_cannot_be_taken() -> None:
    desk = Office().raised(first := alert(1))
    reject(desk, first)
    with pytest.raises(WrongStep):
        desk.claim(first.id, BEN)
    assert desk.take(BEN) is None


def test_nobody_is_asked_about_an_alert_that_they_have_agreed_to() -> None:
    office = Office(verifiers=2)
    desk = office.raised(first := alert(1))
    assert desk.decide(first.id, ANNA, "new", "sent", None) is Notice.SECOND
    assert desk.take(ANNA) is None
    with pytest.raises(SamePerson):
        desk.decide(first.id, ANNA, "new", "sent", None)
    office.pass_(seconds=30)
    assert office.notes.outcomes == []
    assert taken(desk, BEN).id == first.id
    assert desk.decide(first.id, BEN, "new", "sent", None) is Notice.DECIDED
    office.pass_(seconds=10)
    assert office.notes.outcomes == [(first.id, "sent", (ANNA, BEN), None)]


def test_the_note_on_a_relative_is_considered_by_each_who_decides() -> None:
    office = Office(verifiers=2)
    desk = office.raised(first := with_relative())
    for operator in (ANNA, BEN):
        with pytest.raises(WrongStep):
            desk.decide(first.id, operator, "new", "sent", None)
        desk.consider(first.id, operator)
        desk.decide(first.id, operator, "new", "sent", None)
    assert desk.tray.open[0].stage == "sent"


# Duplicates


def test_somebody_who_stays_in_view_is_one_alert_which_says_so_once() -> None:
    office = Office()
    same = entry()
    for number, (seconds, alerts, again) in enumerate(
        [(0, 1, False), (29.9, 1, True), (29.9, 1, True), (30, 2, False), (0, 2, True)], 1
    ):
        office.clock.pass_(seconds=seconds)
        office.raised(alert(number, about=same))
        assert office.tray.raised == alerts
        assert office.tray.open[-1].is_seen_again is again
    assert len(office.notes.alerts) == 2


def test_another_camera_or_another_entry_is_another_alert() -> None:
    office = Office()
    office.raised(alert(1, about=entry()), alert(2, about=entry(), camera="gate-2"), alert(3))
    assert office.tray.raised == 3


def test_who_was_just_decided_about_is_not_shown_again_at_once() -> None:
    office = Office()
    desk = office.raised(first := alert(1, about=entry()))
    reject(desk, first)
    office.pass_(seconds=20)
    office.raised(alert(2, about=entry()))
    assert office.tray.alerts == []


# Checks


def check(number: int = 7) -> Alert:
    return alert(number, is_check=True)


def test_whoever_sees_a_check_passes_it_and_the_deployment_has_no_alert_more() -> None:
    office = Office()
    desk = office.raised(shown := check())
    assert taken(desk, ANNA).id == shown.id
    assert reject(desk, shown) is Notice.CHECK_PASSED
    assert office.notes.checks == [(ANNA, True)]
    assert (office.notes.alerts, office.notes.outcomes, desk.flags, desk.tray.raised) == ([], [], [], 0)
    assert desk.tray.alerts == []


@pytest.mark.parametrize("verifiers", [1, 2])
def test_whoever_agrees_to_a_check_is_told_at_once_and_so_is_the_supervisor(verifiers: int) -> None:
    office = Office(verifiers=verifiers)
    desk = office.raised(shown := check())
    assert desk.decide(shown.id, ANNA, "new", "sent", None) is Notice.CHECK_FAILED
    assert office.notes.checks == [(ANNA, False)]
    assert [flag.operator for flag in desk.flags] == [ANNA]
    assert desk.tray.alerts == []
    assert office.notes.outcomes == []


def test_a_check_that_nobody_looked_at_goes_without_a_trace() -> None:
    office = Office()
    office.raised(check())
    office.pass_(hours=25)
    assert (office.tray.alerts, office.tray.settled, office.notes.checks) == ([], [], [])


def test_a_check_keeps_no_deployment_open() -> None:
    office = Office()
    office.raised(check())
    office.tray.forget_images()
    office.tray.check_over()
    assert office.tray.alerts == []


# Training


def test_whoever_is_not_trained_can_only_look_on() -> None:
    desk = Office(untrained=(BEN,)).raised(first := alert(1))
    for act in (
        lambda: desk.take(BEN),
        lambda: desk.claim(first.id, BEN),
        lambda: reject(desk, first, BEN),
        lambda: desk.consider(first.id, BEN),
        lambda: desk.undo(first.id, BEN),
        lambda: desk.release(first.id, BEN),
    ):
        with pytest.raises(NotTrained):
            act()
    assert taken(desk, ANNA).id == first.id


# Time, and the end


def test_an_alert_that_nobody_decided_expires_by_the_clock_of_the_profile() -> None:
    office = Office(hours=24)
    office.raised(first := alert(1))
    office.pass_(hours=23, minutes=59)
    assert office.tray.open
    office.pass_(minutes=1)
    assert office.tray.alerts == []
    assert office.notes.outcomes == [(first.id, "expired", (), None)]
    assert [(each.id, each.outcome) for each in office.tray.settled] == [(first.id, "expired")]


@pytest.mark.parametrize("stage", ["sent", "engaged"])
def test_so_does_one_that_somebody_was_sent_for(stage: Stage) -> None:
    office = Office()
    office.raised(replace(alert(1), stage=stage))
    office.pass_(hours=24)
    assert office.tray.outcomes == {"expired": 1}


def test_nothing_is_reported_as_over_while_an_alert_is_open() -> None:
    office = Office()
    desk = office.raised(first := alert(1), second := alert(2))
    with pytest.raises(AlertsOpen, match="2 alerts have"):
        office.tray.check_over()
    reject(desk, first)
    with pytest.raises(AlertsOpen, match="1 alert has"):
        office.tray.check_over()
    desk.decide(second.id, ANNA, "new", "sent", None)
    with pytest.raises(AlertsOpen):
        office.tray.check_over()
    desk.decide(second.id, ANNA, "sent", "lost", Reason.NOT_FOUND)
    office.tray.check_over()
    assert office.tray.outcomes == {"rejected": 1, "lost": 1}


def test_images_can_go_at_once_and_what_is_open_stays_to_be_decided() -> None:
    office = Office()
    desk = office.raised(first := alert(1), second := alert(2))
    desk.decide(first.id, ANNA, "new", "sent", None)
    office.tray.forget_images()
    assert [(each.stage, each.has_images, each.candidates) for each in office.tray.open] == [
        ("sent", False, ()),
        ("new", False, ()),
    ]
    desk.decide(second.id, ANNA, "new", "lost", Reason.NOT_COMPARABLE)
    desk.decide(first.id, ANNA, "sent", "lost", Reason.NOT_FOUND)
    office.tray.check_over()


def test_what_an_earlier_run_has_left_is_to_be_decided_too() -> None:
    office = Office(left=[alert(1, probe_image=None, candidates=())])
    assert office.tray.raised == 1
    with pytest.raises(AlertsOpen):
        office.tray.check_over()


# A journal that is full


def test_what_cannot_be_written_down_does_not_happen() -> None:
    office = Office()
    desk = office.raised(first := alert(1))
    office.notes.is_full = True
    with pytest.raises(LogUnwritable):
        office.raised(alert(2))
    assert identifiers(office.tray.open) == [1]
    reject(desk, first)
    for _ in range(2):
        with pytest.raises(LogUnwritable):
            office.pass_(seconds=10)
    assert office.tray.settled == []
    office.notes.is_full = False
    office.pass_(seconds=0)
    assert office.tray.outcomes == {"rejected": 1}
