"""What is kept of a log that cannot be right: two checkpoints that it has signed, for anybody to check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from blindwatch.errors import ConfigurationError, InvalidProof, MalformedLog
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.encoding import to_base64, to_hash
from blindwatch.tlog.keys import Use, VerifierKey
from blindwatch.wire import limits


class Case(StrEnum):
    """What two checkpoints of one log show."""

    SPLIT_VIEW = "split-view"
    """Two roots for one size. There is no innocent explanation: the log showed different histories."""
    REWRITTEN = "rewritten"
    """The larger tree is proven to begin with another tree than the one signed before: as conclusive."""
    UNPROVEN = "unproven"
    """A larger tree came without a proof that it extends the one cosigned. Anybody can leave out a proof: the log has
    to bring it."""
    BEHIND = "behind"
    """The tree that came later is smaller than one that was cosigned, and was not cosigned itself: the log went back,
    or somebody sent a checkpoint late. The log has to bring the proof from the smaller to the larger."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    case: Case
    log: str
    cosigned: str
    offered: str
    proof: tuple[Annotated[str, StringConstraints(max_length=44)], ...] = Field(max_length=63)
    beginning: Annotated[str, StringConstraints(max_length=44)] | None = None


@dataclass(frozen=True)
class Evidence:
    """The key of the log, the checkpoint that was cosigned or kept before, the one that came then, and its proof."""

    log: VerifierKey
    cosigned: SignedCheckpoint
    offered: SignedCheckpoint
    proof: tuple[bytes, ...]
    beginning: bytes | None = None
    """The root that the larger tree is proven to have had at the smaller size, where that is another."""

    @property
    def case(self) -> Case:
        """What it shows, once it is checked."""
        old, new = self.cosigned.checkpoint.size, self.offered.checkpoint.size
        if old == new:
            return Case.SPLIT_VIEW
        if old > new:
            return Case.BEHIND
        return Case.UNPROVEN if self.beginning is None else Case.REWRITTEN

    def check(self) -> None:
        """Check that the log signed both, and that they do not belong together as they are.

        Raises UntrustedCheckpoint, or MalformedLog if it shows nothing.
        """
        old, new = self.cosigned.verify(self.log), self.offered.verify(self.log)
        if old.size == new.size and old.root == new.root:
            raise MalformedLog("The two checkpoints are of the same tree.")
        if self.case is Case.REWRITTEN:
            self._check_rewritten(old, new)
        elif old.size < new.size and (old.size == 0 or _extends(old.size, old.root, new, self.proof)):
            raise MalformedLog("The proof shows that one checkpoint extends the other.")

    def to_json(self) -> bytes:
        """The evidence as a file."""
        return (
            _File(
                case=self.case,
                log=str(self.log),
                cosigned=self.cosigned.to_bytes().decode(),
                offered=self.offered.to_bytes().decode(),
                proof=tuple(map(to_base64, self.proof)),
                beginning=None if self.beginning is None else to_base64(self.beginning),
            )
            .model_dump_json(indent=1, exclude_none=True)
            .encode()
        )

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a file; raises MalformedLog. Nothing in it is checked yet."""
        if len(data) > 4 * limits.LOG_PROOF:
            raise MalformedLog("The evidence is over its byte limit.")
        try:
            content = _File.model_validate_json(data)
            log = VerifierKey.parse(content.log, Use.LOG)
        except (ValidationError, ConfigurationError):
            raise MalformedLog("The file is not evidence about a log.") from None
        evidence = cls(
            log,
            SignedCheckpoint.parse(content.cosigned.encode()),
            SignedCheckpoint.parse(content.offered.encode()),
            tuple(map(to_hash, content.proof)),
            None if content.beginning is None else to_hash(content.beginning),
        )
        if evidence.case != content.case:
            raise MalformedLog("The evidence is not of the case that it names.")
        return evidence

    def _check_rewritten(self, old: Checkpoint, new: Checkpoint) -> None:
        found = self.beginning or b""
        if found == old.root or not _extends(old.size, found, new, self.proof):
            raise MalformedLog("The proof does not show that the larger tree begins with another.")


def _extends(size: int, root: bytes, new: Checkpoint, proof: tuple[bytes, ...]) -> bool:
    try:
        merkle.verify_consistency(size, root, new.size, new.root, proof)
    except InvalidProof:
        return False
    return True
