"""What the header says of everything around, in words, as a table; and of the alert, which buttons there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blindwatch.console.actions import actions
from blindwatch.console.alerts import Alert
from blindwatch.console.bands import Band, Scale
from blindwatch.console.signals import SILENCE, Signals
from blindwatch.console.wording import is_old, span
from blindwatch.errors import Problem

from .cases import ANNA, BEN, START, alert, with_relative


def barred(made: Alert, operator: str = ANNA) -> dict[str, str]:
    return {each.key: each.barred for each in actions(made, operator)}


AFTER = "After engagement"


@pytest.mark.parametrize(
    ("made", "buttons"),
    [
        (alert(), {"1": "", "2": "", "3": AFTER, "4": AFTER}),
        (
            replace(alert(), stage="sent", agreed=(ANNA,)),
            {"1": "", "2": "Sent already", "3": AFTER, "4": AFTER, "5": "", "6": ""},
        ),
        (
            replace(alert(), stage="engaged"),
            {
                "1": "Officer is with the person",
                "2": "Officer is with the person",
                "3": "",
                "4": "",
                "6": "",
            },
        ),
        (with_relative(), {"1": "", "2": "Somebody is known to look alike.", "3": AFTER, "4": AFTER}),
        (
            replace(with_relative(), stage="engaged"),
            {
                "1": "Officer is with the person",
                "2": "Officer is with the person",
                "3": "Somebody is known to look alike.",
                "4": "",
                "6": "",
            },
        ),
        (
            alert(agreed=(ANNA,)),
            {"1": "", "2": "A second person has to agree", "3": AFTER, "4": AFTER},
        ),
    ],
)
def test_the_four_buttons_are_always_there_and_say_why_they_cannot_be_pressed(
    made: Alert, buttons: dict[str, str]
) -> None:
    assert barred(made) == buttons


def test_without_images_an_alert_can_be_closed_and_nothing_else() -> None:
    found = barred(alert(probe_image=None))
    assert found.pop("5") == ""
    assert all(found.values())
    assert found["2"] == "Two images are needed"


def test_who_has_not_agreed_can() -> None:
    assert barred(alert(agreed=(ANNA,)), BEN)["2"] == ""


# Cameras, results, scores, times


@pytest.mark.parametrize(
    ("heard", "now", "silent"),
    [
        (None, timedelta(0), None),
        (None, SILENCE, SILENCE),
        (timedelta(seconds=60), SILENCE, None),
        (timedelta(0), timedelta(seconds=74), None),
        (timedelta(0), timedelta(seconds=101), timedelta(seconds=101)),
    ],
)
def test_a_camera_that_says_nothing_for_longer_than_its_minute_is_offline(
    heard: timedelta | None, now: timedelta, silent: timedelta | None
) -> None:
    signals = Signals(START)
    signals.heard = {"gate-1": None if heard is None else START + heard}
    assert signals.silent("gate-1", START + now) == silent


def test_what_could_not_be_read_is_counted_by_what_it_means() -> None:
    signals = Signals(START)
    for problem in (None, Problem.MALFORMED_CIPHERTEXT, Problem.REMOVAL_IGNORED, Problem.INVALID_PROOF):
        signals.count(problem, START)
    assert (signals.faces, signals.unread, signals.violations, signals.unproven) == (4, 1, 1, 1)


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (500, Band.JUST),
        (549, Band.JUST),
        (550, Band.ABOVE),
        (649, Band.ABOVE),
        (650, Band.WELL),
        (1000, Band.WELL),
    ],
)
def test_scores_become_bands(score: int, band: Band) -> None:
    assert Scale(threshold=500, highest=1000).band(score) is band


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ({"hours": 744}, "31 days"),
        ({"hours": 1}, "1 hour"),
        ({"hours": 25, "minutes": 3}, "1 day 1 hour"),
        ({"seconds": 62}, "1 minute 2 seconds"),
        ({}, "no time"),
    ],
)
def test_spans_in_words(time: dict[str, float], words: str) -> None:
    assert span(timedelta(**time)) == words


def test_a_photograph_of_unknown_age_or_more_than_five_years_is_warned_of() -> None:
    today = START.date()
    assert is_old(None, today)
    assert is_old(today.replace(year=today.year - 6), today)
    assert not is_old(today.replace(year=today.year - 4), today)
