"""Checkpoints: the size and the root of a log, signed by it, after C2SP tlog-checkpoint v1.0.0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from blindwatch.errors import MalformedLog, UntrustedCheckpoint
from blindwatch.tlog.encoding import to_base64, to_hash, to_number
from blindwatch.tlog.keys import Signer, VerifierKey
from blindwatch.tlog.notes import Note, NoteSignature, values_of


@dataclass(frozen=True)
class Checkpoint:
    """The tree of a log at one moment. Lines of extensions are kept, and mean nothing here."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note; raises MalformedLog."""
        lines = text.split("\n")
        if lines.pop() or len(lines) < 3 or not all(lines):
            raise MalformedLog("A checkpoint has at least three lines, and none is empty.")
        origin, size, root, *extensions = lines
        return cls(origin, to_number(size), to_hash(root), tuple(extensions))

    def signed_by(self, log: Signer) -> SignedCheckpoint:
        """The checkpoint with the signature of its log."""
        value = log.sign(self.text.encode())
        return SignedCheckpoint(self, (NoteSignature.by(log.verifier, value),))


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint as a note, with signatures that are not verified yet."""

    checkpoint: Checkpoint
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """The note."""
        return Note(self.checkpoint.text, self.signatures).to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a note from untrusted bytes; raises MalformedLog."""
        note = Note.parse(data)
        return cls(Checkpoint.parse(note.text), note.signatures)

    def verify(self, log: VerifierKey) -> Checkpoint:
        """The checkpoint, if the log signed it and no signature of its key is wrong; raises UntrustedCheckpoint."""
        values = values_of(self.signatures, log)
        if self.checkpoint.origin != log.name or not values:
            raise UntrustedCheckpoint("The checkpoint is not signed with the key of the log.")
        for value in values:
            log.verify(self.checkpoint.text.encode(), value)
        return self.checkpoint

    def signatures_of(self, key: VerifierKey) -> tuple[NoteSignature, ...]:
        """The signatures that name a key."""
        return tuple(NoteSignature.by(key, value) for value in values_of(self.signatures, key))

    def with_signatures(self, more: Iterable[NoteSignature]) -> Self:
        """The same checkpoint with further signatures."""
        return type(self)(self.checkpoint, (*self.signatures, *more))
