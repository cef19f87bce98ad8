"""The `Content-Digest` field of RFC 9530, SHA-256 only.

Ciphertexts are not authenticated by their format: most flipped bits still load, and decrypt to something
else. So bodies carry their digest, and a body that changed on its way is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from blindwatch.errors import MalformedMessage

FIELD: Final = "Content-Digest"

# The member of the field's dictionary that counts here; others may stand before and after it.
_SHA256: Final = re.compile(r"(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/]{43}=):[ \t]*(?=,|;|$)")


def content_digest(body: bytes) -> str:
    """The value of the field for a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def check_content_digest(value: str | None, body: bytes, *, required: bool) -> None:
    """Refuse a body that is not the one its sender took the digest of."""
    if value is None:
        if required:
            raise MalformedMessage("The message has no Content-Digest field.")
        return
    members = _SHA256.findall(value)
    if not members:
        raise MalformedMessage("The Content-Digest field holds no SHA-256 digest.")
    expected = hashlib.sha256(body).digest()
    # Where a member comes twice, its last value counts (RFC 8941).
    if not hmac.compare_digest(base64.b64decode(members[-1]), expected):
        raise MalformedMessage("The body is not the one that its Content-Digest field names.")
