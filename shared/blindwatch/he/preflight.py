"""What is checked of a ciphertext before any native code sees it: that header and size can be true."""

from __future__ import annotations

from blindwatch.errors import MalformedCiphertext
from blindwatch.he.objects import check_header, raw_size, zstandard_bound
from blindwatch.he.presets import Preset


def check_ciphertext(preset: Preset, data: bytes) -> None:
    """Refuse bytes that cannot be a fresh ciphertext of the preset; MalformedCiphertext says why."""
    if preset.is_insecure:
        if len(data) != 4 * preset.poly_degree:
            raise MalformedCiphertext("The ciphertext does not have the size that its preset says.")
        return
    check_header(data, zstandard_bound(raw_size(preset, 2, preset.data_primes)))
