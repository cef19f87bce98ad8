"""`blindwatch oversight record`: the record of a deployment, for publication or in full."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.cli import files
from blindwatch.errors import NotAuthorised, StatementMismatch
from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks import approval
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import Unchecked, carry_out
from blindwatch.oversight.counting import record_of
from blindwatch.oversight.deployment_record import OTHERWISE, DeploymentRecord
from blindwatch.oversight.intervals import SMALL
from blindwatch.oversight.report import environment
from blindwatch.statements.register import Register


def record(
    bundle: Path,
    register: Annotated[Path, typer.Option(help="Your own copy of the register.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="New folder for the record as CSV, JSON and HTML.")],
    full: Annotated[
        bool, typer.Option("--full", help="With small numbers, for oversight and not for publication.")
    ] = False,
) -> None:
    """Count what the logs of a deployment have, once it is over: faces, alerts, outcomes and both error rates.

    Anybody who has the two logs gets the same numbers. Verify the bundle before you publish them.
    """
    case = Case(Bundle.open(bundle), Register.load(register))
    with _needed():
        _check_approved(case)
        made = record_of(case, published=not full)
    with files.new_folder(out, "record") as folder:
        files.write_json(folder / "record.json", made.to_json(), "record")
        files.write_private(folder / "record.csv", _csv(made).encode(), "record")
        files.write_private(folder / "record.html", page(made).encode(), "record")
    console = Console()
    console.print(_table(made))
    if full:
        console.print(
            "[yellow]In full:[/] it has small numbers, by which people may be known. Do not publish it."
        )


def page(made: DeploymentRecord) -> str:
    """The record as HTML."""
    return environment().get_template("record.html.j2").render(made=made, otherwise=OTHERWISE, small=SMALL)


@contextmanager
def _needed() -> Iterator[None]:
    """What a check could do without is needed here."""
    try:
        yield
    except Unchecked as why:
        raise StatementMismatch(str(why)) from None


def _check_approved(case: Case) -> None:
    outcome = carry_out(approval.CHECKS[0], case)
    if outcome.faults:
        raise NotAuthorised(outcome.faults[0], "See: blindwatch oversight verify")


def _csv(made: DeploymentRecord) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(made.rows())
    return text.getvalue()


def _table(made: DeploymentRecord) -> Table:
    shown = Table("What", "How many", title="Record of the deployment")
    for table in made.tables:
        for each in table.counts:
            shown.add_row(escape(each.name), each.said)
    shown.add_row("False alerts, of all faces", made.per_face.said)
    shown.add_row("False alerts, of all alerts", made.per_alert.said)
    return shown
