"""The record of a deployment as it is written down: counts, both error rates, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from blindwatch.oversight.intervals import SMALL, Rate

OTHERWISE: Final = (
    "Who was stopped after an alert, by group: operators record that elsewhere, and nobody may infer it from faces",
    "How long engagements took",
    "How many people the faces belong to: one person may pass more than once",
)
"""What the logs do not have, and a force has to add from its own records."""


@dataclass(frozen=True)
class Count:
    """A number of something; none if it is too small to be published, or would tell one that is."""

    name: str
    value: int | None

    @property
    def said(self) -> str:
        """The number in words."""
        return "not published" if self.value is None else f"{self.value:,}"


@dataclass(frozen=True)
class Table:
    """Counts that belong together."""

    title: str
    counts: tuple[Count, ...]


@dataclass(frozen=True)
class DeploymentRecord:
    """What is known of a deployment, by the logs that are named here and by the approved manifest."""

    published: bool
    about: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    per_face: Rate
    per_alert: Rate
    sources: tuple[tuple[str, str], ...]
    otherwise: tuple[str, ...] = OTHERWISE
    """What the logs do not have."""

    def to_json(self) -> dict[str, object]:
        """The record as an object of JSON."""
        return {
            "published": self.published,
            "smallNumbersBelow": SMALL if self.published else None,
            "about": dict(self.about),
            "counts": {
                table.title: {each.name: each.value for each in table.counts} for table in self.tables
            },
            "falseAlertsPerFace": self.per_face.to_json(),
            "falseAlertsPerAlert": self.per_alert.to_json(),
            "notInTheLogs": list(self.otherwise),
            "sources": dict(self.sources),
        }

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The record as the rows of a table: section, measure, value, and the ends of the interval of a rate."""
        yield ("section", "measure", "value", "low", "high")
        for name, text in self.about:
            yield ("deployment", name, text, "", "")
        for table in self.tables:
            for each in table.counts:
                yield (table.title, each.name, "" if each.value is None else str(each.value), "", "")
        for name, found in (("per face", self.per_face), ("per alert", self.per_alert)):
            shown = found.to_json()
            ends = ("" if shown[end] is None else f"{shown[end]:.3g}" for end in ("rate", "low", "high"))
            yield ("false alerts", name, *ends)
        for name, text in self.sources:
            yield ("sources", name, text, "", "")
