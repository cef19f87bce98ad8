"""A journal in which there were alerts already when a console starts."""

from __future__ import annotations

from blindwatch.operator.fetching import Reading
from blindwatch.operator.journal import Journal
from blindwatch.operator.reading import Match
from blindwatch.policy.profile import profile
from blindwatch.statements.package import OperatorPackage, PackageEntry
from blindwatch.wire.messages import now

from .cases import ANNA
from .stage import ENTRIES, Stage

MOST = profile("demo").alerts_per_entry or 0
"""Alerts about one entry that the profile of the stage allows."""


def entries(stage: Stage) -> tuple[PackageEntry, ...]:
    return OperatorPackage.load(stage.folder / "watchlist" / "operator.json").entries


def place(stage: Stage, number: int) -> int:
    """Which entry of the list a photograph became: it is enrolled in an order that is drawn."""
    instructions = [each.instruction for each in entries(stage)]
    return instructions.index(ENTRIES[number]["instruction"])


def had(stage: Stage, alerts: int, *numbers: int) -> None:
    """Have the journal of a stage say that there were so many alerts about the entries of these photographs."""
    listed = entries(stage)
    with Journal(stage.journal) as journal:
        allowance = journal.allowance(stage.deployment, listed, MOST)
        done = [
            Reading(
                f"{number:02x}{count:030x}",
                "ab" * 32,
                "gate-1",
                now(),
                (Match(place(stage, number), 29_000),),
                None,
                1,
                1.0,
                1,
            )
            for number in numbers
            for count in range(alerts)
        ]
        journal.alert(stage.deployment, done, listed, None, allowance)
        for each in done:
            journal.adjudicate(each.probe_id, "rejected", ANNA, None)
