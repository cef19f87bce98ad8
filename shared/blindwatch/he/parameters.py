"""What every preset has, whatever it is for."""

from __future__ import annotations

from typing import Protocol


class Parameters(Protocol):
    """The ring of a BFV ciphertext."""

    @property
    def name(self) -> str:
        """What the preset is chosen by."""
        ...

    @property
    def poly_degree(self) -> int:
        """N."""
        ...

    @property
    def primes(self) -> tuple[int, ...]:
        """The ciphertext primes, followed by the key-switching prime."""
        ...

    def parms_id(self, primes: int) -> bytes:
        """SEAL's identifier of the level with this many primes."""
        ...
