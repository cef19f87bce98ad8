"""The folder of whoever draws results for replay: what was signed, what came of it, and up to where.

No range of records is drawn from twice. A second signature would draw others, and whoever may choose between two
could spare a result. What was signed is therefore kept before it is sent, and sent again after an interruption.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, LogCorrupt, LogError, StatementMismatch
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Challenge
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.wire import limits
from blindwatch.wire.messages import Count, DeploymentId, ProbeId

_FILE: Final = "challenger.json"
_EVIDENCE: Final = "evidence"
_WHAT: Final = "state of the challenges"
_OUTCOME: Final = "outcome of the challenge"
_NUMBER: Final = re.compile(r"[0-9]+")


class Outcome(BaseModel):
    """What came of a challenge: how many results there were, and what the server kept of those that were drawn."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    first: Count
    end: Count
    results: Count
    kept: tuple[ProbeId, ...]
    late: tuple[ProbeId, ...] = ()
    """Drawn when the time was over for which the profile has the server keep them. Not the server's fault."""
    lost: tuple[ProbeId, ...] = ()
    """Drawn when the server had been started anew, as its log has it: what waits is in its memory only."""
    missing: tuple[ProbeId, ...] = ()
    """Drawn in time, and not kept."""
    extra: tuple[ProbeId, ...] = ()
    """Kept, and not drawn."""

    @property
    def holds(self) -> bool:
        """Whether the server has kept what it had to, and nothing else."""
        return not self.missing and not self.extra


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    deployment: DeploymentId
    read: Count = 0
    """Records before this one were drawn from, or have no result of the deployment."""
    seen: str | None = None


class ChallengeFolder:
    """A folder that `create` made, for one deployment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.evidence = folder / _EVIDENCE
        if not (folder / _FILE).is_file():
            raise ConfigurationError(
                "The folder is not one for challenges.", "Make one with: blindwatch oversight challenge init"
            )

    @staticmethod
    def create(folder: Path, deployment: str) -> None:
        """Make a folder in which nothing was drawn yet."""
        try:
            state = _State(deployment=deployment)
        except ValidationError:
            raise ConfigurationError("The name of the deployment is not valid.") from None
        with files.new_folder(folder, "challenges") as part:
            (part / _EVIDENCE).mkdir(mode=0o700)
            files.write_private(part / _FILE, state.model_dump_json().encode(), _WHAT)

    @property
    def seen(self) -> SignedCheckpoint | None:
        """The newest checkpoint of the log that was seen."""
        seen = self._state.seen
        try:
            return None if seen is None else SignedCheckpoint.parse(seen.encode())
        except LogError:
            raise LogCorrupt("The state of the challenges is damaged.", "Restore its newest copy.") from None

    @property
    def read(self) -> int:
        """The record from which on the next challenge draws."""
        return max([self._state.read, *self._ends("challenge-*.dsse.json")])

    def check(self, deployment: str) -> None:
        """Refuse another deployment than the folder's."""
        if self._state.deployment != deployment:
            raise StatementMismatch(
                "The folder is for the challenges of another deployment.", "Make a new folder."
            )

    def advance(self, read: int, seen: SignedCheckpoint) -> None:
        """Note up to where there is nothing more to draw from, and the checkpoint that says so."""
        state = _State(deployment=self._state.deployment, read=read, seen=seen.to_bytes().decode())
        files.replace_private(self._folder / _FILE, state.model_dump_json(indent=1).encode() + b"\n", _WHAT)

    def unanswered(self) -> Envelope | None:
        """What was signed, and of which it is not known what came of it."""
        left = self._ends("challenge-*.dsse.json") - self._ends("outcome-*.json")
        if not left:
            return None
        data = files.read_at_most(self._challenge(min(left)), limits.ENVELOPE, "challenge")
        return Envelope.from_json(data)

    def keep(self, envelope: Envelope) -> None:
        """Keep what is signed, before it is sent."""
        path = self._challenge(Challenge.read(envelope).end)
        files.replace_private(path, envelope.to_json(), "challenge")

    def conclude(self, outcome: Outcome) -> None:
        """Keep what came of a challenge."""
        data = outcome.model_dump_json(indent=1).encode() + b"\n"
        files.replace_private(self._outcome(outcome.end), data, _OUTCOME)

    def outcomes(self) -> list[Outcome]:
        """What came of all of them, in the order of the log."""
        found = [files.read(self._outcome(end), _OUTCOME) for end in sorted(self._ends("outcome-*.json"))]
        try:
            return [Outcome.model_validate_json(data) for data in found]
        except ValidationError:
            raise LogCorrupt("The outcome of a challenge is damaged.", "Restore a copy.") from None

    @property
    def _state(self) -> _State:
        try:
            return _State.model_validate_json(files.read(self._folder / _FILE, _WHAT))
        except ValidationError:
            raise LogCorrupt("The state of the challenges is damaged.", "Restore its newest copy.") from None

    def _ends(self, pattern: str) -> set[int]:
        """The ends of the ranges that files are named by."""
        return {int(_NUMBER.findall(path.name)[0]) for path in self._folder.glob(pattern)}

    def _challenge(self, end: int) -> Path:
        return self._folder / f"challenge-{end}.dsse.json"

    def _outcome(self, end: int) -> Path:
        return self._folder / f"outcome-{end}.json"
