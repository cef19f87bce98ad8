"""From what was read of a result to an alert: entries, bands, faces, priority."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from blindwatch.console.alerts import URGENCY, Alert, Candidate
from blindwatch.console.bands import Band, Scale
from blindwatch.errors import BlindwatchError
from blindwatch.operator.fetching import Reading
from blindwatch.secret.candidates import Album
from blindwatch.statements.package import PackageEntry
from blindwatch.statements.predicates import instant

_MOST: Final = 3
"""Candidates that are shown for one probe, the most alike."""
_JPEG: Final = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Maker:
    """Makes alerts of one list."""

    entries: Sequence[PackageEntry]
    scale: Scale
    album: Album | None
    """The faces of the list, if the custodian has handed them over."""

    def alert(self, reading: Reading, probe_image: bytes | None, at: datetime) -> Alert:
        """The alert of a result with matches."""
        found = sorted(reading.matches, key=lambda match: -match.score)
        priorities = (self.entries[match.entry].priority for match in found)
        return Alert(
            id=reading.probe_id,
            camera=reading.camera,
            captured_at=instant(reading.captured_at),
            raised_at=at,
            priority=min(priorities, key=URGENCY.index),
            candidates=tuple(
                self._candidate(match.entry, self.scale.band(match.score)) for match in found[:_MOST]
            ),
            probe_image=jpeg(probe_image),
        )

    def check(self, number: int, identifier: str, camera: str, band: Band, at: datetime) -> Alert:
        """A pair of different people, as if it were an alert; raises what opening it raises."""
        if self.album is None:
            raise ValueError("there are no checks without faces")
        pair = self.album.check(number)
        return Alert(
            id=identifier,
            camera=camera,
            captured_at=at,
            raised_at=at,
            priority=self.entries[pair.entry].priority,
            candidates=(self._candidate(pair.entry, band),),
            probe_image=jpeg(pair.image),
            is_check=True,
        )

    def _candidate(self, entry: int, band: Band) -> Candidate:
        if self.album is None:
            return Candidate(self.entries[entry], band)
        try:
            portrait = self.album.portrait(entry)
        except BlindwatchError as error:
            # An alert without its face is still one that somebody has to see.
            return Candidate(self.entries[entry], band, None, (error.detail,))
        return Candidate(self.entries[entry], band, jpeg(portrait.image), portrait.shortcomings)


def jpeg(image: bytes | None) -> bytes | None:
    """What a browser can show. Nothing is decoded here: the key is in this process, and bytes come from outside."""
    return image if image is not None and image.startswith(_JPEG) else None
