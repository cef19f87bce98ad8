"""Sealed faces for tests that do not look at them, and the key that these are sealed to."""

from __future__ import annotations

from functools import cache

from blindwatch.he.presets import preset
from blindwatch.secret.crops import recipient
from blindwatch.secret.keys import SecretKey
from blindwatch.wire import crops

CROP = bytes(crops.SEALED)
"""What a camera might send: nobody can open it."""


@cache
def crop_key() -> str:
    """The public half of a key pair that belongs to no deployment."""
    return recipient(SecretKey(preset("insecure-noop-128"), "00" * 32, b"of nobody"))
