"""What a log sends to a witness: a checkpoint, and the proof that it extends the last one that the witness has.

The body of add-checkpoint in C2SP tlog-witness v1.0.0. The answer is read with `notes.parse_signatures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from blindwatch.errors import MalformedLog
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.encoding import to_base64, to_hash, to_number, to_text
from blindwatch.wire import limits

_LONGEST: Final = 63


@dataclass(frozen=True)
class Submission:
    """The size that the witness is thought to have, the consistency proof from there, and the checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    signed: SignedCheckpoint

    def to_bytes(self) -> bytes:
        """The body of the request."""
        lines = [f"old {self.old_size}", *map(to_base64, self.proof), "", ""]
        return "\n".join(lines).encode() + self.signed.to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a request from untrusted bytes; raises MalformedLog."""
        if len(data) > limits.LOG_PROOF:
            raise MalformedLog("The submission is over its byte limit.")
        head, _, note = to_text(data).partition("\n\n")
        old, *hashes = head.split("\n")
        if not old.startswith("old ") or len(hashes) > _LONGEST:
            raise MalformedLog("The submission has no old size, or too many hashes.")
        size = to_number(old.removeprefix("old "))
        return cls(size, tuple(map(to_hash, hashes)), SignedCheckpoint.parse(note.encode()))
