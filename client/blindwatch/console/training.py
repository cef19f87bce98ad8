"""Who may decide: operators whose training is not longer ago than the profile allows. Everybody else looks on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Self

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.statements.register import NAME
from blindwatch.wire import limits

_WHAT = "file of trainings"


@dataclass(frozen=True)
class Training:
    """When each operator was trained last, and for how many days that counts."""

    dates: Mapping[str, date]
    days: int

    @classmethod
    def load(cls, path: Path, days: int) -> Self:
        """Read a file with a table `trained` of names and dates."""
        try:
            content = tomllib.loads(files.read_at_most(path, limits.JSON, _WHAT).decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
            content = {}
        match content:
            case {"trained": dict(dates)} if len(content) == 1 and all(map(_is_entry, dates.items())):
                return cls(dates, days)
        raise ConfigurationError(
            f"The {_WHAT} does not follow its form.", 'Below [trained] lines such as "e.novak" = 2026-11-02.'
        )

    def until(self, operator: str) -> date | None:
        """The first day on which the training of an operator counts no longer."""
        trained = self.dates.get(operator)
        return None if trained is None else trained + timedelta(days=self.days)

    def is_trained(self, operator: str, day: date) -> bool:
        """Whether an operator may decide on this day."""
        end = self.until(operator)
        return end is not None and self.dates[operator] <= day < end


def _is_entry(item: tuple[str, object]) -> bool:
    name, day = item
    return bool(re.fullmatch(NAME, name)) and isinstance(day, date) and not isinstance(day, datetime)
