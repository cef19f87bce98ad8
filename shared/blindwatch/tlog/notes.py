"""Signed notes: a text and lines with signatures under it, after C2SP signed-note v1.0.0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from blindwatch.errors import MalformedLog
from blindwatch.tlog.encoding import from_base64, to_base64, to_text
from blindwatch.tlog.keys import VerifierKey, check_name
from blindwatch.wire import limits

_DASH: Final = "\N{EM DASH} "
_KEY_ID: Final = 4


@dataclass(frozen=True)
class NoteSignature:
    """One line under a note. Nothing in it is verified yet."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The signature as a line, with its newline."""
        return f"{_DASH}{self.name} {to_base64(self.key_id + self.value)}\n"

    @classmethod
    def by(cls, key: VerifierKey, value: bytes) -> Self:
        """The signature of a key."""
        return cls(key.name, key.key_id, value)

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line without its newline; raises MalformedLog."""
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise MalformedLog("The line is not a signature of a note.")
        check_name(name)
        data = from_base64(encoded)
        if len(data) <= _KEY_ID:
            raise MalformedLog("A signature of a note is too short.")
        return cls(name, data[:_KEY_ID], data[_KEY_ID:])


def parse_signatures(text: str) -> tuple[NoteSignature, ...]:
    """Read one or more lines with signatures; raises MalformedLog."""
    lines = text.split("\n")
    if lines.pop() or not 0 < len(lines) <= limits.SIGNATURES:
        raise MalformedLog("A note has whole lines with signatures under it, and not too many.")
    return tuple(NoteSignature.parse(line) for line in lines)


@dataclass(frozen=True)
class Note:
    """A text, which ends with a newline, and the signatures under it."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """The note in UTF-8."""
        return "".join([self.text, "\n", *(each.line for each in self.signatures)]).encode()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a note from untrusted bytes; raises MalformedLog."""
        if len(data) > limits.LOG_NOTE:
            raise MalformedLog("The note is over its byte limit.")
        text, blank, signatures = to_text(data).rpartition("\n\n")
        if not blank or not text:
            raise MalformedLog("A note is a text, a blank line and signatures.")
        return cls(text + "\n", parse_signatures(signatures))


def values_of(signatures: Iterable[NoteSignature], key: VerifierKey) -> list[bytes]:
    """The signatures that name a key, by its name and its four bytes; those of others do not count."""
    return [each.value for each in signatures if (each.name, each.key_id) == (key.name, key.key_id)]
