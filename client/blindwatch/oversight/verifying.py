"""`blindwatch oversight verify`: every check on a bundle, without the server and without trusting who made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.catalogue import Replay, carry_out_all
from blindwatch.oversight.checks.findings import Verdict
from blindwatch.oversight.extras import needing
from blindwatch.oversight.report import page
from blindwatch.oversight.verification import WORDS, Facts, Verification, meaning
from blindwatch.statements.register import Register
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.wire import limits

_STYLES: Final = {Verdict.PASSED: "green", Verdict.FAILED: "bold red", Verdict.NOT_CHECKED: "yellow"}


def verify(
    bundle: Path,
    register: Annotated[Path, typer.Option(help="Your own copy of the register.", dir_okay=False)],
    replay: Annotated[
        bool, typer.Option("--replay", help="Compute the drawn results again. Needs: blindwatch[he].")
    ] = False,
    seen: Annotated[
        list[Path] | None,
        typer.Option(help="An older checkpoint of the log, from a witness or your own; again for more."),
    ] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="New file for the report as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="New file for the report to read and print.")] = None,
) -> None:
    """Check a bundle against your own register. Nothing in the bundle is trusted, and no server is asked.

    Exit code 1 if a check failed. What was not checked is not proven: the report says why.
    """
    people, older = Register.load(register), [_checkpoint(path) for path in seen or ()]
    console = Console()
    with progress() as display:
        task = display.add_task("Reading the log", total=None)
        case = Case(Bundle.open(bundle), people, older, lambda count: display.update(task, completed=count))
        engine = (
            replay_engine(lambda done, every: display.update(task, completed=done, total=every))
            if replay
            else None
        )
        outcomes = tuple(carry_out_all(case, engine))
    found = Verification(case.bundle, Facts.of(case), outcomes)
    if json_ is not None:
        files.write_private(json_, found.to_json(), "report")
    if html is not None:
        files.write_private(html, page(found).encode(), "report")
    console.print(table(found))
    if found.facts.searches:
        console.print(searches(found))
    for line in details(found):
        console.print(line)
    if found.of(Verdict.FAILED):
        raise typer.Exit(1)


def _checkpoint(path: Path) -> SignedCheckpoint:
    return SignedCheckpoint.parse(files.read_at_most(path, limits.LOG_NOTE, "older checkpoint"))


def replay_engine(shown: Callable[[int, int], None]) -> Replay:
    """What computes results again: imported here, so that everything else is checked without it."""
    with needing("that compute results", "he,oversight"):
        from blindwatch.oversight.replay import Replay as Engine
    return Engine(shown)


def table(found: Verification) -> Table:
    """Check, result, meaning."""
    shown = Table("Check", "Result", "What it means", title=f"Verification of {found.bundle.deployment}")
    for outcome in found.outcomes:
        word = f"[{_STYLES[outcome.verdict]}]{WORDS[outcome.verdict]}[/]"
        shown.add_row(escape(outcome.check.title), word, escape(meaning(outcome)))
    counts = [f"{len(found.of(verdict))} {WORDS[verdict]}" for verdict in Verdict]
    shown.caption = ", ".join(counts)
    return shown


def searches(found: Verification) -> Table:
    """Every search, for a person to review."""
    shown = Table(
        "Search", "At", "Operator", "Crime", "Reason", "Outcome", "Server", title="Searches to review"
    )
    for each in found.facts.searches:
        cells = (each.at, each.operator, each.reference, each.reason, each.outcome, each.server)
        shown.add_row(each.search[:8], *map(escape, cells))
    return shown


def details(found: Verification) -> Iterator[str]:
    """Everything that is wrong."""
    for outcome in found.of(Verdict.FAILED):
        yield f"[bold red]{escape(outcome.check.title)}[/]"
        for fault in outcome.faults:
            yield f"  {escape(fault)}"
