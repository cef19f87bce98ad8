"""How many alerts about one entry a deployment may have: each tells whoever tries faces out whether one was near."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from blindwatch.operator.fetching import Reading
from blindwatch.statements.package import PackageEntry

MEANING: Final = (
    "somebody may be trying faces out against it, or its photograph is like many people: tell the custodian, "
    "who can remove the entry"
)


@dataclass(frozen=True)
class Allowance:
    """The alerts about each entry so far, by the journal, and how many there may be."""

    most: int | None
    """None where a profile has no such limit."""
    names: Sequence[str]
    """The pseudonyms of the entries, in their order."""
    counted: Counter[str]
    """Alerts by pseudonym."""

    def within(self, reading: Reading) -> Reading:
        """A result without the matches of entries that had all their alerts: as if these had not matched."""
        matches = tuple(each for each in reading.matches if not self._is_used_up(self.names[each.entry]))
        return reading if len(matches) == len(reading.matches) else replace(reading, matches=matches)

    def count(self, about: Sequence[str]) -> Iterator[str]:
        """Count one alert; gives each entry that has had all its alerts by it."""
        self.counted.update(about)
        return (name for name in about if self.counted[name] == self.most)

    @property
    def used_up(self) -> list[int]:
        """The entries that had all their alerts, by number."""
        found = {name for name in self.counted if self._is_used_up(name)}
        return [number for number, name in enumerate(self.names) if name in found] if found else []

    def said(self, entries: Sequence[PackageEntry]) -> list[str]:
        """That no more is shown about these entries, in words; nothing that later matches would change."""
        return [
            f"entry {entries[number].reference} has had {self.most} alerts, as many as the profile allows: "
            "others about it are held back"
            for number in self.used_up
        ]

    def _is_used_up(self, name: str) -> bool:
        return self.most is not None and self.counted[name] >= self.most
