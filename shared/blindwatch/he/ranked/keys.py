"""The public key of a ranked deployment. There are no evaluation keys: the scan needs none."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from blindwatch.errors import MalformedCiphertext, MalformedMessage, TooLarge
from blindwatch.he.ranked.presets import RankPreset, rank_preset
from blindwatch.wire import cbor, limits

_KIND: Final = "blindwatch ranked encryption key"
_FIELDS: Final = {"kind", "preset", "public"}


@dataclass(frozen=True)
class RankKey:
    """What encrypts galleries and queries."""

    preset: RankPreset
    public: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """SHA-256 of the preset and the key in hexadecimal, as of all encryption keys."""
        return sha256(self.preset.name.encode() + b"\0" + self.public).hexdigest()

    def to_bytes(self) -> bytes:
        """The serialized form."""
        return cbor.encode({"kind": _KIND, "preset": self.preset.name, "public": self.public})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A key from its serialized form; raises CipherError. SEAL checks the key itself on first use."""
        try:
            parts = cbor.decode(data, limits.BLOB)
        except (MalformedMessage, TooLarge):
            raise MalformedCiphertext("The key file cannot be read.") from None
        fields = parts.keys() if isinstance(parts, dict) else None
        match parts:
            case {"kind": str(kind), "preset": str(name), "public": bytes(public)} if (
                kind == _KIND and fields == _FIELDS
            ):
                return cls(rank_preset(name), public)
        raise MalformedCiphertext(f"The data is not a {_KIND}.")
