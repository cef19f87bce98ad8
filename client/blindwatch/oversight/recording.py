"""`blindwatch oversight record`: the record of a deployment, for publication or in full."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

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
from blindwatch.oversight.deployment_record import DeploymentRecord
from blindwatch.oversight.intervals import SMALL
from blindwatch.oversight.report import environment
from blindwatch.statements.register import Register

PAGE: Final = "record.html"


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
    made = read(Case(Bundle.open(bundle), Register.load(register)), published=not full)
    with files.new_folder(out, "record") as folder:
        write(made, folder)
    console = Console()
    console.print(_table(made))
    if full:
        console.print(
            "[yellow]In full:[/] it has small numbers, by which people may be known. Do not publish it."
        )


def read(case: Case, *, published: bool) -> DeploymentRecord:
    """The record of a case that was approved and is over; raises what keeps it from being counted."""
    with _needed():
        _check_approved(case)
        return record_of(case, published=published)


def write(made: DeploymentRecord, folder: Path) -> None:
    """Write a record into a folder, in its three forms."""
    files.write_json(folder / "record.json", made.to_json(), "record")
    files.write_private(folder / "record.csv", _csv(made).encode(), "record")
    files.write_private(folder / PAGE, page(made).encode(), "record")


def page(made: DeploymentRecord) -> str:
    """The record as HTML."""
    return (
        environment().get_template("record.html.j2").render(made=made, otherwise=made.otherwise, small=SMALL)
    )


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
