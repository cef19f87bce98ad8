"""The folder of a monitor: how far it has read a log, and evidence. It is made by a call of its own, once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, LogCorrupt, LogError, UntrustedCheckpoint
from blindwatch.oversight.monitor.tally import Tally
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.keys import VerifierKey
from blindwatch.wire.messages import Timestamp

_FILE: Final = "monitor.json"
_EVIDENCE: Final = "evidence"
_WHAT: Final = "state of the monitor"


class State(BaseModel):
    """The checkpoint up to which everything was read, what was there, and since when witnesses are missing."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    seen: str | None = None
    tally: Tally = Tally()
    uncosigned_since: Timestamp | None = None

    @property
    def checkpoint(self) -> SignedCheckpoint | None:
        """The checkpoint that `seen` is the text of."""
        return None if self.seen is None else SignedCheckpoint.parse(self.seen.encode())


class MonitorFolder:
    """A folder that `create` made."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self.evidence = folder / _EVIDENCE
        if not self._file.is_file():
            raise ConfigurationError(
                "The folder is not that of a monitor.", "Make one with: blindwatch oversight monitor init"
            )

    @staticmethod
    def create(folder: Path) -> None:
        """Make a folder in which nothing was read yet."""
        with files.new_folder(folder, "monitor") as part:
            (part / _EVIDENCE).mkdir(mode=0o700)
            files.write_private(part / _FILE, State().model_dump_json().encode(), _WHAT)

    def load(self, log: VerifierKey) -> State:
        """What was kept of a log; raises LogCorrupt, or UntrustedCheckpoint if it was of another log."""
        try:
            state = State.model_validate_json(files.read(self._file, _WHAT))
            checkpoint = state.checkpoint
        except (ValidationError, LogError):
            raise LogCorrupt("The state of the monitor is damaged.", "Restore its newest copy.") from None
        try:
            if checkpoint is not None:
                checkpoint.verify(log)
        except UntrustedCheckpoint:
            raise UntrustedCheckpoint(
                "The monitor has followed another log, or one with another key."
            ) from None
        return state

    def save(self, state: State) -> None:
        """Put a newer state in the place of the last."""
        files.replace_private(self._file, state.model_dump_json(indent=1).encode() + b"\n", _WHAT)
