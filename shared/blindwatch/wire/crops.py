"""The face that goes with a probe: sealed to the operator by the camera, and wrapped again by the server.

The camera seals with HPKE (RFC 9180, X25519 and ML-KEM-768 together) to the key of the manifest, so the server cannot
open it. The server wraps that with AES-128-GCM under a key that is made for this one probe, keeps nothing else of it,
and releases the key by the rule of the score. Both layers are bound to deployment, camera and probe, and both are of
one length for all faces. What opens the inner layer is not here.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

from blindwatch.errors import CropClosed, MalformedMessage

SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
PADDED: Final = 16 * 1024
"""Bytes of a padded image: its length in two bytes, the image, and zeros."""
LONGEST: Final = PADDED - 2
PIECES: Final = 8
"""Of 16 bits each: the key that the server wraps under."""
KEY_BYTES: Final = 2 * PIECES
_TAG: Final = 16
SEALED: Final = KEM.MLKEM768_X25519.enc_length() + PADDED + _TAG
WRAPPED: Final = SEALED + _TAG
_DOMAIN: Final = "blindwatch crop v1"
_LATTICE_BYTES: Final = 1184
PUBLIC_BYTES: Final = _LATTICE_BYTES + 32
"""Of the public key that faces are sealed to."""
_NONCE: Final = bytes(12)
"""It may be the same always, since each key wraps one crop only."""


def bound_to(deployment: str, camera: str, probe_id: str) -> bytes:
    """What both layers are bound to; none of the names can hold a line break."""
    return "\n".join((_DOMAIN, deployment, camera, probe_id)).encode()


def pad(image: bytes | memoryview) -> bytearray:
    """The image in the form that is sealed; raises ValueError if it is longer than `LONGEST`."""
    if len(image) > LONGEST:
        raise ValueError("the image is too long to be sealed")
    padded = bytearray(PADDED)
    padded[:2] = len(image).to_bytes(2, "big")
    padded[2 : 2 + len(image)] = image
    return padded


def unpad(padded: bytes) -> bytes:
    """The image of the form that was sealed; raises CropClosed."""
    length = int.from_bytes(padded[:2], "big")
    if len(padded) != PADDED or length > LONGEST or any(padded[2 + length :]):
        raise CropClosed("What was sealed with the probe does not have the form of a face.")
    return padded[2 : 2 + length]


class Recipient:
    """Whom cameras of a deployment seal faces to: the public half of the operator's key."""

    def __init__(self, text: str) -> None:
        """`text` is the key as manifests have it, in base64; raises MalformedMessage."""
        try:
            raw = base64.b64decode(text, validate=True)
            curve = X25519PublicKey.from_public_bytes(raw[_LATTICE_BYTES:])
            lattice = MLKEM768PublicKey.from_public_bytes(raw[:_LATTICE_BYTES])
        except (ValueError, binascii.Error):
            raise MalformedMessage("The key that faces are sealed to is not one.") from None
        self._key = MLKEM768X25519PublicKey(lattice, curve)

    def seal(self, padded: bytearray, bound: bytes) -> bytes:
        """A padded image, sealed: always of `SEALED` bytes."""
        return SUITE.encrypt(padded, self._key, bound)


def wrap(sealed: bytes, key: bytes, bound: bytes) -> bytes:
    """A sealed face under a key of 16 bytes, which may wrap nothing else: always of `WRAPPED` bytes."""
    return AESGCM(key).encrypt(_NONCE, sealed, bound)


def unwrap(wrapped: bytes, key: bytes, bound: bytes) -> bytes:
    """The sealed face; raises CropClosed where the key is another or anything was changed."""
    try:
        return AESGCM(key).decrypt(_NONCE, wrapped, bound)
    except InvalidTag:
        raise CropClosed from None


def from_pieces(pieces: list[int]) -> bytes:
    """A key from eight numbers below 2^16; raises CropClosed where one is not, as a key that was not released has."""
    try:
        return b"".join(piece.to_bytes(2, "big") for piece in pieces)
    except OverflowError:
        raise CropClosed from None
