"""Sheets to print for shares: numbered lines to write on by hand, so that no printer or file has the words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from html import escape
from importlib import resources
from string import Template
from typing import Final

from blindwatch.secret.shares import WORDS

_PAGE: Final = Template((resources.files(__package__) / "sheet.html").read_text(encoding="utf-8"))
_REHEARSAL: Final = '<p class="rehearsal">REHEARSAL. This share opens nothing. Shred it.</p>\n'


@dataclass(frozen=True)
class Sheet:
    """What is printed on the sheet of one share, none of it secret."""

    number: int
    count: int
    needed: str
    deployment: str
    key_id: str
    day: date
    rehearsal: bool

    def html(self) -> str:
        """The sheet as a page of its own, to be printed."""
        return _PAGE.substitute(
            number=self.number,
            count=self.count,
            needed=escape(self.needed),
            deployment=escape(self.deployment),
            key_id=escape(self.key_id),
            day=self.day.isoformat(),
            words=WORDS,
            lines="<li></li>" * WORDS,
            rehearsal=_REHEARSAL if self.rehearsal else "",
        )
