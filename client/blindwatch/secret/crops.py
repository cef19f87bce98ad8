"""What opens the faces that cameras seal: a key pair of HPKE (RFC 9180) that follows from the secret key.

So it is released with the secret key, to the same memory and for the same window, and there is nothing more to keep.
"""

from __future__ import annotations

import base64
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from blindwatch.errors import CropClosed
from blindwatch.secret.held import Held
from blindwatch.secret.keys import SecretKey
from blindwatch.wire import crops

_INFO: Final = b"blindwatch crops v1"
_LATTICE_SEED: Final = 64
_CURVE_BYTES: Final = 32


def recipient(secret: SecretKey) -> str:
    """The public half, as a manifest has it: ML-KEM-768, then X25519, in base64."""
    lattice, curve = _halves(secret)
    public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    return base64.b64encode(public).decode()


class Opener:
    """Opens sealed faces, for as long as the key may be used."""

    def __init__(self, secret: SecretKey) -> None:
        self._held = Held(MLKEM768X25519PrivateKey(*_halves(secret)), secret.window)

    def open(self, sealed: bytes, bound: bytes) -> bytes:
        """The image that was sealed; raises CropClosed or OutsideWindow."""
        try:
            return crops.unpad(crops.SUITE.decrypt(sealed, self._held.get(), bound))
        except InvalidTag:
            raise CropClosed from None

    def forget(self) -> None:
        """Let go of the key; nothing is opened any more."""
        self._held.drop()


def _halves(secret: SecretKey) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """Both private keys, which do not lead back to the secret key."""
    salt = bytes.fromhex(secret.key_id)
    length = _LATTICE_SEED + _CURVE_BYTES
    derived = HKDF(algorithm=SHA256(), length=length, salt=salt, info=_INFO).derive(secret.material)
    return (
        MLKEM768PrivateKey.from_seed_bytes(derived[:_LATTICE_SEED]),
        X25519PrivateKey.from_private_bytes(derived[_LATTICE_SEED:]),
    )
