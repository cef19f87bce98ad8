"""What may become of an alert, step by step.

Nothing here knows of a clock, a network or a page: every function takes an alert and gives another, or raises
AlertError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

from blindwatch.console.alerts import Alert, Decision, Reason, Stage
from blindwatch.errors import SamePerson, WrongStep
from blindwatch.records.operator import Outcome

UNDO: Final = timedelta(seconds=10)
"""For so long whoever decided can take it back."""

STEPS: Final[Mapping[Stage, frozenset[Outcome]]] = MappingProxyType(
    {
        "new": frozenset[Outcome]({"rejected", "sent", "lost"}),
        "sent": frozenset[Outcome]({"rejected", "engaged", "lost"}),
        "engaged": frozenset[Outcome]({"confirmed-true", "confirmed-false", "lost"}),
    }
)
"""What may follow what. Time alone leads to 'expired', from any of these."""

REASONS: Final[Mapping[Outcome, tuple[Reason, ...]]] = MappingProxyType(
    {
        "rejected": (Reason.DIFFERENT_PERSON, Reason.LOOKALIKE, Reason.POOR_IMAGE),
        "confirmed-true": (Reason.ARREST, Reason.OTHER_ACTION, Reason.NO_ACTION),
        "confirmed-false": (Reason.DIFFERENT_PERSON, Reason.LOOKALIKE),
        "lost": (Reason.NOT_FOUND, Reason.NOT_COMPARABLE),
    }
)
"""The reasons that an outcome must have one of; other outcomes have none."""


def decide(
    alert: Alert, outcome: Outcome, operator: str, reason: Reason | None, verifiers: int, at: datetime
) -> Alert:
    """The alert after a decision, which can be undone for a while.

    A possible match is sent once as many people agree as there have to be; until then it stays new.
    Raises WrongStep, or SamePerson if somebody agrees a second time.
    """
    wrong = obstacle(alert, outcome, reason)
    if wrong is not None:
        raise wrong
    made = Decision(operator, at + UNDO, replace(alert, claim=None, decision=None), reason)
    after = replace(alert, claim=None, decision=made, considered=alert.considered and outcome != "sent")
    if outcome != "sent":
        return replace(after, stage=outcome)
    if operator in alert.agreed:
        raise SamePerson(
            "A second person has to agree, and you have agreed already.", "Ask another operator."
        )
    agreed = (*alert.agreed, operator)
    return replace(after, agreed=agreed, stage="sent" if len(agreed) >= verifiers else "new")


Rule: TypeAlias = tuple[Callable[[Alert, Outcome, Reason | None], bool], str, str]

_RULES: Final[tuple[Rule, ...]] = (
    (
        lambda alert, outcome, _: outcome in STEPS.get(alert.stage, ()),
        "The alert is not at a step from where this follows.",
        "Look at it again.",
    ),
    (
        lambda _, outcome, reason: reason in REASONS.get(outcome, (None,)),
        "The outcome needs one of its reasons.",
        "Choose the one that applies.",
    ),
    (
        lambda alert, outcome, _: alert.stage != "new" or alert.has_images or outcome == "lost",
        "There are not two images to compare, and nobody is stopped because of a score alone.",
        "Close it as not comparable.",
    ),
    (
        lambda alert, outcome, _: alert.is_warned or outcome not in {"sent", "confirmed-true"},
        "Somebody is known to look alike.",
        "Read the note, and say that you have considered it.",
    ),
    (
        lambda alert, _, reason: reason is not Reason.NOT_FOUND or alert.stage != "new",
        "Nobody has looked for the person yet.",
        "Send it to engagement first.",
    ),
    (
        lambda alert, _, reason: (
            reason is not Reason.NOT_COMPARABLE or (alert.stage == "new" and not alert.has_images)
        ),
        "There are two images to compare, or they were compared.",
        "Say what became of it.",
    ),
)
"""What has to hold for a decision, and what is said to whoever decides where it does not."""


def obstacle(alert: Alert, outcome: Outcome, reason: Reason | None) -> WrongStep | None:
    """What stands in the way of a decision; nothing if it can be taken."""
    broken = (WrongStep(detail, hint) for holds, detail, hint in _RULES if not holds(alert, outcome, reason))
    return next(broken, None)


def considered(alert: Alert) -> Alert:
    """The alert once an operator has read the note on the relative."""
    if not alert.relatives:
        raise WrongStep("There is no note on a relative.")
    return replace(alert, considered=True)


def undone(alert: Alert, operator: str, at: datetime) -> Alert:
    """The alert as it was before the last decision, in the hands of whoever takes it back."""
    decision = alert.undoable(at)
    if decision is None:
        raise WrongStep("It is too late to undo this.", "Take the next step.")
    if decision.by != operator:
        raise WrongStep("Somebody else decided this.", "Whoever decided can undo it.")
    return decision.before.claimed(operator, at)
