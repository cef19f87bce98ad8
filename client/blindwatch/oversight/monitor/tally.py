"""What a monitor counts in the records of a server's log, and what it finds wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from blindwatch.errors import MalformedLog
from blindwatch.records.reading import server_record
from blindwatch.statements.predicates import instant
from blindwatch.wire.messages import Count, Timestamp

_LISTED: Final = 100
"""Findings that are kept word by word; of further ones only their number."""


class Finding(BaseModel):
    """An entry with which something is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    index: Count
    said: str


class Tally(BaseModel):
    """Records by kind, the latest of their times, and what is wrong."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    counts: dict[str, Count] = {}
    latest: Timestamp | None = None
    found: Count = 0
    findings: Annotated[list[Finding], Field(max_length=_LISTED)] = []

    def take(self, first: int, entries: Sequence[bytes], now: datetime, tolerance: timedelta) -> None:
        """Read entries that follow one another, the first of them at this index."""
        for index, entry in enumerate(entries, first):
            try:
                record = server_record(entry)
            except MalformedLog as error:
                self._find(index, error.detail)
                continue
            self.counts[record.kind] = self.counts.get(record.kind, 0) + 1
            self._compare(index, record.at, now, tolerance)

    def _compare(self, index: int, at: str, now: datetime, tolerance: timedelta) -> None:
        if instant(at) > now + tolerance:
            self._find(index, f"The record is dated {at}, which is still to come.")
            return
        if self.latest is not None and instant(at) < instant(self.latest) - tolerance:
            self._find(index, f"The record is dated {at}, after one of {self.latest}.")
        if self.latest is None or instant(at) > instant(self.latest):
            self.latest = at

    def _find(self, index: int, said: str) -> None:
        self.found += 1
        if len(self.findings) < _LISTED:
            self.findings.append(Finding(index=index, said=said))
