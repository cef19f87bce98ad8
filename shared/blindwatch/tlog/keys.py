"""Keys of notes: Ed25519 with a name and a use, as C2SP signed-note v1.0.0 has them.

A key is named in a signature by its name and by four bytes of a hash, which are no protection: whoever verifies
has the whole key, in a line of text (a vkey).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from blindwatch.errors import ConfigurationError, MalformedLog, UntrustedCheckpoint
from blindwatch.tlog.encoding import from_base64, to_base64

_VKEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)")


class Use(IntEnum):
    """What a key signs: the type byte of its signatures."""

    LOG = 0x01
    WITNESS = 0x04


def check_name(name: str) -> None:
    """A name of a key is not empty and has no spaces, no plus and no control characters; raises MalformedLog."""
    if not name or any(each.isspace() or each == "+" or each < " " for each in name):
        raise MalformedLog("The name of a key is not valid.")


@dataclass(frozen=True)
class VerifierKey:
    """A public key (32 bytes), by which a log or a witness is known."""

    name: str
    use: Use
    public: bytes

    def __post_init__(self) -> None:
        try:
            check_name(self.name)
            Ed25519PublicKey.from_public_bytes(self.public)
        except (MalformedLog, ValueError):
            raise ConfigurationError("The name or the bytes of a log's or witness's key are wrong.") from None

    def __str__(self) -> str:
        material = to_base64(bytes([self.use]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand for the key in a signature, beside its name."""
        return sha256(f"{self.name}\n".encode() + bytes([self.use]) + self.public).digest()[:4]

    @classmethod
    def parse(cls, text: str, use: Use) -> Self:
        """Read a vkey for one use; raises ConfigurationError."""
        match = _VKEY.fullmatch(text)
        try:
            material = from_base64(match[3]) if match else b""
        except MalformedLog:
            material = b""
        if match is None or material[:1] != bytes([use]):
            raise ConfigurationError(
                f"The text is not the public key of a {use.name.lower()}.",
                "It has a name, eight hexadecimal digits and base64, with a plus between them.",
            )
        key = cls(match[1], use, material[1:])
        if key.key_id.hex() != match[2]:
            raise ConfigurationError("The name, the digits and the bytes of a public key do not fit.")
        return key

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check an Ed25519 signature; raises UntrustedCheckpoint."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise UntrustedCheckpoint("A signature that names a known key is not valid.") from None


@dataclass(frozen=True)
class Signer:
    """A private key, and what it is known by."""

    verifier: VerifierKey
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, name: str, use: Use) -> Self:
        """A new key."""
        return cls._of(name, use, Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, data: bytes, name: str, use: Use) -> Self:
        """A key from PKCS #8 in PEM, which does not say its name and use; raises ConfigurationError."""
        try:
            private = load_pem_private_key(data, None)
        except (ValueError, TypeError):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigurationError("The file does not hold an Ed25519 key in PEM.")
        return cls._of(name, use, private)

    def to_pem(self) -> bytes:
        """The key in PKCS #8 and PEM, not encrypted."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature."""
        return self._private.sign(message)

    @classmethod
    def _of(cls, name: str, use: Use, private: Ed25519PrivateKey) -> Self:
        return cls(VerifierKey(name, use, private.public_key().public_bytes_raw()), private)
