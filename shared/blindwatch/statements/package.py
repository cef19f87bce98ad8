"""The operator's package: what an operator must know of a list to read results. Names are not in it.

The signed statement of the list names the SHA-256 of the package, so that it cannot be swapped.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import date
from enum import StrEnum
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from blindwatch.cli import files
from blindwatch.errors import MalformedMessage, TooLarge
from blindwatch.statements.predicates import Thresholds, Word
from blindwatch.statements.statement import Fields, Line
from blindwatch.wire import limits
from blindwatch.wire.messages import Digest, PresetName

WHAT: Final = "operator's package"

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Z2-7]{8}$")]
"""What stands for a person outside the custodian's machine: forty random bits in base32 (RFC 4648)."""


def new_reference() -> str:
    """A random reference; of 17,000 two are equal once in 7,600 lists, so whoever makes a list looks."""
    return base64.b32encode(token_bytes(5)).decode()


class Priority(StrEnum):
    """How urgent an alert is, in the words that police use."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"


class PackageEntry(Fields):
    """What an operator sees of an entry that matched."""

    reference: Reference
    category: Word
    priority: Priority
    instruction: Line | None
    image_date: date | None
    known_relative: Line | None
    """A note on somebody who is known to look alike."""


class OperatorPackage(Fields):
    """The entries of a list in their order, and on which terms it was made. In ranked use thresholds are zero."""

    preset: PresetName
    key_id: Digest
    model_digest: Digest
    similarity: Annotated[float, Field(ge=-1, le=1)]
    gate: int
    fine_threshold: int
    candidates: Digest | None = None
    """The file of faces that goes with the package, by its SHA-256 (hex); none of a gallery that has too many."""
    entries: Annotated[tuple[PackageEntry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({each.reference for each in self.entries}) != len(self.entries):
            raise ValueError("a reference is there twice")
        return self

    @property
    def thresholds(self) -> Thresholds:
        """From where on two templates match."""
        return Thresholds(similarity=self.similarity, gate=self.gate, fine=self.fine_threshold)

    @property
    def digest(self) -> str:
        """The SHA-256 (hex) of the package as JSON, by which the list's statement names it."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def to_json(self) -> bytes:
        """The package as JSON."""
        return self.model_dump_json(by_alias=True, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a package from untrusted bytes; raises MalformedMessage or TooLarge."""
        if len(data) > limits.PACKAGE:
            raise TooLarge(f"The {WHAT} is over its byte limit.")
        try:
            return cls.model_validate_json(data, by_alias=True, by_name=False)
        except ValidationError:
            raise MalformedMessage(
                f"The file is not an {WHAT}.", "The custodian's file for it is operator.json."
            ) from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a package file."""
        return cls.from_json(files.read_at_most(path, limits.PACKAGE, WHAT))
