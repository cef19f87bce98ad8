"""What may become of an alert, as tables: every stage with every outcome and every reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest

from blindwatch.console import steps
from blindwatch.console.alerts import Alert, Reason, Stage
from blindwatch.errors import AlertError, SamePerson, WrongStep
from blindwatch.records.operator import FINAL, Outcome

from .cases import ANNA, BEN, FACE, FOUND, START, alert, with_relative

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
STAGES: tuple[Stage, ...] = ("new", *OUTCOMES)

ALLOWED = {
    ("new", "rejected", Reason.DIFFERENT_PERSON),
    ("new", "rejected", Reason.LOOKALIKE),
    ("new", "rejected", Reason.POOR_IMAGE),
    ("new", "sent", None),
    ("sent", "rejected", Reason.DIFFERENT_PERSON),
    ("sent", "rejected", Reason.LOOKALIKE),
    ("sent", "rejected", Reason.POOR_IMAGE),
    ("sent", "engaged", None),
    ("sent", "lost", Reason.NOT_FOUND),
    ("engaged", "confirmed-true", Reason.ARREST),
    ("engaged", "confirmed-true", Reason.OTHER_ACTION),
    ("engaged", "confirmed-true", Reason.NO_ACTION),
    ("engaged", "confirmed-false", Reason.DIFFERENT_PERSON),
    ("engaged", "confirmed-false", Reason.LOOKALIKE),
    ("engaged", "lost", Reason.NOT_FOUND),
}
WITHOUT_IMAGES = {step for step in ALLOWED if step[0] != "new"} | {("new", "lost", Reason.NOT_COMPARABLE)}


def steps_of(made: Alert) -> set[tuple[Stage, Outcome, Reason | None]]:
    """Every step that is allowed, out of all there could be."""
    found = set()
    for stage, outcome, reason in product(STAGES, OUTCOMES, (None, *Reason)):
        try:
            after = steps.decide(replace(made, stage=stage), outcome, ANNA, reason, 1, START)
        except WrongStep:
            continue
        assert after.stage == outcome
        found.add((stage, outcome, reason))
    return found


def test_of_all_steps_these_are_allowed() -> None:
    assert steps_of(alert()) == ALLOWED


@pytest.mark.parametrize("missing", [{"probe_image": None}, {"candidates": ()}])
def test_without_two_images_nobody_is_sent_and_nobody_is_rejected(missing: dict[str, Any]) -> None:
    assert steps_of(alert(**missing)) == WITHOUT_IMAGES


def test_with_a_known_relative_nobody_is_sent_or_confirmed_before_it_is_considered() -> None:
    related = with_relative()
    barred = {step for step in ALLOWED if step[1] in {"sent", "confirmed-true"}}
    assert steps_of(related) == ALLOWED - barred
    assert steps_of(steps.considered(related)) == ALLOWED


def test_what_was_considered_before_sending_is_to_be_considered_again_by_the_next() -> None:
    sent = steps.decide(steps.considered(with_relative()), "sent", ANNA, None, 1, START)
    assert not sent.is_warned


def test_there_is_nothing_to_consider_without_a_note() -> None:
    with pytest.raises(WrongStep):
        steps.considered(alert())


def test_nothing_follows_a_final_outcome() -> None:
    assert {stage for stage in STAGES if stage not in steps.STEPS} == FINAL
    assert not any(replace(alert(), stage=stage).is_open for stage in STAGES if stage in FINAL)


# Two people


def test_two_people_have_to_agree_where_the_profile_asks_for_two() -> None:
    once = steps.decide(alert(), "sent", ANNA, None, 2, START)
    assert (once.stage, once.agreed) == ("new", (ANNA,))
    with pytest.raises(SamePerson):
        steps.decide(once, "sent", ANNA, None, 2, START)
    twice = steps.decide(once, "sent", BEN, None, 2, START)
    assert (twice.stage, twice.agreed) == ("sent", (ANNA, BEN))


def test_one_of_two_is_enough_to_reject() -> None:
    once = steps.decide(alert(), "sent", ANNA, None, 2, START)
    assert steps.decide(once, "rejected", BEN, Reason.LOOKALIKE, 2, START).stage == "rejected"


# Undo


@pytest.mark.parametrize(
    ("by", "seconds", "allowed"),
    [(ANNA, 0, True), (ANNA, 9.9, True), (ANNA, 10, False), (ANNA, 3600, False), (BEN, 1, False)],
)
def test_whoever_decided_can_undo_it_for_ten_seconds(by: str, seconds: float, allowed: bool) -> None:
    made = alert()
    after = steps.decide(made, "rejected", ANNA, Reason.LOOKALIKE, 1, START)
    at = START + timedelta(seconds=seconds)
    if allowed:
        back = steps.undone(after, by, at)
        assert (back.stage, back.holder(at), back.decision) == ("new", by, None)
        assert (back.probe_image, back.candidates[0].image) == (FACE, FOUND)
    else:
        with pytest.raises(AlertError):
            steps.undone(after, by, at)


def test_what_was_not_decided_cannot_be_undone() -> None:
    with pytest.raises(WrongStep):
        steps.undone(alert(), ANNA, START)


def test_images_are_not_in_what_an_alert_says_of_itself() -> None:
    assert "face" not in repr(steps.decide(alert(), "sent", ANNA, None, 1, START))
