"""Keys with which people sign: an Ed25519 key and an ML-DSA-44 key, which count only together.

Ciphertexts of this project are built on lattices already; with the second key signatures withstand a quantum
computer as well, and with the first they do not depend on the younger scheme alone.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from blindwatch.errors import ConfigurationError

_PEM: Final = re.compile(rb"-----BEGIN PRIVATE KEY-----\n.*?-----END PRIVATE KEY-----\n", re.DOTALL)


@dataclass(frozen=True)
class Signature:
    """One signature and the SHA-256 (hex) of the raw public key that verifies it."""

    key_id: str
    value: bytes


@dataclass(frozen=True)
class PublicKeys:
    """The raw public keys of one person: 32 bytes of Ed25519 and 1,312 of ML-DSA-44."""

    ed25519: bytes
    mldsa44: bytes

    def __post_init__(self) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.ed25519)
            MLDSA44PublicKey.from_public_bytes(self.mldsa44)
        except ValueError:
            raise ConfigurationError("The public keys are not an Ed25519 and an ML-DSA-44 key.") from None

    @property
    def key_ids(self) -> tuple[str, str]:
        """What names each key in a signature."""
        return key_id(self.ed25519), key_id(self.mldsa44)

    def verify(self, message: bytes, signatures: tuple[bytes, bytes]) -> None:
        """Check a signature of each key over the message; raises cryptography's InvalidSignature."""
        Ed25519PublicKey.from_public_bytes(self.ed25519).verify(signatures[0], message)
        MLDSA44PublicKey.from_public_bytes(self.mldsa44).verify(signatures[1], message)

    def have_signed(self, message: bytes, signatures: tuple[Signature, ...]) -> bool | None:
        """Whether the signatures under both names verify; None where one of the two is absent."""
        found = {each.key_id: each.value for each in signatures}
        first, second = (found.get(name) for name in self.key_ids)
        if first is None or second is None:
            return None
        try:
            self.verify(message, (first, second))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Identity:
    """The private keys of one person, or of a server."""

    ed25519: Ed25519PrivateKey = field(repr=False)
    mldsa44: MLDSA44PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """New keys."""
        return cls(Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())

    @property
    def public(self) -> PublicKeys:
        """What others need to verify."""
        return PublicKeys(
            self.ed25519.public_key().public_bytes_raw(), self.mldsa44.public_key().public_bytes_raw()
        )

    def sign(self, message: bytes) -> tuple[Signature, Signature]:
        """A signature of each key."""
        first, second = self.public.key_ids
        return Signature(first, self.ed25519.sign(message)), Signature(second, self.mldsa44.sign(message))

    def to_pem(self) -> bytes:
        """Both keys in PKCS #8, one PEM block after the other."""
        keys = (self.ed25519, self.mldsa44)
        return b"".join(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in keys)

    @classmethod
    def from_pem(cls, data: bytes) -> Self:
        """Read what `to_pem` wrote; raises ConfigurationError."""
        match [_private_key(block) for block in _PEM.findall(data)]:
            case [Ed25519PrivateKey() as first, MLDSA44PrivateKey() as second]:
                return cls(first, second)
        raise ConfigurationError(
            "The file does not hold the two signing keys of a person.",
            "Make one with: blindwatch deployment identity",
        )


def key_id(public: bytes) -> str:
    """The SHA-256 of a raw public key, in hex."""
    return hashlib.sha256(public).hexdigest()


def _private_key(block: bytes) -> object:
    try:
        return load_pem_private_key(block, None)
    except (ValueError, TypeError):
        return None
