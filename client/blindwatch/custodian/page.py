"""An import of a list as one HTML page. It holds photographs and names, so it is for the custodian alone."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.custodian.entries import age_on
from blindwatch.custodian.rules import Rules
from blindwatch.custodian.viewing import View, Viewing
from blindwatch.deployment.papers import check_new
from blindwatch.deployment.prediction import FACES, Predicted
from blindwatch.errors import ConfigurationError, Fault
from blindwatch.pages.rendering import environment
from blindwatch.pages.wording import percent
from blindwatch.statements.predicates import Watchlist, instant

TEMPLATE: Final = "import.html.j2"
_SHOWN_PAIRS: Final = 200
_AGES: Final = (25, 40, 60)
_OLD: Final = 5
"""Years, from which operators are warned of a photograph."""


@dataclass(frozen=True)
class Row:
    """How many entries are of a kind."""

    name: str
    count: int
    percent: float


@dataclass(frozen=True)
class Twins:
    """Two people who look alike."""

    views: tuple[View, View]
    similarity: float


@dataclass(frozen=True)
class Import:
    """An import as its page shows it: the list that came of it, or the faults for which none did."""

    deployment: str
    rules: Rules
    viewing: Viewing
    at: datetime
    faults: tuple[Fault, ...] = ()
    listed: Watchlist | None = None
    predicted: Predicted | None = None
    no_prediction: str = ""

    @property
    def headline(self) -> str:
        """What became of it."""
        if not self.faults:
            return f"{_counted(len(self.viewing.views), 'entry', 'entries')} enrolled"
        rows = len({fault.row for fault in self.faults})
        return (
            f"Nothing was enrolled: {_counted(len(self.faults), 'fault', 'faults')} in "
            f"{_counted(rows, 'row', 'rows')}"
        )

    @property
    def begin_by(self) -> datetime | None:
        """Until when a deployment may begin with the list; none if there is no list, or no limit."""
        hours = self.rules.profile.list_age_hours
        if self.listed is None or hours is None:
            return None
        return instant(self.listed.built_at) + timedelta(hours=hours)

    @property
    def people(self) -> int:
        """How many people the photographs are of."""
        return len({view.entry.nominal_ref for view in self.viewing.views})

    @cached_property
    def of_row(self) -> dict[str, View]:
        """What was seen of the rows that have a face."""
        return {view.entry.row: view for view in self.viewing.views}

    @property
    def flawed(self) -> list[View]:
        """Photographs with a shortcoming."""
        return [view for view in self.viewing.views if any(view.quality.shortcomings())]

    @property
    def views(self) -> list[View]:
        """Everybody, those with a shortcoming first and the poorest photographs before the others."""
        flawed = {id(view) for view in self.flawed}
        return sorted(self.viewing.views, key=lambda view: (id(view) not in flawed, view.quality.rank))

    @property
    def pair_count(self) -> int:
        """How many pairs of different people look alike."""
        return self.viewing.likeness.count if self.viewing.views else 0

    @property
    def pairs(self) -> list[Twins]:
        """The most alike of them."""
        views = self.viewing.views
        found = self.viewing.likeness.pairs[:_SHOWN_PAIRS] if views else []
        return [Twins((views[pair.first], views[pair.second]), pair.similarity) for pair in found]

    @property
    def by_category(self) -> list[Row]:
        """Entries of each category that there is."""
        titles = {each.name: each.title for each in self.rules.profile.categories}
        return _rows(titles[view.entry.category] for view in self.viewing.views)

    @property
    def by_age(self) -> list[Row]:
        """Entries by the age of the person, with that of the profile from which somebody is grown up."""
        adult = self.rules.profile.adult_age
        edges = [0, adult, *(age for age in _AGES if age > adult)]
        names = [f"under {adult}", *(f"{low} to {high - 1}" for low, high in pairwise(edges[1:]))]
        names.append(f"{edges[-1]} and older")
        born = [view.entry.date_of_birth for view in self.viewing.views]
        return _rows((_band(each, self.rules.today, edges, names) for each in born), names)

    @property
    def by_image_age(self) -> list[Row]:
        """Entries by the age of the photograph."""
        names = ["under a year", f"1 to {_OLD - 1} years", f"{_OLD} years and more"]
        taken = [view.entry.image_date for view in self.viewing.views]
        return _rows((_band(each, self.rules.today, [0, 1, _OLD], names) for each in taken), names)


def html(made: Import) -> str:
    """The page."""
    rendered = environment(Path(__file__).parent)
    rendered.filters |= {
        "thumbnail": lambda view: base64.b64encode(view.portrait).decode(),
        "fpir": lambda expected: percent(expected / FACES),
    }
    return rendered.get_template(TEMPLATE).render(
        made=made, views=made.views, pairs=made.pairs, profile=made.rules.profile, per=FACES
    )


def write(path: Path, made: Import) -> None:
    """Write the page into a new file that only its owner can read."""
    files.write_private(path, html(made).encode(), "report")


def check_place(path: Path, watchlist: Path) -> None:
    """Refuse a place where the page may not lie, or where something is, before there is anything to write."""
    check_new(path, "report")
    if not path.parent.is_dir():
        raise ConfigurationError("There is no folder for the report.", "Name a file in a folder that exists.")
    if path.resolve().is_relative_to(watchlist.resolve()):
        raise ConfigurationError(
            "The report holds photographs and names, and what is in the watchlist's folder is handed on.",
            "Put it into the folder of the photographs, with which it is destroyed.",
        )


def _band(day: date | None, today: date, edges: list[int], names: list[str]) -> str:
    if day is None:
        return "not known"
    years = age_on(day, today)
    return names[sum(years >= edge for edge in edges) - 1]


def _rows(found: Iterable[str], names: Iterable[str] = ()) -> list[Row]:
    counted = Counter(found)
    every = counted.total()
    ordered = [*dict.fromkeys([*names, *sorted(counted)])]
    return [Row(name, counted[name], round(100 * counted[name] / every, 2)) for name in ordered if every]


def _counted(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
