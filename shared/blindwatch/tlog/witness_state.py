"""What a witness remembers of a log: a file that is replaced as a whole, before the witness answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, LogCorrupt, LogError, LogExists, UnknownLog
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.evidence import Case, Evidence
from blindwatch.tlog.keys import Use, VerifierKey
from blindwatch.wire import limits

_WHAT: Final = "state of the witness"
_REMEMBERED: Final = 64


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    log: str
    cosigned: str | None
    recent: Annotated[tuple[str, ...], Field(max_length=_REMEMBERED)]


@dataclass(frozen=True)
class Record:
    """A log, its newest checkpoint that was cosigned, and the texts of the last few, in the order of time."""

    log: VerifierKey
    cosigned: SignedCheckpoint | None = None
    recent: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The size of the newest checkpoint; 0 before the first."""
        return self.cosigned.checkpoint.size if self.cosigned else 0

    def knows(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint is one of the last few that were cosigned."""
        return checkpoint.text in self.recent

    def after(self, signed: SignedCheckpoint) -> Self:
        """The record once a checkpoint is cosigned."""
        text = signed.checkpoint.text
        kept = [each for each in self.recent if each != text]
        return type(self)(self.log, signed, (*kept, text)[-_REMEMBERED:])

    def to_json(self) -> bytes:
        """The record as a file."""
        note = self.cosigned.to_bytes().decode() if self.cosigned else None
        content = _File(log=str(self.log), cosigned=note, recent=self.recent)
        return content.model_dump_json(indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a file; raises LogCorrupt."""
        try:
            content = _File.model_validate_json(data)
            log = VerifierKey.parse(content.log, Use.LOG)
            signed = SignedCheckpoint.parse(content.cosigned.encode()) if content.cosigned else None
            if signed is not None:
                signed.verify(log)
        except (ValidationError, ConfigurationError, LogError):
            raise LogCorrupt("The state of the witness is damaged.", "Restore its newest copy.") from None
        return cls(log, signed, content.recent)


class WitnessState:
    """The folder of a witness: a record for each log that it was told of, and evidence against logs."""

    def __init__(self, folder: Path) -> None:
        self._records = folder / "logs"
        self._evidence = folder / "evidence"

    @staticmethod
    def create(folder: Path) -> None:
        """Make the folder; refused if something is in it."""
        with files.new_folder(folder, _WHAT) as part:
            for name in ("logs", "evidence"):
                (part / name).mkdir(mode=0o700)

    def add(self, log: VerifierKey) -> None:
        """Begin with a log, of which nothing was cosigned yet; raises LogExists."""
        path = self._path(log.name)
        if path.exists():
            raise LogExists("The witness has a log of this name already.")
        files.replace_private(path, Record(log).to_json(), _WHAT)

    def records(self) -> Iterator[Record]:
        """What is known of every log; raises LogCorrupt."""
        for path in sorted(self._records.glob("[0-9a-f]*.json")):
            yield Record.from_json(files.read(path, _WHAT))

    def record(self, origin: str) -> Record:
        """What is known of a log; raises UnknownLog or LogCorrupt."""
        path = self._path(origin)
        if not path.is_file():
            raise UnknownLog
        record = Record.from_json(files.read(path, _WHAT))
        if record.log.name != origin:
            raise LogCorrupt("The state of the witness is that of another log.")
        return record

    def replace(self, record: Record) -> None:
        """Make a newer record durable in the place of the last."""
        files.replace_private(self._path(record.log.name), record.to_json(), _WHAT)

    def keep(self, evidence: Evidence) -> None:
        """Keep evidence: each checkpoint that was offered once, and so many of each case that the disk holds them."""
        offered = sha256(evidence.offered.checkpoint.text.encode()).hexdigest()
        path = self._evidence / f"{evidence.case}-{offered}.json"
        if not path.exists() and len(self._of_case(evidence.case)) < limits.LOG_EVIDENCE:
            files.replace_private(path, evidence.to_json(), "evidence")

    def evidence(self) -> Iterator[Evidence]:
        """All evidence, the conclusive first."""
        for case in Case:
            for path in self._of_case(case):
                yield Evidence.from_json(files.read(path, "evidence"))

    def _of_case(self, case: Case) -> list[Path]:
        return sorted(self._evidence.glob(f"{case}-*.json"))

    def _path(self, origin: str) -> Path:
        return self._records / f"{sha256(origin.encode()).hexdigest()}.json"
