"""What a policy profile asks of every entry of a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from blindwatch.custodian.cells import NOTE, Cells
from blindwatch.custodian.entries import Entry, age_on
from blindwatch.errors import Fault
from blindwatch.policy.profile import Profile
from blindwatch.statements.package import Priority

_OLDEST = 130


@dataclass(frozen=True)
class Rules:
    """A profile, who could be a second approver, and the day on which the list is built."""

    profile: Profile
    approvers: frozenset[str]
    """Custodians and authorising officers of the register, without the custodian who builds the list."""
    today: date

    def read(
        self, row: str, values: Mapping[str, str], defaults: Mapping[str, str], folder: Path
    ) -> tuple[Entry, list[Fault]]:
        """The entry that the cells of a row describe, and all that is wrong with them.

        Defaults fill cells that are empty, but none that the profile requires.
        """
        given = {"nominal_ref": values["name"].strip(), "priority": Priority.GREEN.value, **defaults}
        required = self.profile.entry_fields
        cells = Cells(row, values, {field: given[field] for field in given if field not in required})
        for field in required:
            cells.required(field)
        made = Entry(
            row=row,
            image=cells.photograph("image", folder),
            name=cells.required("name"),
            nominal_ref=cells.required("nominal_ref"),
            category=self._category(cells),
            priority=_priority(cells),
            instruction=cells.text("instruction", NOTE),
            source_system=cells.text("source_system"),
            source_ref=cells.text("source_ref"),
            legal_basis=cells.text("legal_basis"),
            image_date=cells.day("image_date", self.today),
            justification=cells.text("justification"),
            date_of_birth=cells.day("date_of_birth", self.today),
            sensitive=cells.yes("sensitive"),
            known_relative=cells.text("known_relative", NOTE),
            second_approver=cells.text("second_approver"),
            second_reason=cells.text("second_reason"),
            quality_override=cells.text("quality_override"),
            filled_in=cells.filled_in,
        )
        _check_dates(made, cells, self.today)
        self._check_approval(made, cells)
        return made, cells.faults

    def is_special(self, entry: Entry) -> bool:
        """Whether an entry needs a second person to agree: a child, or somebody who is vulnerable otherwise."""
        category = self.profile.category(entry.category)
        by_category = category is not None and category.sensitive
        return by_category or entry.sensitive or entry.is_under(self.profile.adult_age, self.today)

    def _category(self, cells: Cells) -> str:
        name = cells.required("category")
        if self.profile.category(name) is None:
            known = ", ".join(each.name for each in self.profile.categories)
            cells.fault("category", "The profile has no such category.", f"Choose one of: {known}.")
        return name

    def _check_approval(self, entry: Entry, cells: Cells) -> None:
        if self.is_special(entry):
            why = f"Somebody under {self.profile.adult_age}, or sensitive, needs a second person to agree."
            if entry.second_approver is None:
                cells.fault("second_approver", why, "Name who agreed, or take the person off the list.")
            if entry.second_reason is None:
                cells.fault("second_reason", why, "Give the reason why it is necessary.")
        if entry.second_approver is not None and entry.second_approver not in self.approvers:
            cells.fault(
                "second_approver",
                "This is not another custodian or an authorising officer of the register.",
                "Have somebody else agree than the custodian who builds the list.",
            )


def _priority(cells: Cells) -> Priority:
    try:
        return Priority(cells.required("priority").lower())
    except ValueError:
        cells.fault("priority", "This is no priority.", "Write red, amber or green.")
        return Priority.GREEN


def _check_dates(entry: Entry, cells: Cells, today: date) -> None:
    born = entry.date_of_birth
    if born is None:
        return
    if age_on(born, today) > _OLDEST:
        cells.fault("date_of_birth", f"This was more than {_OLDEST} years ago.", "Correct it.")
    if entry.image_date is not None and entry.image_date < born:
        cells.fault("image_date", "The photograph is older than the person.", "Correct one of the dates.")
