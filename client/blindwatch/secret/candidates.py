"""Faces of a list for the operator's eyes: a file that opens with the released key alone, one face at a time.

Every face is an age file of its own, for a recipient that follows from the secret key. So whoever builds a list needs
no secret, and whoever reads it has no more faces in clear than are looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, TypeVar

import pyrage
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, MalformedMessage, StatementMismatch, WrongKey
from blindwatch.secret.held import Held
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.ranked import RankSecret
from blindwatch.secret.wrapping import identity
from blindwatch.wire import cbor, limits

FILE: Final = "candidates.cbor"
"""What the file is called in the folder of a list, and beside the operator's package."""
_WHAT: Final = "file of faces"
_MALFORMED: Final = f"The {_WHAT} does not follow its form."
_KIND: Final = "blindwatch candidates"
_INFO: Final = b"blindwatch candidates v1"

T = TypeVar("T")
Secret: TypeAlias = SecretKey | RankSecret


@dataclass(frozen=True)
class Portrait:
    """A face of the list, as JPEG, and what is wrong with the photograph, in words."""

    image: bytes
    shortcomings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """A face that is not on the list, as JPEG, and the number of the entry that it is most alike."""

    image: bytes
    entry: int


def recipient(secret: Secret) -> str:
    """The age recipient of a deployment's faces, which is public."""
    return str(_age(secret).to_public())


def seal(to: str, portraits: Sequence[Portrait], checks: Sequence[Check]) -> bytes:
    """The file of faces, in the order of the entries."""
    try:
        place = pyrage.x25519.Recipient.from_str(to)
    except pyrage.RecipientError:
        raise ConfigurationError(
            "The description of the keys does not name whom faces are encrypted to.", "Hold a new ceremony."
        ) from None

    def sealed(content: cbor.Value) -> cbor.Value:
        return bytes(pyrage.encrypt(cbor.encode(content), [place]))

    return cbor.encode(
        {
            "kind": _KIND,
            "faces": [
                sealed({"image": each.image, "shortcomings": list(each.shortcomings)}) for each in portraits
            ],
            "checks": [sealed({"image": each.image, "entry": each.entry}) for each in checks],
        }
    )


class Album:
    """The faces of a list, closed; each is opened when it is asked for, for as long as the key may be used."""

    def __init__(self, faces: Sequence[bytes], checks: Sequence[bytes], secret: Secret) -> None:
        self._faces = faces
        self._checks = checks
        self._identity = Held(_age(secret), secret.window)

    @classmethod
    def load(cls, path: Path, digest: str, secret: Secret) -> Self:
        """Read the file that a package names by its SHA-256 (hex)."""
        data = files.read_at_most(path, limits.CANDIDATES, _WHAT)
        if hashlib.sha256(data).hexdigest() != digest:
            raise StatementMismatch(
                f"The {_WHAT} is not the one that the package names.",
                f"Use the {FILE} that was written with this operator.json.",
            )
        match cbor.decode(data, limits.CANDIDATES):
            case {"kind": "blindwatch candidates", "faces": list(faces), "checks": list(checks)}:
                return cls(_every(bytes, faces), _every(bytes, checks), secret)
        raise MalformedMessage(_MALFORMED)

    @property
    def checks(self) -> int:
        """How many pairs of different people there are."""
        return len(self._checks)

    def portrait(self, entry: int) -> Portrait:
        """The face of an entry; raises WrongKey, MalformedMessage or OutsideWindow."""
        match self._opened(self._faces, entry):
            case {"image": bytes(image), "shortcomings": list(found)}:
                return Portrait(image, tuple(_every(str, found)))
        raise MalformedMessage(_MALFORMED)

    def check(self, number: int) -> Check:
        """One of the pairs of different people."""
        match self._opened(self._checks, number):
            case {"image": bytes(image), "entry": int(entry)} if 0 <= entry < len(self._faces):
                return Check(image, entry)
        raise MalformedMessage(_MALFORMED)

    def forget(self) -> None:
        """Let go of what opens faces."""
        self._identity.drop()

    def _opened(self, closed: Sequence[bytes], number: int) -> cbor.Value:
        if not 0 <= number < len(closed):
            raise MalformedMessage(f"The {_WHAT} has no face of this number.")
        try:
            return cbor.decode(pyrage.decrypt(closed[number], [self._identity.get()]), limits.BLOB)
        except pyrage.DecryptError:
            raise WrongKey(f"The key does not open the {_WHAT}.") from None


def _age(secret: Secret) -> Any:
    """The age identity that follows from a secret key, and does not lead back to it."""
    salt = bytes.fromhex(secret.key_id)
    derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=_INFO).derive(secret.material)
    return pyrage.x25519.Identity.from_str(identity(derived))


def _every(kind: type[T], values: Sequence[object]) -> list[T]:
    found = [each for each in values if isinstance(each, kind)]
    if len(found) != len(values):
        raise MalformedMessage(_MALFORMED)
    return found
