"""Fresh masks for every release, drawn from a server secret so that an auditor can draw them again.

HKDF (RFC 5869) turns the secret and a label into an AES-256 key; its counter mode gives the stream.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from blindwatch.he.presets import PLAIN_MODULUS
from blindwatch.he.scheme import Slots

SECRET_BYTES: Final = 32
ZERO: Final = "zero"
FLOOD: Final = "flood"
"""Purposes of what is derived from the seed of one released ciphertext."""
_SALT: Final = b"blindwatch masks, version 1"
_WORD_LIMIT: Final = 2**32 - 2**32 % PLAIN_MODULUS


def derive(secret: bytes, label: str) -> bytes:
    """A key of 32 bytes for one purpose of one release."""
    return HKDF(SHA256(), 32, salt=_SALT, info=label.encode()).derive(secret)


def keystream(seed: bytes, count: int) -> bytes:
    """The first bytes of the stream of a seed of 32 bytes."""
    return Cipher(AES(seed), CTR(bytes(16))).encryptor().update(bytes(count))


def nonzero(seed: bytes, count: int) -> Slots:
    """Uniform values of 1 to t - 1. There are 2^16 of them, so two bytes give one exactly."""
    return np.frombuffer(keystream(seed, 2 * count), dtype="<u2").astype(np.int64) + 1


def uniform(seed: bytes, count: int) -> Slots:
    """Uniform values of 0 to t - 1: words of 32 bits modulo t, without the few that would favour some values."""
    spare = 64
    words = np.frombuffer(keystream(seed, 4 * (count + spare)), dtype="<u4").astype(np.int64)
    return words[words < _WORD_LIMIT][:count] % PLAIN_MODULUS
