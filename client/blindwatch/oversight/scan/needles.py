"""Bytes that should be nowhere, in the encodings in which a program is likely to hold or to write them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from blindwatch.oversight.scan.kernels import irregularity

SHORTEST: Final = 40
"""Bytes of the shortest needle: so many hold a window of a search on the border of a word, wherever they lie."""
LONGEST: Final = 8192

_BITS, _CHANGES = 64, 20


@dataclass(frozen=True)
class Needle:
    """Bytes that should be nowhere, and what they are: never the bytes themselves, since it gets printed."""

    what: str
    data: bytes


def is_telling(data: bytes) -> bool:
    """Whether bytes are long and irregular enough never to be met by chance.

    At least 40 bytes; at least 64 bits of information by the frequencies of their values; and at least 20 places
    where a byte differs from the one before. So an even patch of an image, or a template of zeros, is no needle.
    """
    if len(data) < SHORTEST:
        return False
    bits, changes, _ = irregularity(np.frombuffer(data, np.uint8), SHORTEST)
    return bool(bits >= _BITS and changes >= _CHANGES)


def needles(what: str, data: bytes) -> list[Needle]:
    """Bytes in all encodings; none if they are not telling."""
    if not is_telling(data):
        return []
    found: dict[bytes, str] = {}
    for encoding, form in _encodings(data):
        found.setdefault(form, encoding)
    return [Needle(f"{what}, {encoding}", form) for form, encoding in found.items()]


def digest(needles: Iterable[Needle]) -> str:
    """The SHA-256 (hex) of a set of needles, whatever their order."""
    each = sorted({hashlib.sha256(needle.data).digest() for needle in needles})
    return hashlib.sha256(b"".join(each)).hexdigest()


def _encodings(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Bytes as they are, in hexadecimal, as Python prints them, and in Base64 wherever in a text they begin."""
    yield "plain", data
    yield "hexadecimal", data.hex().encode()
    yield "capital hexadecimal", data.hex().upper().encode()
    yield "printed", (printed := repr(data)[2:-1].encode())
    yield "printed in JSON", printed.replace(b"\\", b"\\\\")
    for before in range(3):
        text = base64.b64encode(bytes(before) + data)
        # The first and the last characters depend on what is beside the bytes, too.
        inner = text[-(-4 * before // 3) : 4 * (before + len(data)) // 3]
        yield "Base64", inner
        yield "Base64 for addresses", inner.translate(bytes.maketrans(b"+/", b"-_"))
