"""A camera's own key: it signs requests, and the manifest of a deployment lists its public half."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import TypeAdapter, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.statements.predicates import CameraKey
from blindwatch.wire.messages import CameraName

WHAT: Final = "camera's identity"
_NAME: Final[TypeAdapter[str]] = TypeAdapter(CameraName)


def make(path: Path) -> Ed25519PublicKey:
    """Make a key and write it into a new private file (PKCS #8 in PEM); the public half."""
    key = Ed25519PrivateKey.generate()
    files.write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), WHAT)
    return key.public_key()


def load(path: Path) -> Ed25519PrivateKey:
    """Read the key that `make` wrote."""
    data = files.read(path, WHAT)
    try:
        key: object = load_pem_private_key(data, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            f"The file is not a {WHAT}.", "Make one with: blindwatch camera identity --name NAME --out FILE"
        )
    return key


def entry(name: str, key: Ed25519PublicKey) -> CameraKey:
    """The camera as the manifest of a deployment lists it."""
    return CameraKey(name=name, ed25519=base64.b64encode(key.public_bytes_raw()).decode())


def check_name(name: str) -> None:
    """Refuse a name that no manifest can list, before there is a key."""
    try:
        _NAME.validate_python(name)
    except ValidationError:
        raise ConfigurationError(
            "The name of the camera is not valid.",
            "Use 1 to 64 letters, digits, dots, hyphens and underscores.",
        ) from None
