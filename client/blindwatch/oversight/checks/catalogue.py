"""All checks in the order in which a reader wants them: what was agreed, what was done, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from blindwatch.oversight.checks import (
    alert_limit,
    approval,
    challenges,
    clocks,
    grounds,
    identifications,
    intake,
    kept,
    lifecycle,
    logs,
    operators,
    removals,
    results,
    scans,
    searches,
    teardown,
    thresholds,
    times,
    urgency,
)
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import Check, Findings, Outcome, Unchecked, carry_out

Replay = Callable[[Case, Findings], None]
"""Computes drawn results again. It needs packages that the other checks do not, so it is brought along."""


def _no_replay(case: Case, findings: Findings) -> None:  # noqa: ARG001 - nothing is looked at
    raise Unchecked("It was not asked for. Verify with --replay to compute drawn results again.")


def checks(replay: Replay | None = None) -> tuple[Check, ...]:
    """All checks."""
    return (
        *approval.CHECKS,
        *logs.CHECKS,
        times.CHECK,
        lifecycle.CHECK,
        urgency.CHECK,
        removals.PAPERS,
        intake.CHECK,
        results.CHECK,
        removals.CHECK,
        thresholds.CHECK,
        challenges.CHECK,
        kept.CHECK,
        _replayed(replay or _no_replay),
        clocks.CHECK,
        teardown.CHECK,
        operators.CHECK,
        alert_limit.CHECK,
        *searches.CHECKS,
        identifications.CHECK,
        grounds.CHECK,
        scans.CHECK,
    )


def carry_out_all(case: Case, replay: Replay | None = None) -> Iterator[Outcome]:
    """Run every check on a bundle, one after the other."""
    for check in checks(replay):
        yield carry_out(check, case)


def _replayed(replay: Replay) -> Check:
    return Check(
        "replay",
        "Drawn results were computed as approved",
        "Every result that was drawn comes out bit for bit the same when it is computed again from what the camera "
        "sent, with the approved list and threshold, the public keys, and masks from the secret that the server had "
        "committed to. Non-matches were masked, and nothing else was released.",
        "Anything about results that were not drawn: a few wrong ones among many may be missed. The check of the "
        "draw says with which probability.",
        replay,
    )
