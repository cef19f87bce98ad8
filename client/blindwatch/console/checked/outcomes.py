"""What may become of the match of a check, by the keys that mean the same at the console for live use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blindwatch.console.alerts import Alert, Reason
from blindwatch.console.steps import REASONS
from blindwatch.errors import WrongStep
from blindwatch.records.operator import Outcome


@dataclass(frozen=True)
class Choice:
    """One outcome: its key, what it says, and its reasons, one of which has to be chosen."""

    key: str
    label: str
    outcome: Outcome
    reasons: tuple[Reason, ...]


CHOICES: Final = (
    Choice("1", "Not a match", "rejected", REASONS["rejected"]),
    Choice("3", "Confirmed true", "confirmed-true", REASONS["confirmed-true"]),
    Choice("4", "Confirmed false", "confirmed-false", REASONS["confirmed-false"]),
    Choice("5", "Not comparable", "lost", (Reason.NOT_COMPARABLE,)),
)
"""The officer is with the person already, so nobody is sent, and nobody is lost on the way."""


def read(text: str) -> tuple[Outcome, Reason]:
    """An outcome with one of its reasons, as a form has them: `rejected/poor-image`; raises WrongStep."""
    every = ((choice.outcome, reason) for choice in CHOICES for reason in choice.reasons)
    found = next(((outcome, reason) for outcome, reason in every if f"{outcome}/{reason}" == text), None)
    if found is None:
        raise WrongStep("The outcome needs one of its reasons.", "Choose the one that applies.")
    return found


def check_considered(alert: Alert, outcome: Outcome) -> None:
    """Refuse to confirm a match before somebody who is known to look alike was considered; raises WrongStep."""
    if outcome == "confirmed-true" and not alert.is_warned:
        raise WrongStep(
            "Somebody is known to look alike.", "Read the note, and say that you have considered it."
        )
