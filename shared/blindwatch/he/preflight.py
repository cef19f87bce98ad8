"""What is checked of a ciphertext before any native code sees it: that header and size can be true."""

from __future__ import annotations

from collections.abc import Collection

from blindwatch.errors import MalformedCiphertext
from blindwatch.he import form
from blindwatch.he.presets import Preset


def check_probe(preset: Preset, data: bytes) -> None:
    """Refuse bytes that cannot be a probe under the preset; MalformedCiphertext says why."""
    _check(preset, data, (preset.data_primes,))


def check_part(preset: Preset, data: bytes) -> None:
    """As `check_probe`, of one of the ciphertexts of a watchlist, coarse or fine."""
    _check(preset, data, (preset.data_primes, preset.fine_primes))


def _check(preset: Preset, data: bytes, primes: Collection[int]) -> None:
    if not preset.is_insecure:
        form.check(preset, data, primes)
    elif len(data) != 4 * preset.poly_degree:
        raise MalformedCiphertext("The ciphertext does not have the size that its preset says.")
