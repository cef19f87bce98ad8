"""Evidence against a log, in words, and its check by whoever is given it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.cli import files
from blindwatch.errors import UntrustedCheckpoint
from blindwatch.tlog.checkpoints import Checkpoint
from blindwatch.tlog.evidence import Case, Evidence
from blindwatch.tlog.policy import Policy
from blindwatch.wire import limits
from blindwatch.wire.messages import stamp

LogPolicy = Annotated[
    Path, typer.Option(help="The policy of witnesses, which names the log, as text.", dir_okay=False)
]
CASES: Final = {
    Case.SPLIT_VIEW: (
        "Split view",
        "The log has signed two trees of one size: it showed different histories. Nothing else explains it.",
    ),
    Case.REWRITTEN: (
        "Rewritten",
        "The log has signed a larger tree that does not begin with the one before. Nothing else explains it.",
    ),
    Case.UNPROVEN: (
        "Not proven",
        "A larger tree came without a proof that it goes on from the one before. The log has to bring the proof.",
    ),
    Case.BEHIND: (
        "Behind",
        "A smaller tree came after a larger one. The log went back, or somebody sent it late: the log has to bring"
        " the proof from the smaller to the larger.",
    ),
}
"""Title and meaning of each case."""


def evidence(
    file: Annotated[Path, typer.Argument(help="File with evidence, from a witness or a monitor.")],
    log_policy: Annotated[
        Path | None, typer.Option(help="Policy of witnesses that the log has to be one of.", dir_okay=False)
    ] = None,
) -> None:
    """Check evidence against a log: it shows what it says, whoever sent it. Needs no network."""
    found = Evidence.from_json(files.read_at_most(file, 4 * limits.LOG_PROOF, "evidence"))
    found.check()
    if log_policy is not None and found.log not in {
        party.key for party in Policy.load(log_policy).logs.values()
    }:
        raise UntrustedCheckpoint("The evidence is about another log than the policy's.")
    Console().print(table([found]))


def table(every: Iterable[Evidence]) -> Table:
    """Evidence with what it shows; each was checked, or was made here."""
    made = Table("Case", "Log", "Signed before", "Signed after", "Meaning", title="Evidence against logs")
    for each in every:
        title, meaning = CASES[each.case]
        before, after = each.cosigned.checkpoint, each.offered.checkpoint
        made.add_row(title, escape(before.origin), tree(before), tree(after), meaning)
    return made


def tree(checkpoint: Checkpoint) -> str:
    """A tree by its size and the beginning of its root."""
    return f"{checkpoint.size:,} entries, {checkpoint.root.hex()[:16]}"


def at(seconds: float) -> str:
    """A time of POSIX as people read it."""
    return stamp(datetime.fromtimestamp(seconds, UTC), "seconds")
