"""What seeds the masks of a result, beside the mask secret: the same for the server and for who computes it again."""

from __future__ import annotations

import hashlib


def handle(listed: str, gate: int) -> str:
    """What a list (by the digest of its statement) is under one gate.

    It seeds masks, so it must differ wherever results may: a list may come back under another threshold.
    """
    return hashlib.sha256(f"{listed}:{gate}".encode()).hexdigest()


def mask_label(handle: str, probe_id: str, ciphertext: bytes, removed: frozenset[int]) -> str:
    """What seeds the masks of a result.

    It binds all that a result depends on. Were it the probe's id alone, whoever used an id twice would get
    the same masks over two scores, and the operator could take the masks away.
    """
    digest = hashlib.sha256(ciphertext).hexdigest()
    numbers = ",".join(map(str, sorted(removed)))
    return hashlib.sha256(f"{handle}:{probe_id}:{digest}:{numbers}".encode()).hexdigest()
