"""The public keys of a deployment. Secret keys are in no package that a server or a camera installs.

A serialized key is one CBOR map; SEAL's objects are in it as SEAL writes them. The key's identifier is the
SHA-256 of the public encryption key and its preset, so whoever holds either object can name the key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Self

from blindwatch.errors import MalformedCiphertext, MalformedMessage, TooLarge, WrongPreset
from blindwatch.he.presets import Preset, preset
from blindwatch.wire import cbor, limits

_ENCRYPTION: Final = "blindwatch encryption key"
_EVALUATION: Final = "blindwatch evaluation keys"


@dataclass(frozen=True)
class EncryptionKey:
    """What encrypts probes and watchlists."""

    preset: Preset
    public: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """SHA-256 in hexadecimal."""
        return sha256(self.preset.name.encode() + b"\0" + self.public).hexdigest()

    def to_bytes(self) -> bytes:
        """The serialized form."""
        return cbor.encode({"kind": _ENCRYPTION, "preset": self.preset.name, "public": self.public})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A key from its serialized form; raises CipherError. SEAL checks the key itself on first use."""
        parts = _read(data, _ENCRYPTION, {"public"}, None)
        return cls(preset(parts["preset"]), parts["public"])


@dataclass(frozen=True)
class EvaluationBundle:
    """What the server computes with: keys that relinearise and rotate, and the encryption key."""

    encryption: EncryptionKey
    relinearisation: bytes = field(repr=False)
    rotation: bytes = field(repr=False)

    @property
    def preset(self) -> Preset:
        """The preset of all of them."""
        return self.encryption.preset

    @property
    def key_id(self) -> str:
        """The identifier of the encryption key."""
        return self.encryption.key_id

    def to_bytes(self) -> bytes:
        """The serialized form."""
        return cbor.encode(
            {
                "kind": _EVALUATION,
                "preset": self.preset.name,
                "public": self.encryption.public,
                "relinearisation": self.relinearisation,
                "rotation": self.rotation,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes, expected: Preset) -> Self:
        """A bundle from its serialized form; raises CipherError. SEAL checks the keys on first use."""
        parts = _read(data, _EVALUATION, {"public", "relinearisation", "rotation"}, expected)
        key = EncryptionKey(expected, parts["public"])
        return cls(key, parts["relinearisation"], parts["rotation"])


def _read(data: bytes, kind: str, names: set[str], expected: Preset | None) -> dict[str, Any]:
    try:
        parts = cbor.decode(data, limits.BUNDLE)
    except (MalformedMessage, TooLarge):
        raise MalformedCiphertext("The key file cannot be read.") from None
    if not isinstance(parts, dict) or parts.keys() != {"kind", "preset", *names} or parts["kind"] != kind:
        raise MalformedCiphertext(f"The data is not a {kind}.")
    if not isinstance(parts["preset"], str) or not all(isinstance(parts[name], bytes) for name in names):
        raise MalformedCiphertext(f"The data is not a {kind}.")
    if expected is not None and parts["preset"] != expected.name:
        raise WrongPreset("The keys belong to another preset.")
    return parts
