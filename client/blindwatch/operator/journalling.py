"""`blindwatch operator journal` and `adjudicate`: the operator's own log, and what is decided about alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.operator import searches
from blindwatch.operator.journal import SITE, Journal
from blindwatch.operator.unlocking import operator_of
from blindwatch.records.operator import FINAL, AlertsHeldBack, Answer, Checked, Compared, Outcome
from blindwatch.records.reading import answered, compared
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity

app = typer.Typer(no_args_is_help=True)

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Keys = Annotated[Path, typer.Option(help="Your signing keys, a PEM file.", dir_okay=False)]
People = Annotated[Path, typer.Option(help="Your copy of the register of people.", dir_okay=False)]
Folder = Annotated[Path, typer.Option("--journal", help="Folder of your journal.", file_okay=False)]


@app.command()
def init(
    journal: Folder,
    name: Annotated[str, typer.Option(help="Name of its key, such as e.novak.force.example/journal.")],
) -> None:
    """Make an empty journal with a new key, and print the key, by which oversight bodies check it later."""
    typer.echo(Journal.create(journal, name))


@app.command()
def show(journal: Folder) -> None:
    """Show the alerts and searches, and what became of each."""
    with Journal(journal) as opened:
        courses, searched, records = opened.courses(), searches.inquiries(opened), tuple(opened.records())
    checked, comparisons = answered(records), compared(records)
    table = Table("Alert", "At", "Camera", "Priority", "Decided", title=f"Journal {opened.key.name}")
    for name, course in courses.items():
        decided = ", ".join(f"{each.outcome} by {each.operator}" for each in course.decided)
        alerted = course.alerted
        table.add_row(name, alerted.at, alerted.camera, alerted.priority, decided or "[yellow]open[/]")
    left = sum(course.final is None for course in courses.values())
    table.caption = f"{len(courses)} alerts, {left} without a final outcome"
    Console().print(table)
    for each in records:
        if isinstance(each, AlertsHeldBack):
            Console().print(
                f"[yellow]Held back[/] after {each.alerts} alerts in {each.deployment}, {each.at}: all others about "
                f"entry {each.entry}.",
                soft_wrap=True,
            )
    if searched:
        Console().print(_searches(searched))
    if checked:
        Console().print(_checks(checked))
    if comparisons:
        Console().print(_comparisons(comparisons))
    Console().print(
        f"When the deployment is over, hand {journal / SITE} to the oversight body.", soft_wrap=True
    )


def _searches(found: Mapping[str, searches.Inquiry]) -> Table:
    table = Table("Search", "At", "Operator", "Crime", "Reason", "Outcome", title="Searches")
    for name, each in found.items():
        made = each.searched
        table.add_row(name, made.at, made.operator, made.reference, made.reason, _standing(each))
    left = sum(each.concluded is None for each in found.values())
    table.caption = f"{len(found)} searches, {left} without an outcome"
    return table


def _standing(inquiry: searches.Inquiry) -> str:
    """What became of a search, or what it waits for."""
    done, proposed = inquiry.concluded, inquiry.proposed
    if done is not None:
        return done.outcome if done.second is None else f"{done.outcome}, {done.operator} and {done.second}"
    if proposed is not None:
        return f"[yellow]open, identified by {proposed.operator} alone ({proposed.evidence})[/]"
    return "[yellow]failed, open[/]" if inquiry.has_failed else "[yellow]open[/]"


def _checks(found: Sequence[tuple[Checked, Answer]]) -> Table:
    table = Table(
        "Check", "At", "Operator", "Place", "Reason", "Harm", "Answer", title="Checks of one person"
    )
    for each, answer in found:
        grounds = (each.operator, each.place, each.reason, each.harm or "-")
        table.add_row(each.check, each.at, *grounds, answer)
    table.caption = f"{len(found)} checks of one person; what became of matches is among the alerts"
    return table


def _comparisons(found: Sequence[tuple[Compared, Answer]]) -> Table:
    columns = ("Comparison", "At", "Operator", "Engine", "Place", "Reason", "Harm", "Answer")
    table = Table(*columns, title="Comparisons of one person with one entry")
    for each, answer in found:
        grounds = (each.operator, each.engine, each.place, each.reason, each.harm or "-")
        table.add_row(each.comparison, each.at, *grounds, answer)
    table.caption = f"{len(found)} comparisons of one person with one entry"
    return table


def adjudicate(
    journal: Folder,
    alert: Annotated[str, typer.Option(help="Identifier of the alert, or its beginning.")],
    outcome: Annotated[str, typer.Option(help=f"One of {', '.join(OUTCOMES)}; most of them are final.")],
    identity: Keys,
    register: People,
    reason: Annotated[
        str | None, typer.Option(help="Why, as a word such as relative-or-lookalike; no names.")
    ] = None,
) -> None:
    """Write down what became of an alert. A final outcome stays as it is."""
    chosen = next((each for each in OUTCOMES if each == outcome), None)
    if chosen is None:
        raise ConfigurationError(f"An outcome is one of {', '.join(OUTCOMES)}.")
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    person = operator_of(signer, Register.load(register))
    with Journal(journal) as opened:
        decided = opened.adjudicate(alert, chosen, person, reason)
    end = "" if decided.outcome in FINAL else " It needs a final outcome still."
    Console().print(f"[green]Written down:[/] {decided.alert[:8]} {decided.outcome}.{end}")
