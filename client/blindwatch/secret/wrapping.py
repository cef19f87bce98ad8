"""The secret key at rest: an age file for the identity that the shares make up, which stock tools open as well.

The 32 bytes of the master secret are the X25519 identity of age-encryption.org/v1. Inside is one CBOR map.
"""

from __future__ import annotations

from typing import Final

import bech32
import pyrage

from blindwatch.errors import MalformedMessage, TooLarge, WrongKey
from blindwatch.he.presets import preset
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.ranked import RankSecret
from blindwatch.statements.predicates import Window
from blindwatch.wire import cbor, limits

FILE: Final = "secret.key.age"
"""What the file is called in the folder of a ceremony."""
_KIND: Final = "blindwatch secret key"
_FIELDS: Final = {"kind", "preset", "keyId", "material"}
_PREFIX: Final = "age-secret-key-"


def identity(master: bytes) -> str:
    """The master secret as an age identity, as a file for the stock tool has it."""
    return bech32.bech32_encode(_PREFIX, bech32.convertbits(master, 8, 5) or []).upper()


def wrap(secret: SecretKey | RankSecret, master: bytes) -> bytes:
    """The secret key as an age file."""
    content = cbor.encode(
        {
            "kind": _KIND,
            "preset": secret.preset.name,
            "keyId": secret.key_id,
            "material": secret.material,
        }
    )
    wrapped: bytes = pyrage.encrypt(content, [pyrage.x25519.Identity.from_str(identity(master)).to_public()])
    return wrapped


def unwrap(data: bytes, master: bytes, window: Window | None = None) -> SecretKey:
    """The secret key out of its file, for the window it was released for; WrongKey if the shares do not open it."""
    name, key_id, material = _open(data, master)
    return SecretKey(preset(name), key_id, material, window)


def unwrap_ranked(data: bytes, master: bytes, window: Window | None = None) -> RankSecret:
    """As `unwrap`, for the secret key of a ranked deployment."""
    name, key_id, material = _open(data, master)
    return RankSecret(rank_preset(name), key_id, material, window)


def _open(data: bytes, master: bytes) -> tuple[str, str, bytes]:
    """The preset's name, the key's identifier and SEAL's serialized key."""
    try:
        opened = pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(identity(master))])
    except pyrage.DecryptError:
        raise WrongKey(
            "The shares do not open the secret key.",
            "They may be of another ceremony, or the file is damaged.",
        ) from None
    try:
        parts = cbor.decode(opened, limits.BLOB)
    except (MalformedMessage, TooLarge):
        parts = None
    fields = parts.keys() if isinstance(parts, dict) else None
    match parts:
        case {
            "kind": "blindwatch secret key",
            "preset": str(name),
            "keyId": str(key_id),
            "material": bytes(material),
        } if fields == _FIELDS:
            return name, key_id, material
    raise WrongKey("The file holds something else than a secret key.")
