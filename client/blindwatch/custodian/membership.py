"""Whether somebody was on a list, told afterwards, when the list itself is gone.

Of every nominal reference there is a commitment, HMAC-SHA-256 (RFC 2104) under a key that the custodian keeps.
Without the key no reference can be tested; with it, nothing but guesses can be made, one by one. Commitments are
sorted, so their order says nothing of the list's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError, model_validator

from blindwatch.cli import files
from blindwatch.errors import MalformedMessage, WrongKey
from blindwatch.statements.statement import Fields
from blindwatch.wire import limits
from blindwatch.wire.messages import DeploymentId, Digest

FILE: Final = "membership.json"
KEY: Final = "membership.key"
KEY_SIZE: Final = 32
_NOBODY: Final = ""


class Membership(Fields):
    """The commitments to everybody on the list of one deployment."""

    deployment: DeploymentId
    key_check: Digest
    """The commitment to the empty reference, which nobody has: it tells a wrong key from a person not listed."""
    commitments: Annotated[tuple[Digest, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        if list(self.commitments) != sorted(set(self.commitments)):
            raise ValueError("the commitments are not in order")
        return self

    @classmethod
    def make(cls, deployment: str, references: Iterable[str], key: bytes) -> Self:
        """Commit to references; several entries of one person give one commitment."""
        return cls(
            deployment=deployment,
            key_check=_commitment(key, deployment, _NOBODY),
            commitments=tuple(sorted({_commitment(key, deployment, each) for each in references})),
        )

    def includes(self, reference: str, key: bytes) -> bool:
        """Whether somebody was on the list; raises WrongKey if the key is another list's."""
        if not hmac.compare_digest(_commitment(key, self.deployment, _NOBODY), self.key_check):
            raise WrongKey("The key is not the one of these commitments.", f"It is in {KEY} beside them.")
        return _commitment(key, self.deployment, reference) in self.commitments

    def to_json(self) -> bytes:
        """The commitments as JSON."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1).encode() + b"\n"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read commitments from a file; raises MalformedMessage."""
        data = files.read_at_most(path, limits.MEMBERSHIP, "file of commitments")
        try:
            return cls.model_validate_json(data, by_alias=True, by_name=False)
        except ValidationError:
            raise MalformedMessage("The file does not hold commitments to a list.") from None


def load_key(path: Path) -> bytes:
    """Read a key from a file."""
    key = files.read_at_most(path, limits.KIB, "key of the commitments")
    if len(key) != KEY_SIZE:
        raise WrongKey("The file is not a key of commitments.", f"Use the file {KEY}.")
    return key


def _commitment(key: bytes, deployment: str, reference: str) -> str:
    """HMAC over both texts with their lengths, the reference as NFKC without case and outer blanks."""
    plain = unicodedata.normalize("NFKC", reference).strip().casefold().encode()
    message = b"blindwatch membership v1\0%d:%s%d:%s" % (
        len(deployment),
        deployment.encode(),
        len(plain),
        plain,
    )
    return hmac.new(key, message, hashlib.sha256).hexdigest()
