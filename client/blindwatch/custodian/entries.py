"""An entry of a list as only the custodian knows it: who it is, why they are on the list, and who agreed to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from blindwatch.statements.package import Priority

COLUMNS: Final = (
    "image",
    "name",
    "nominal_ref",
    "category",
    "priority",
    "instruction",
    "source_system",
    "source_ref",
    "legal_basis",
    "image_date",
    "justification",
    "date_of_birth",
    "sensitive",
    "known_relative",
    "second_approver",
    "second_reason",
    "quality_override",
)
"""What `watchlist.csv` has, in this or another order."""

SHOWN: Final = ("instruction", "known_relative")
"""Columns that the operator reads; no name may be in them."""


@dataclass(frozen=True)
class Entry:
    """One photograph of one person. Only its category, priority, notes and dates are ever shown to anybody else."""

    row: str
    """Where it was read: the number of the row in the list, or the name of the folder."""
    image: Path
    name: str
    nominal_ref: str
    category: str
    priority: Priority
    instruction: str | None
    source_system: str | None
    source_ref: str | None
    legal_basis: str | None
    image_date: date | None
    justification: str | None
    date_of_birth: date | None
    sensitive: bool
    known_relative: str | None
    second_approver: str | None
    second_reason: str | None
    quality_override: str | None
    filled_in: tuple[str, ...]
    """Columns that were empty and hold a default."""

    def is_under(self, age: int, day: date) -> bool:
        """Whether the person is known to be younger than this on a day."""
        return self.date_of_birth is not None and age_on(self.date_of_birth, day) < age


def age_on(born: date, day: date) -> int:
    """Full years of life on a day; somebody born on 29 February is a year older on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
