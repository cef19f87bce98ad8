"""The secret key under a passphrase: scrypt (RFC 7914) to a key, AES-256-GCM around the bytes."""

from __future__ import annotations

from secrets import token_bytes
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from blindwatch.errors import MalformedMessage, TooLarge, WrongKey
from blindwatch.he.presets import preset
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.ranked import RankSecret
from blindwatch.wire import cbor, limits

_KIND: Final = "blindwatch wrapped secret key"
_COST: Final = 2**16  # 64 MiB with r = 8
_FIELDS: Final = {"kind", "preset", "keyId", "salt", "nonce", "sealed"}


def wrap(secret: SecretKey | RankSecret, passphrase: str) -> bytes:
    """The secret key, sealed."""
    salt, nonce = token_bytes(16), token_bytes(12)
    bound = cbor.encode({"kind": _KIND, "preset": secret.preset.name, "keyId": secret.key_id})
    sealed = AESGCM(_stretch(passphrase, salt)).encrypt(nonce, secret.material, bound)
    return cbor.encode(
        {
            "kind": _KIND,
            "preset": secret.preset.name,
            "keyId": secret.key_id,
            "salt": salt,
            "nonce": nonce,
            "sealed": sealed,
        }
    )


def unwrap(data: bytes, passphrase: str) -> SecretKey:
    """The secret key out of its wrapping; WrongKey if the passphrase does not open it."""
    name, key_id, material = _open(data, passphrase)
    return SecretKey(preset(name), key_id, material)


def unwrap_ranked(data: bytes, passphrase: str) -> RankSecret:
    """As `unwrap`, for the secret key of a ranked deployment."""
    name, key_id, material = _open(data, passphrase)
    return RankSecret(rank_preset(name), key_id, material)


def _open(data: bytes, passphrase: str) -> tuple[str, str, bytes]:
    """The preset's name, the key's identifier and SEAL's serialized key."""
    try:
        parts = cbor.decode(data, limits.BLOB)
    except (MalformedMessage, TooLarge):
        parts = None
    fields = parts.keys() if isinstance(parts, dict) else None
    match parts:
        case {
            "kind": "blindwatch wrapped secret key",
            "preset": str(name),
            "keyId": str(key_id),
            "salt": bytes(salt),
            "nonce": bytes(nonce),
            "sealed": bytes(sealed),
        } if fields == _FIELDS and len(salt) == 16 and len(nonce) == 12:
            bound = cbor.encode({"kind": _KIND, "preset": name, "keyId": key_id})
        case _:
            raise WrongKey("The file is not a wrapped secret key.")
    try:
        material = AESGCM(_stretch(passphrase, salt)).decrypt(nonce, sealed, bound)
    except InvalidTag:
        raise WrongKey("The passphrase does not open the secret key.") from None
    return name, key_id, material


def _stretch(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase.encode())
