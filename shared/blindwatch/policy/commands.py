"""`blindwatch policy`: the rules that deployments can follow, as tables and as the page of documentation."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.policy.describing import CLOCKS, RULES, page, words
from blindwatch.policy.profile import Profile, profile, profiles

app = typer.Typer(no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Show the policy profiles: who may be on a list, who must agree, and how long anything is kept."""


@app.command("list")
def list_profiles() -> None:
    """Show every profile in one line."""
    table = Table("Profile", "Version", "Title", "Use", title="Policy profiles")
    for name in profiles():
        each = profile(name)
        table.add_row(each.name, str(each.version), each.title, each.use)
    Console().print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name of a profile, such as uk-met.")]) -> None:
    """Show all rules of one profile."""
    chosen, console = profile(name), Console()
    console.print(_rules(chosen))
    console.print(_categories(chosen))
    if chosen.checks is not None:
        console.print(f"[bold]Reasons for a check:[/] {words([each.name for each in chosen.checks.reasons])}")
        console.print(
            f"[bold]Risks in private places:[/] {words([each.name for each in chosen.checks.harms])}"
        )
    console.print(f"[bold]Documents:[/] {words(chosen.documents)}")
    console.print(f"[bold]Columns of a list:[/] {words(chosen.entry_fields)}")
    console.print(f"[bold]SHA-256:[/] {chosen.digest}")


@app.command()
def document() -> None:
    """Print the page on all profiles in Markdown, as the documentation has it."""
    typer.echo(page(), nl=False)


def _rules(chosen: Profile) -> Table:
    table = Table("Rule", chosen.name, title=f"{chosen.title}, version {chosen.version}")
    for title, say in RULES:
        table.add_row(title, say(chosen))
    table.add_section()
    for title, say in CLOCKS:
        table.add_row(f"Kept at most: {title}", say(chosen))
    return table


def _categories(chosen: Profile) -> Table:
    table = Table("Category", "Meaning", "Second approval", title="Reasons to be on a list")
    for each in chosen.categories:
        table.add_row(each.name, each.title, "for everybody" if each.sensitive else "if under age")
    return table
