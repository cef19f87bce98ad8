"""What a custodian sees of a list on the terminal: its faults, its quality, who is alike and what it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Final

import numpy as np
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from blindwatch.custodian.quality import Quality
from blindwatch.custodian.rules import Rules
from blindwatch.custodian.viewing import View, Viewing
from blindwatch.errors import Fault

_PAIRS: Final = 20


def faults(found: Iterable[Fault]) -> Table:
    """All that is wrong with a list."""
    table = Table("Row", "Field", "What is wrong", "What to do", title="Nothing was enrolled")
    for each in found:
        table.add_row(*map(escape, (each.row, each.field, each.wrong, each.remedy)))
    return table


def of_list(viewing: Viewing, rules: Rules) -> Iterator[RenderableType]:
    """Everything worth knowing of a list that was built."""
    yield _quality(viewing.views)
    overridden = [view for view in viewing.views if any(view.quality.shortcomings())]
    if overridden:
        yield _overridden(overridden)
    if viewing.likeness.count:
        yield _alike(viewing)
    yield _categories(viewing.views)
    special = [view for view in viewing.views if rules.is_special(view.entry)]
    if special:
        yield _special(special)


def _quality(views: list[View]) -> Table:
    table = Table("Measure", "Lowest", "Median", "Highest", title="Quality of the photographs")
    for field in fields(Quality):
        values = [float(getattr(view.quality, field.name)) for view in views]
        table.add_row(field.name, *(f"{each:.2f}" for each in np.quantile(values, [0, 0.5, 1])))
    return table


def _overridden(views: list[View]) -> Table:
    table = Table("Row", "Name", "Shortcomings", "Enrolled because", title="Photographs of low quality")
    for view in views:
        reason = view.entry.quality_override or ""
        texts = (view.entry.row, view.entry.name, " ".join(view.quality.shortcomings()), reason)
        table.add_row(*map(escape, texts))
    return table


def _alike(viewing: Viewing) -> Table:
    table = Table("Row", "Name", "Row", "Name", "Similarity", title="Is one person on the list twice?")
    for pair in viewing.likeness.pairs[:_PAIRS]:
        both = (text for entry in viewing.entries_of(pair) for text in (entry.row, entry.name))
        table.add_row(*map(escape, both), f"{pair.similarity:.3f}")
    table.caption = (
        f"{viewing.likeness.count} pairs of different people are as alike as one person often is. On a long list "
        "many are by chance."
    )
    return table


def _categories(views: list[View]) -> Table:
    table = Table("Category", "Entries", title="The list")
    for name, count in sorted(Counter(view.entry.category for view in views).items()):
        table.add_row(name, str(count))
    filled = sum(bool(view.entry.filled_in) for view in views)
    table.caption = f"{len(views)} in all, {filled} with defaults in empty columns"
    return table


def _special(views: list[View]) -> Table:
    table = Table("Row", "Name", "Second approver", "Reason", title="Under age, or sensitive otherwise")
    for view in views:
        entry = view.entry
        texts = (entry.row, entry.name, entry.second_approver or "", entry.second_reason or "")
        table.add_row(*map(escape, texts))
    return table
