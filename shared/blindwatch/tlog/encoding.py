"""What stands in the lines of notes: base64 and decimal numbers, each with one spelling only."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from blindwatch.errors import MalformedLog

HASH_BYTES: Final = 32
LARGEST: Final = 2**63 - 1

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def to_base64(data: bytes) -> str:
    """Bytes in the standard alphabet, padded."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes:
    """The bytes of their one spelling in base64; raises MalformedLog."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedLog("A value is not in base64.") from None
    if to_base64(data) != text:
        raise MalformedLog("A value is not in the one spelling of base64.")
    return data


def to_hash(text: str) -> bytes:
    """A SHA-256 hash in base64; raises MalformedLog."""
    data = from_base64(text)
    if len(data) != HASH_BYTES:
        raise MalformedLog("A hash is not 32 bytes long.")
    return data


def to_number(text: str) -> int:
    """A decimal number below 2^63 without leading zeros; raises MalformedLog."""
    if not _NUMBER.fullmatch(text) or int(text) > LARGEST:
        raise MalformedLog("A size or an index is not a decimal number.")
    return int(text)


def to_text(data: bytes) -> str:
    """UTF-8 without control characters other than the newline; raises MalformedLog."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise MalformedLog("The text is not in UTF-8.") from None
    if any(character < " " and character != "\n" for character in text):
        raise MalformedLog("The text has control characters in it.")
    return text
