"""The operator's own log: who had the key until when, what became an alert, and what became of that.

The server does not see it before the deployment is over, since who knows which results were matches can compute
templates. Who an alert was about is in there as a commitment; the salt that opens it stays with the operator.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

import pyrage
from pydantic import ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, LogMissing, WrongStep
from blindwatch.operator.allowance import Allowance
from blindwatch.operator.fetching import Reading
from blindwatch.records.operator import (
    FINAL,
    NAMED,
    Adjudicated,
    Alerted,
    AlertsHeldBack,
    AttentionChecked,
    CheckAnswered,
    Checked,
    Compared,
    ComparisonAnswered,
    ConsoleStarted,
    IdentificationProposed,
    KeyForgotten,
    KeyReceived,
    OperatorRecord,
    Outcome,
    RetentionExecuted,
    SearchConcluded,
    Searched,
    SearchFailed,
    Stopped,
)
from blindwatch.records.reading import alerts_by_entry, operator_record
from blindwatch.records.record import minute
from blindwatch.statements.package import PackageEntry, Priority
from blindwatch.statements.predicates import Window
from blindwatch.tlog.keys import Signer, Use, VerifierKey
from blindwatch.tlog.log import Log
from blindwatch.wire import limits

SITE: Final = "site"
"""The files of the log, which are handed over when the deployment is over."""
VKEY: Final = "vkey"
EVIDENCE: Final = "evidence"
"""In the same folder: what led to each match, for an oversight body's eyes only."""
SALTS: Final = "salts"
_HEAD: Final = "head"
_KEY: Final = "log.pem"
_SALT_BYTES: Final = 32
REFERENCE_BYTES: Final = 16
_PSEUDONYM_BYTES: Final = 16
_SHORTEST: Final = 8
_TEST_SUBJECT: Final = "test-subject"
_URGENCY: Final = (Priority.RED, Priority.AMBER, Priority.GREEN)


@dataclass
class Course:
    """An alert, and what was decided about it, in the order of the log."""

    alerted: Alerted
    decided: list[Adjudicated] = field(default_factory=list)
    is_gone: bool = False
    """Whether others were told that its time is over."""

    @property
    def final(self) -> Adjudicated | None:
        """The decision after which there is none."""
        return next((each for each in self.decided if each.outcome in FINAL), None)

    @property
    def was_sent(self) -> bool:
        """Whether somebody was sent, so that others may know of it."""
        return any(each.outcome not in FINAL for each in self.decided)


class Journal:
    """The journal in a folder that `create` made, open in one process."""

    def __init__(self, folder: Path) -> None:
        """Open it; raises LogMissing, LogInUse or what else is wrong with a log."""
        if not (folder / SITE / VKEY).is_file():
            raise LogMissing(
                "There is no journal in this folder.", "Make one with: blindwatch operator journal init"
            )
        self._folder = folder
        self.key = VerifierKey.parse(files.read_line(folder / SITE / VKEY, "journal's public key"), Use.LOG)
        signer = Signer.from_pem(files.read(folder / _KEY, "journal's key"), self.key.name, Use.LOG)
        if signer.verifier != self.key:
            raise ConfigurationError("The two files with the journal's key do not belong together.")
        self._log = Log(folder / SITE, folder / _HEAD, signer)

    @staticmethod
    def create(folder: Path, name: str) -> VerifierKey:
        """Make an empty journal with a new key of this name; raises ConfigurationError."""
        signer = Signer.generate(name, Use.LOG)
        with files.new_folder(folder, "journal") as part:
            files.write_private(part / _KEY, signer.to_pem(), "journal's key")
            (part / SALTS).mkdir(mode=0o700)
            Log.create(part / SITE, part / _HEAD, signer)
            files.write_private(part / SITE / VKEY, f"{signer.verifier}\n".encode(), "journal's public key")
        return signer.verifier

    def records(self) -> Iterator[OperatorRecord]:
        """All records, in their order."""
        size = self._log.checkpoint.checkpoint.size
        return map(operator_record, self._log.entries(0, size))

    def courses(self) -> dict[str, Course]:
        """All alerts by their identifiers, with what was decided."""
        found: dict[str, Course] = {}
        for record in self.records():
            if isinstance(record, Alerted):
                found[record.alert] = Course(record)
            elif isinstance(record, Adjudicated):
                found[record.alert].decided.append(record)
            elif isinstance(record, RetentionExecuted):
                found[record.alert].is_gone = True
        return found

    def ended(self, deployment: str) -> list[tuple[Course, Adjudicated]]:
        """The alerts that somebody was sent for, with their outcomes, unless others were told that they are gone."""
        every = (each for each in self.courses().values() if each.alerted.deployment == deployment)
        left = ((each, each.final) for each in every if each.was_sent and not each.is_gone)
        return [(each, final) for each, final in left if final is not None]

    def threshold(self, deployment: str) -> str | None:
        """The threshold that the last console looked by, if there was one."""
        found = (each for each in self.records() if isinstance(each, ConsoleStarted))
        return next((each.threshold for each in reversed([*found]) if each.deployment == deployment), None)

    @contextmanager
    def holding(self, deployment: str, operator: str, window: Window | None) -> Iterator[None]:
        """Record that the key was received, and afterwards that it is forgotten.

        A key that an earlier process was killed with is recorded as forgotten first: nobody but that process had it,
        and this one could not have opened the journal while it lived.
        """
        if window is None:
            raise ConfigurationError("A key without an end of its time is not recorded.")
        left = [_forgotten(*each) for each in self._held()]
        received = KeyReceived(at=minute(), deployment=deployment, operator=operator, until=window.not_after)
        self._append([*left, received])
        try:
            yield
        finally:
            self._append([_forgotten(deployment, operator)])

    def alert(
        self,
        deployment: str,
        done: Iterable[Reading],
        entries: Sequence[PackageEntry],
        recipient: str | None = None,
        allowance: Allowance | None = None,
    ) -> list[Reading]:
        """Record what is about to be shown of these results: those with a match, once each. Returns what may be.

        What led to each match is sealed to `recipient`, an oversight body, if the manifest names one. Matches beyond
        the `allowance`, which counts on, are neither recorded nor returned.
        """
        allowance = allowance or self.allowance(deployment, entries, None)
        known, shown, records = self.courses(), list[Reading](), list[OperatorRecord]()
        for each in done:
            if each.probe_id in known:
                shown.append(_as_recorded(each, known[each.probe_id].alerted, allowance))
                continue
            shown.append(reading := allowance.within(each))
            if reading.matches:
                alerted = self._alerted(deployment, reading, entries, recipient, _about(reading, allowance))
                records += [alerted, *_held_back(alerted, allowance)]
                known[each.probe_id] = Course(alerted)
        self._append(records)
        return shown

    def allowance(self, deployment: str, entries: Sequence[PackageEntry], most: int | None) -> Allowance:
        """The alerts about each entry of a deployment so far, and how many there may be.

        Raises ConfigurationError if the salt is gone by which the records name entries.
        """
        mine = [each for each in self.records() if each.deployment == deployment]
        counted = alerts_by_entry(mine)
        salt = self._naming(deployment, is_new=not counted)
        # What the log calls each entry: the first half of a commitment to it alone.
        names = [commitment(salt, deployment, [each.reference])[: 2 * _PSEUDONYM_BYTES] for each in entries]
        return Allowance(most, names, counted)

    def adjudicate(
        self, alert: str, outcome: Outcome, operator: str, reason: str | None, second: str | None = None
    ) -> Adjudicated:
        """Record a decision about an alert, which the beginning of its identifier may name.

        Raises WrongStep, or ConfigurationError if the reason is not one word.
        """
        named = alert if len(alert) >= _SHORTEST else "none"
        found = [course for name, course in self.courses().items() if name.startswith(named)]
        if len(found) != 1:
            raise WrongStep(
                "The journal does not have one alert of this identifier.",
                f"Give {_SHORTEST} characters of it at least.",
            )
        (course,) = found
        if course.final is not None:
            raise WrongStep(
                f"The alert has its outcome already: {course.final.outcome}.",
                "What was decided stays as it is; report a mistake to the oversight body.",
            )
        try:
            decided = Adjudicated(
                at=minute(),
                deployment=course.alerted.deployment,
                alert=course.alerted.alert,
                outcome=outcome,
                operator=operator,
                second=second,
                reason=reason,
            )
        except ValidationError:
            raise ConfigurationError(
                "The reason is not a word in small letters, such as not-found."
            ) from None
        self._append([decided])
        return decided

    def note(
        self,
        record: ConsoleStarted
        | RetentionExecuted
        | AttentionChecked
        | Stopped
        | Searched
        | SearchFailed
        | IdentificationProposed
        | SearchConcluded
        | Checked
        | CheckAnswered
        | Compared
        | ComparisonAnswered,
    ) -> None:
        """Record something else that an operator did."""
        self._append([record])

    def is_about(self, alert: str, references: Iterable[str]) -> bool:
        """Whether an alert was about these entries; raises ConfigurationError if its salt is gone."""
        return self.opens(alert, references, self.courses()[alert].alerted.entry)

    def commit(self, name: str, references: Iterable[str]) -> str:
        """A commitment to entries that an alert or a search is about, under a new salt, which the folder keeps."""
        salt = secrets.token_bytes(_SALT_BYTES)
        # Before the log has what it opens; one that was left by an interruption opens nothing.
        files.replace_private(self._salt(name), salt, "salt of the alert")
        return commitment(salt, name, references)

    def opens(self, name: str, references: Iterable[str], committed: str) -> bool:
        """Whether a commitment is to these entries; raises ConfigurationError if its salt is gone."""
        salt = files.read_at_most(self._salt(name), limits.KIB, "salt of the alert")
        return hmac.compare_digest(commitment(salt, name, references), committed)

    def reference(self, alert: str) -> str:
        """What an alert is called where the match server's name for its probe must not be known, as hex.

        Always the same for an alert, by its salt; raises ConfigurationError if that is gone.
        """
        salt = files.read_at_most(self._salt(alert), limits.KIB, "salt of the alert")
        return commitment(salt, "reference", [alert])[: 2 * REFERENCE_BYTES]

    def close(self) -> None:
        """Let others open it."""
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _alerted(
        self,
        deployment: str,
        reading: Reading,
        entries: Sequence[PackageEntry],
        recipient: str | None,
        about: tuple[str, ...],
    ) -> Alerted:
        matched = [entries[match.entry] for match in reading.matches]
        priority = min((each.priority for each in matched), key=_URGENCY.index)
        return Alerted(
            at=minute(),
            deployment=deployment,
            alert=reading.probe_id,
            result=reading.digest,
            camera=reading.camera,
            priority=priority.value,
            entry=self.commit(reading.probe_id, [each.reference for each in matched]),
            about=about,
            evidence=None if recipient is None else self._seal(deployment, reading, entries, recipient),
            test_subject=all(each.category == _TEST_SUBJECT for each in matched),
        )

    def _seal(
        self, deployment: str, reading: Reading, entries: Sequence[PackageEntry], recipient: str
    ) -> str:
        """Write down what led to a match, so that the recipient alone can read it; the digest of the file."""
        content = {
            "deployment": deployment,
            "probeId": reading.probe_id,
            "camera": reading.camera,
            "capturedAt": reading.captured_at,
            "result": reading.digest,
            "matches": [
                {"reference": entries[match.entry].reference, "score": match.score}
                for match in reading.matches
            ],
        }
        data: bytes = pyrage.encrypt(
            json.dumps(content).encode(), [pyrage.x25519.Recipient.from_str(recipient)]
        )
        path = self._folder / SITE / EVIDENCE / f"{reading.probe_id}.age"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        files.replace_private(path, data, "evidence of the alert")
        return hashlib.sha256(data).hexdigest()

    def _held(self) -> list[tuple[str, str]]:
        """The keys that were received and not forgotten, by deployment and operator."""
        held: dict[tuple[str, str], None] = {}
        for record in self.records():
            if isinstance(record, KeyReceived):
                held[record.deployment, record.operator] = None
            elif isinstance(record, KeyForgotten):
                held.pop((record.deployment, record.operator), None)
        return list(held)

    def _append(self, records: Sequence[OperatorRecord]) -> None:
        if records:
            self._log.append([record.to_cbor() for record in records])

    def _naming(self, deployment: str, *, is_new: bool) -> bytes:
        """The salt of the pseudonyms of a deployment; made where there is no alert yet that it would have named."""
        path = self._salt(f"deployment-{deployment}")
        if is_new and not path.exists():
            files.replace_private(path, secrets.token_bytes(_SALT_BYTES), "salt of the deployment")
        return files.read_at_most(path, limits.KIB, "salt of the deployment")

    def _salt(self, alert: str) -> Path:
        return self._folder / SALTS / alert


def commitment(salt: bytes, about: str, references: Iterable[str]) -> str:
    """What the log has of entries, such as those that an alert or a search is about: HMAC-SHA-256 (hex)."""
    said = "\n".join([about, *sorted(references)])
    return hmac.new(salt, said.encode(), hashlib.sha256).hexdigest()


def _about(reading: Reading, allowance: Allowance) -> tuple[str, ...]:
    """The pseudonyms of the entries that an alert is about, the most alike first."""
    found = sorted(reading.matches, key=lambda match: -match.score)[:NAMED]
    return tuple(allowance.names[match.entry] for match in found)


def _held_back(alerted: Alerted, allowance: Allowance) -> list[AlertsHeldBack]:
    """Count an alert; a record of each entry of which there are no more in this deployment."""
    return [
        AlertsHeldBack(
            at=alerted.at, deployment=alerted.deployment, entry=name, alerts=allowance.counted[name]
        )
        for name in allowance.count(alerted.about)
    ]


def _as_recorded(reading: Reading, alerted: Alerted, allowance: Allowance) -> Reading:
    """A result that is an alert already, with the entries that this was about."""
    matches = tuple(each for each in reading.matches if allowance.names[each.entry] in alerted.about)
    return replace(reading, matches=matches)


def _forgotten(deployment: str, operator: str) -> KeyForgotten:
    return KeyForgotten(at=minute(), deployment=deployment, operator=operator)
