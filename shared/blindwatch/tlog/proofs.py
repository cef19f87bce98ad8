"""Proofs that stand alone: an entry is in a log at a checkpoint, after C2SP tlog-proof (version 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from blindwatch.errors import MalformedLog
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.encoding import from_base64, to_base64, to_hash, to_number, to_text
from blindwatch.tlog.policy import Policy, Trusted
from blindwatch.wire import limits

_HEADER: Final = "c2sp.org/tlog-proof@v1"
_LONGEST: Final = 63


@dataclass(frozen=True)
class LogProof:
    """Where an entry is, the hashes that lead from it to the root, and the checkpoint with all its signatures.

    The extra bytes are not covered by any signature.
    """

    index: int
    hashes: tuple[bytes, ...]
    signed: SignedCheckpoint
    extra: bytes = b""

    def verify(self, entry: bytes, policy: Policy) -> Trusted:
        """The checkpoint that the entry is proven to be under; raises InvalidProof, or what the policy raises."""
        trusted = policy.check(self.signed)
        checkpoint = trusted.checkpoint
        merkle.verify_inclusion(
            self.index, checkpoint.size, merkle.leaf_hash(entry), self.hashes, checkpoint.root
        )
        return trusted

    def to_bytes(self) -> bytes:
        """The proof as text."""
        extra = [f"extra {to_base64(self.extra)}"] if self.extra else []
        lines = [_HEADER, *extra, f"index {self.index}", *map(to_base64, self.hashes), "", ""]
        return "\n".join(lines).encode() + self.signed.to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof from untrusted bytes; raises MalformedLog."""
        if len(data) > limits.LOG_PROOF:
            raise MalformedLog("The proof is over its byte limit.")
        head, _, note = to_text(data).partition("\n\n")
        match head.split("\n"):
            case [header, extra, index, *hashes] if header == _HEADER and extra.startswith("extra "):
                added = from_base64(extra.removeprefix("extra "))
            case [header, index, *hashes] if header == _HEADER:
                added = b""
            case _:
                raise MalformedLog("The text is not a proof of a log.")
        if not index.startswith("index ") or len(hashes) > _LONGEST:
            raise MalformedLog("The proof has no index, or too many hashes.")
        place = to_number(index.removeprefix("index "))
        return cls(place, tuple(map(to_hash, hashes)), SignedCheckpoint.parse(note.encode()), added)
