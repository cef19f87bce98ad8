"""The head of a log: its newest checkpoint, and the entries that are not under a full tile yet.

It is what an append makes durable, with one synchronous write, before anything is to be seen of it. It is kept apart
from the files that are served, so that an old copy of those, put back in their place, does not make the log sign its
past anew. Two slots are written in turn: one that a crash left half written does not fit its digest.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from blindwatch.cli import files
from blindwatch.errors import LogCorrupt, LogMissing, MalformedLog
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.locking import lock
from blindwatch.tlog.tiles import join_bundle, split_bundle

_SLOTS: Final = ("head-0", "head-1")
_LENGTH: Final = 4


@dataclass(frozen=True)
class Head:
    """A signed checkpoint, and the last entries of the log: as many as its size is over a multiple of 256."""

    signed: SignedCheckpoint
    tail: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """The content of a slot: digest, length of the rest, length of the note, note, entries."""
        note = self.signed.to_bytes()
        body = len(note).to_bytes(_LENGTH) + note + join_bundle(self.tail)
        return sha256(body).digest() + len(body).to_bytes(_LENGTH) + body

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a slot, after which older data may follow; raises MalformedLog."""
        digest, length = data[:32], int.from_bytes(data[32 : 32 + _LENGTH])
        body = data[32 + _LENGTH :][:length]
        if sha256(body).digest() != digest:
            raise MalformedLog("The slot was not written to its end.")
        end = _LENGTH + int.from_bytes(body[:_LENGTH])
        return cls(SignedCheckpoint.parse(body[_LENGTH:end]), tuple(split_bundle(body[end:])))


class HeadStore:
    """The folder with the head of one log, open in one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._lock = lock(folder)
        try:
            self._slots = [(folder / name).open("r+b") for name in _SLOTS]
        except OSError:
            os.close(self._lock)
            raise LogMissing("The folder does not hold the head of a log.") from None
        self._next = 0

    @staticmethod
    def create(folder: Path, head: Head) -> None:
        """Make the folder, which is there in whole or not at all."""
        with files.new_folder(folder, "head of the log") as part:
            for name in _SLOTS:
                files.write_private(part / name, head.to_bytes(), "head of the log")

    def read(self) -> Head:
        """The newest head; raises LogCorrupt if neither slot has one."""
        heads = [(head.signed.checkpoint.size, slot, head) for slot, head in self._readable()]
        if not heads:
            raise LogCorrupt(
                "The head of the log is damaged.", "Both of its slots would have to be restored."
            )
        _, slot, head = max(heads, key=lambda each: each[:2])
        self._next = 1 - slot
        return head

    def write(self, head: Head) -> None:
        """Make a head durable in the place of the one before the last; raises OSError."""
        slot = self._slots[self._next]
        slot.seek(0)
        slot.write(head.to_bytes())
        slot.flush()
        os.fdatasync(slot.fileno())
        self._next = 1 - self._next

    def close(self) -> None:
        """Let others open it."""
        for slot in self._slots:
            slot.close()
        os.close(self._lock)

    def _readable(self) -> list[tuple[int, Head]]:
        found = []
        for place, slot in enumerate(self._slots):
            slot.seek(0)
            try:
                found.append((place, Head.parse(slot.read())))
            except MalformedLog:
                continue
        return found
