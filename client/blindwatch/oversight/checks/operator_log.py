"""The log of an operator's side, as a bundle has it: verified whole before anything is taken from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from blindwatch.cli import files
from blindwatch.errors import MalformedLog
from blindwatch.oversight.bundle import OPERATOR_KEY, Bundle
from blindwatch.oversight.checks.findings import Unchecked
from blindwatch.records.operator import Adjudicated, Alerted, OperatorRecord
from blindwatch.records.reading import operator_record
from blindwatch.tlog.checkpoints import Checkpoint
from blindwatch.tlog.following import verify_whole
from blindwatch.tlog.keys import Use, VerifierKey
from blindwatch.wire import limits


@dataclass
class Alerts:
    """What an operator's log has of one deployment."""

    checkpoint: Checkpoint
    """Of the whole log, which may have records of other deployments too."""
    records: list[OperatorRecord]
    unreadable: list[int]

    def alerted(self) -> list[Alerted]:
        """The alerts."""
        return [each for each in self.records if isinstance(each, Alerted)]

    @cached_property
    def decided(self) -> dict[str, list[Adjudicated]]:
        """The decisions by the alerts that they are about, each in the order of the log."""
        found: dict[str, list[Adjudicated]] = {}
        for each in self.records:
            if isinstance(each, Adjudicated):
                found.setdefault(each.alert, []).append(each)
        return found


def read_alerts(bundle: Bundle) -> Alerts:
    """The operator's log of a bundle, verified whole; raises a LogError, or Unchecked if there is none."""
    if not bundle.operator_log.is_dir():
        raise Unchecked("The bundle has no log of the operator's side.")
    text = files.read_at_most(bundle.operator_log / OPERATOR_KEY, limits.KIB, "key of the operator's log")
    key = VerifierKey.parse(text.decode(errors="replace").strip(), Use.LOG)
    records: list[OperatorRecord] = []
    unreadable: list[int] = []

    def take(first: int, entries: Sequence[bytes]) -> None:
        for index, entry in enumerate(entries, first):
            try:
                record = operator_record(entry)
            except MalformedLog:
                unreadable.append(index)
                continue
            if record.deployment == bundle.deployment:
                records.append(record)

    signed = verify_whole(bundle.operator_log, key, take)
    return Alerts(signed.checkpoint, records, unreadable)
