"""What seeds the masks of a result, beside the mask secret: the same for the server and for who computes it again."""

from __future__ import annotations

import hashlib


def handle(listed: str, gate: int) -> str:
    """What a list (by the digest of its statement) is under one gate.

    It seeds masks, so it must differ wherever results may: a list may come back under another threshold.
    """
    return hashlib.sha256(f"{listed}:{gate}".encode()).hexdigest()


def mask_label(handle: str, probe_id: str, ciphertext: bytes, crop: bytes, removed: frozenset[int]) -> str:
    """What seeds the masks of a result.

    It binds all that a result depends on. Were it the probe's id alone, whoever used an id twice would get
    the same masks over two scores, and the operator could take the masks away. With the sealed face in it, the key
    that this is wrapped under wraps nothing else.
    """
    sent = ":".join(hashlib.sha256(each).hexdigest() for each in (ciphertext, crop))
    numbers = ",".join(map(str, sorted(removed)))
    return hashlib.sha256(f"{handle}:{probe_id}:{sent}:{numbers}".encode()).hexdigest()
