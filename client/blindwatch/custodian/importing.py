"""Import of a list: a folder with `watchlist.csv` and photographs, or plain folders of photographs.

The reader is strict, and every fault of every row is collected, so that a list is corrected once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.custodian.entries import COLUMNS, Entry
from blindwatch.custodian.notes import check_notes
from blindwatch.custodian.rules import Rules
from blindwatch.errors import EmptyWatchlist, Fault, InvalidList, PolicyViolation, TooLarge
from blindwatch.vision.image import SUFFIXES
from blindwatch.wire import limits

LIST: Final = "watchlist.csv"
FROM_FOLDER: Final = "imported from a plain folder, where nobody judges"
_HEADER: Final = f"Its first line has these columns, in any order: {','.join(COLUMNS)}"
_EXPECTED: Final = f"Expected: FOLDER/NAME with a photograph ({', '.join(sorted(SUFFIXES))})"

Row = tuple[str, Mapping[str, str]]


def read_list(folder: Path, rules: Rules) -> list[Entry]:
    """The entries of a folder with a list; raises InvalidList with all that is wrong with them."""
    data = files.read_at_most(folder / LIST, limits.LIST, f"list ({LIST})")
    return _entries(_rows(data), {}, folder, rules)


def read_folder(folder: Path, rules: Rules) -> list[Entry]:
    """Everybody with a folder of photographs, by name, as entries of the profile's first category.

    What a list would say of them is filled in. Only a profile for demonstrations allows it.
    """
    if not rules.profile.folder_import:
        raise PolicyViolation(
            "The policy profile does not allow to enrol a plain folder of photographs.",
            f"Give a folder with {LIST} by --list.",
        )
    defaults = {
        "category": rules.profile.categories[0].name,
        "sensitive": "no",
        "quality_override": FROM_FOLDER,
    }
    return _entries(_people(folder), defaults, folder, rules)


def _entries(
    rows: Iterator[Row | Fault], defaults: Mapping[str, str], folder: Path, rules: Rules
) -> list[Entry]:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for count, row in enumerate(rows, 1):
        if count > limits.LIST_ROWS:
            raise TooLarge("The list has more rows than are read.")
        if isinstance(row, Fault):
            faults.append(row)
            continue
        entry, wrong = rules.read(*row, defaults, folder)
        faults += wrong
        entries.append(entry)
    faults += [*_check_together(entries, rules), *check_notes(entries)]
    refuse(faults)
    if not entries:
        raise EmptyWatchlist
    return entries


def refuse(faults: Iterable[Fault]) -> None:
    """Refuse a list with any fault."""
    found = tuple(faults)
    if found:
        counted = "one fault" if len(found) == 1 else f"{len(found)} faults"
        raise InvalidList(
            f"The list has {counted}, so nothing was enrolled.",
            "Correct what the table says and enrol again.",
            found,
        )


def _check_together(entries: list[Entry], rules: Rules) -> Iterator[Fault]:
    """Faults that no row has by itself."""
    cap = rules.profile.list_cap
    if cap is not None and len(entries) > cap:
        yield Fault(
            "all", "-", f"The list has more entries than the {cap} of the profile.", "Enrol fewer people."
        )
    names: dict[str, str] = {}
    for entry in entries:
        if entry.nominal_ref and names.setdefault(entry.nominal_ref, entry.name) != entry.name:
            yield Fault(
                entry.row,
                "name",
                "Another row has the same nominal_ref and another name.",
                "Find out who it is; every person has one reference and one name.",
            )


def _rows(data: bytes) -> Iterator[Row | Fault]:
    """The rows of a list, numbered as a spreadsheet does, with the header in row 1."""
    try:
        text = data.decode("utf-8-sig")  # spreadsheets write a byte order mark before UTF-8
    except UnicodeDecodeError:
        raise InvalidList("The list is not text in UTF-8.", "Save it as CSV in UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if sorted(header) != sorted(COLUMNS):
            raise InvalidList("The list does not have its columns.", _HEADER)
        for number, cells in enumerate(reader, 2):
            if len(cells) == len(header):
                yield str(number), dict(zip(header, cells, strict=True))
            elif cells:
                wrong = f"The row has {len(cells)} cells and not {len(header)}."
                yield Fault(str(number), "-", wrong, "Put text with commas into double quotes.")
    except csv.Error:
        raise InvalidList(
            "The list is not CSV that can be read.", "Check the quotes, and save it again as CSV."
        ) from None


def _people(folder: Path) -> Iterator[Row | Fault]:
    """A row for everybody with a folder; nobody is left out without a word."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise EmptyWatchlist("No folder with photographs was found.", _EXPECTED)
    for person in folders:
        label = "".join(sign if sign.isprintable() else "?" for sign in person.name)
        try:
            person.name.encode()
        except UnicodeEncodeError:
            yield Fault(label, "name", "The name of the folder is not text in UTF-8.", "Rename the folder.")
            continue
        found = sorted(path.name for path in person.iterdir() if path.suffix.lower() in SUFFIXES)
        if not found:
            yield Fault(label, "image", "The folder has no photograph.", _EXPECTED)
            continue
        said = {"image": f"{person.name}/{found[0]}", "name": person.name}
        yield label, dict.fromkeys(COLUMNS, "") | said
