"""Notes that the operator reads must not say who somebody is: no name and no reference of the list is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from blindwatch.custodian.entries import SHOWN, Entry
from blindwatch.errors import Fault

_WORD: Final = re.compile(r"\w+")


def check_notes(entries: Iterable[Entry]) -> Iterator[Fault]:
    """A fault for every note in which the name or the reference of anybody on the list occurs."""
    listed = list(entries)
    known = {_words(text) for entry in listed for text in (entry.name, entry.nominal_ref)} - {()}
    lengths = {len(words) for words in known}
    for entry in listed:
        for field in SHOWN:
            words = _words(getattr(entry, field) or "")
            if any(
                words[at : at + length] in known
                for length in lengths
                for at in range(len(words) - length + 1)
            ):
                yield Fault(
                    entry.row,
                    field,
                    "It has the name or the reference of somebody on the list.",
                    "The operator reads it: describe without naming anybody.",
                )


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))
