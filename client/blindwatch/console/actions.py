"""What an operator can do with an alert, as buttons: four that are always in their place, and those of the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from blindwatch.console import steps
from blindwatch.console.alerts import Alert, Reason
from blindwatch.records.operator import Outcome

REASONS: Final = {
    Reason.DIFFERENT_PERSON: "a different person",
    Reason.LOOKALIKE: "a relative or somebody who looks alike",
    Reason.POOR_IMAGE: "the image is not good enough",
    Reason.NOT_COMPARABLE: "not comparable",
    Reason.NOT_FOUND: "not found",
    Reason.ARREST: "arrest",
    Reason.OTHER_ACTION: "another action",
    Reason.NO_ACTION: "no further action",
}
_STEADY: Final = "1234"
OUTCOMES: Final[dict[Outcome, str]] = {
    "rejected": "Not a match",
    "sent": "Sent to engagement",
    "engaged": "Officer is with the person",
    "confirmed-true": "Confirmed true alert",
    "confirmed-false": "Confirmed false alert",
    "lost": "Lost, or not comparable",
    "expired": "Expired",
}
"""In the terms of police forces."""


@dataclass(frozen=True)
class Action:
    """A button: its key, what it says, what it decides, and why it cannot be pressed, if so."""

    key: str
    label: str
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    must_choose: bool = False
    """Whether no reason is chosen beforehand."""
    barred: str = ""

    @property
    def is_steady(self) -> bool:
        """Whether it is one of the four that are always there."""
        return self.key in _STEADY


def actions(alert: Alert, operator: str) -> list[Action]:
    """The buttons for an alert, in their order."""
    return [
        Action(
            key,
            label,
            outcome,
            reasons,
            outcome in {"confirmed-true", "confirmed-false"},
            _barred(alert, operator, outcome, reasons),
        )
        for key, label, outcome, reasons in _buttons(alert)
    ]


def _buttons(alert: Alert) -> Iterator[tuple[str, str, Outcome, tuple[Reason, ...]]]:
    called_off = alert.stage == "sent"
    yield "1", "Call off: not a match" if called_off else "Not a match", "rejected", steps.REASONS["rejected"]
    yield "2", "Possible match: send to engagement", "sent", ()
    yield "3", "Confirm after engagement", "confirmed-true", steps.REASONS["confirmed-true"]
    yield "4", "Confirmed false", "confirmed-false", steps.REASONS["confirmed-false"]
    if alert.stage == "sent":
        yield "5", "Officer is with the person", "engaged", ()
    if alert.stage in {"sent", "engaged"}:
        yield "6", "Person was not found", "lost", (Reason.NOT_FOUND,)
    elif not alert.has_images:
        yield "5", "Close: not comparable", "lost", (Reason.NOT_COMPARABLE,)


def _barred(alert: Alert, operator: str, outcome: Outcome, reasons: tuple[Reason, ...]) -> str:
    if outcome not in steps.STEPS.get(alert.stage, ()):
        if outcome in {"sent", "rejected"}:
            return "Sent already" if alert.stage == "sent" else "Officer is with the person"
        return "After engagement"
    if alert.stage == "new" and not alert.has_images and outcome != "lost":
        return "Two images are needed"
    if outcome == "sent" and operator in alert.agreed:
        return "A second person has to agree"
    wrong = steps.obstacle(alert, outcome, reasons[0] if reasons else None)
    return "" if wrong is None else wrong.detail
