"""One row of a list, cell by cell: every value is checked, and what is wrong is noted, not raised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from blindwatch.errors import Fault
from blindwatch.vision.image import SUFFIXES
from blindwatch.wire import limits

NOTE: Final = 500
"""Characters of what the operator reads, as in all signed statements."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Cells:
    """The cells of one row by their column, and what was found wrong with them."""

    def __init__(self, row: str, values: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        self.row = row
        self.faults: list[Fault] = []
        self._values = {field: value.strip() for field, value in values.items()}
        self.filled_in = tuple(field for field in defaults if not self._values[field])
        self._values |= {field: defaults[field] for field in self.filled_in}
        for field, value in self._values.items():
            if _CONTROL.search(value):
                self.fault(field, "It has a control character or a line break.", "Write it on one line.")
                self._values[field] = ""

    def fault(self, field: str, wrong: str, remedy: str) -> None:
        """Note what is wrong with a field; of each field the first fault is enough."""
        if all(each.field != field for each in self.faults):
            self.faults.append(Fault(self.row, field, wrong, remedy))

    def text(self, field: str, longest: int = limits.LIST_CELL) -> str | None:
        """The text of a cell; none if it is empty."""
        value = self._values[field]
        if len(value) > longest:
            self.fault(field, f"It has more than {longest} characters.", "Shorten it.")
        return value or None

    def required(self, field: str) -> str:
        """The text of a cell that may not be empty."""
        value = self.text(field)
        if value is None:
            self.fault(field, "It is empty.", "It is required: fill it in.")
        return value or ""

    def day(self, field: str, latest: date) -> date | None:
        """The date of a cell, which lies in the past; none if it is empty."""
        value = self.text(field)
        if value is None:
            return None
        try:
            day = date.fromisoformat(value) if _DATE.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None:
            self.fault(field, "It is not a date.", "Write year, month and day: 2026-03-31.")
        elif day > latest:
            self.fault(field, "The date is still to come.", "Correct it.")
        return day

    def yes(self, field: str) -> bool:
        """Whether a cell says yes; it must say yes or no."""
        value = self._values[field].lower()
        if value not in {"yes", "no"}:
            self.fault(field, "It is neither yes nor no.", "Write yes or no.")
        return value == "yes"

    def photograph(self, field: str, folder: Path) -> Path:
        """The photograph that a cell names, inside the folder of the list."""
        path = folder / self.required(field)
        if path.suffix.lower() not in SUFFIXES:
            self.fault(field, "It is not the name of a photograph.", f"Use {', '.join(sorted(SUFFIXES))}.")
            return path
        try:
            inside = path.resolve().is_relative_to(folder.resolve())
            present = inside and path.is_file()
        except (OSError, RuntimeError, ValueError):  # a name too long for the system, or links in a circle
            inside, present = True, False
        if not inside:
            self.fault(
                field, "It leads out of the folder of the list.", "Copy the photograph into the folder."
            )
        elif not present:
            self.fault(field, "There is no such file.", "Copy the photograph into the folder of the list.")
        return path
