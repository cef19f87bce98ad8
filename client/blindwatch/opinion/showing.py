"""Verdicts as a table, with how sure they are."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.he.verdicts import SQUARED_NORM, Verdicts


def show(console: Console, scheme: str, names: Sequence[str], verdicts: Verdicts, threshold: int) -> None:
    """Print a verdict for each entry, and below them the chance that arithmetic made one of them wrong."""
    table = Table("Photograph", "Verdict", title=f"Verdicts under {escape(scheme)}")
    for name, match in zip(names, verdicts.matches, strict=True):
        table.add_row(escape(name), "match" if match else "no match")
    console.print(table)
    console.print(f"Threshold {threshold} of {SQUARED_NORM}; compared in {verdicts.seconds:.1f} s.")
    console.print(certainty(verdicts))
    console.print("A verdict is about two photographs; whether they show one person, a person has to decide.")


def certainty(verdicts: Verdicts) -> str:
    """The error probability of one verdict and of all together, in a sentence."""
    if verdicts.error_probability == 0:
        return "The arithmetic is exact; recognition errs all the same."
    each, together = f"{verdicts.error_probability:.1e}", f"{verdicts.error_of_all:.1e}"
    return (
        f"Chance that the arithmetic made a verdict wrong: {each} for each, over all of its {verdicts.lookups} "
        f"table lookups, and at most {together} for all of them; recognition errs far more often."
    )
